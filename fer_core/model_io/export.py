"""Submits and lists a run's exports.

They are stored in the run's directory; those of a pretrained model in the workspace.
"""

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.model_io.format import Format
from fer_core.model_io.formats import FORMATS, format_named
from fer_core.model_io.report import ExportReport
from fer_core.model_io.usage import usage_of
from fer_core.runs import Run
from fer_core.storage import cached_by_mtime, paths, read_record
from fer_core.tasks import Task, kinds, queue

REPORT = "report.json"


@dataclass(frozen=True)
class Export:
    """Represents a run's model in a format, a folder with all that is needed to use it."""

    run: Run
    format: Format
    folder: Path
    report: ExportReport

    @property
    def is_current(self) -> bool:
        """Returns whether the model, and all that is said about it, is still the same."""
        return self.report.usage == usage_of(self.run, self.format.value_range)

    def files(self) -> list[Path]:
        """Returns the files to give away, sorted."""
        every = [path for path in sorted(self.folder.rglob("*")) if path != self.folder / REPORT]
        return [path for path in every if path.is_file() and not path.is_symlink()]

    def zipped(self) -> bytes:
        """Returns the files as a .zip with one folder, named after the format."""
        content = BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in self.files():
                archive.write(file, f"{self.format.name}/{file.relative_to(self.folder)}")
        return content.getvalue()


def folder_of(run: Run) -> Path:
    """Returns the folder of a run's exports; it may not exist yet."""
    if run.is_pretrained:
        return paths.workspace() / "exports" / run.id
    return run.directory / "export"


def list_exports(run: Run) -> list[Export]:
    """Returns a run's complete exports, in the order of the formats; damaged ones are left out.

    The files may have been copied in, but not by links.
    """
    found = []
    for format in FORMATS.values():
        folder = folder_of(run) / format.name
        if folder.is_symlink() or folder.parent.is_symlink():
            continue
        report = _report(folder / REPORT)
        if report is not None and report.format == format.name:
            found.append(Export(run, format, folder, report))
    return found


@cached_by_mtime
def _report(path: Path) -> ExportReport | None:
    try:
        return read_record(path, ExportReport)
    except FerError:  # exporting it again replaces it
        return None


def check_export(run: Run, format_name: str) -> Format:
    """Returns the format, if a run's model can be exported to it.

    Raises:
        FerError: the run has no model or is still training, or the format is unknown or needs a
            package that is not installed.
    """
    found = format_named(format_name)
    if run.model_file is None or run.state.is_active:
        raise FerError(
            f"A run must have ended with a model to be exported. {run.id} is "
            f"{run.state}{'' if run.model_file else ' and has no model'}."
        )
    if not (found.takes_onnx and run.model_file.suffix == ".onnx"):
        run.require_keras(f"An export as {found.label}")
    return found


def submit_export(run: Run, format_name: str) -> Task:
    """Queues the export of a run's model to a format.

    Raises:
        FerError: as `check_export`, or the same export is queued already.
    """
    check_export(run, format_name)
    arguments = {"run": run.id, "format": format_name}
    with queue.lock():
        active = [task.request for task in exports_of(run) if task.state.is_active]
        if any(request and request.arguments == arguments for request in active):
            raise FerError(f"{run.id} is already being exported to {format_name}.")
        directory = tasks.new_directory(paths.tasks_root(), kinds.EXPORT)
        return queue.submit(directory, kinds.EXPORT, arguments)


def exports_of(run: Run) -> list[Task]:
    """Returns the tasks that export, or exported, the run; the newest first."""
    every = tasks.list_tasks(kinds.EXPORT)
    return [task for task in every if task.request and task.request.arguments.get("run") == run.id]
