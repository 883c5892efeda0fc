"""Imports folders, CSV tables and .zip archives into the workspace."""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fer_core import access
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.archives import extract_archive, leads_out
from fer_core.datasets.importing.builder import build_dataset
from fer_core.datasets.layouts import read_index
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import VALIDATION_FRACTION
from fer_core.errors import FerError
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task
from fer_core.text import is_one_line, shortened

_STOPPED = "Stopped; nothing was added."


def import_source(
    source: Path,
    name: str,
    *,
    split_seed: int = 0,
    validation_fraction: float = VALIDATION_FRACTION,
    test_fraction: float = 0.0,
    progress: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Dataset:
    """Adds a folder, a .zip or a .csv as a dataset.

    Images in a folder stay where they are and are never modified; images in an archive and
    pixels in a table are copied into the workspace.

    Args:
        validation_fraction: of train, if the source has no validation split.
        test_fraction: of train, if the source has no test split; 0 for none.
        progress: called with done, total and a message.

    Raises:
        FerError: the layout is not recognized, the name is invalid or taken, or it was stopped.
    """

    def report(done: int, total: int, message: str) -> None:
        if should_stop and should_stop():
            raise FerError(_STOPPED)
        if progress:
            progress(done, total, message)

    return build_dataset(
        name,
        lambda directory: _read(source, directory, report),
        report,
        split_seed=split_seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )


def check_source(source: Path) -> Path:
    """Returns the absolute path of a source that can be imported.

    Raises:
        FerError: its path has odd characters; or it does not exist, is neither a folder nor a .zip
            or .csv file, or must not be read: one sentence for these, which does not tell
            strangers what exists.
    """
    if not is_one_line(str(source.absolute())):  # no page could name it
        raise FerError(
            "The path of a source must be one line of text in UTF-8. Rename the folder or file. "
            f"Received: {shortened(str(source))}"
        )
    # An unknown user's home, a loop of links, or a path that is too long.
    with contextlib.suppress(RuntimeError, OSError):
        path = source.expanduser().resolve()
        is_usable = is_one_line(str(path)) and access.current().may_read(path)
        if is_usable and (path.is_dir() or _is_table_or_archive(path)):
            return path
    raise FerError(
        "The source must be a folder, a .zip or a .csv file on the computer that runs FER Studio, "
        f"and one that it may read. Received: {shortened(str(source))}"
    )


def _is_table_or_archive(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".zip", ".csv")


def run_import(task: Task) -> None:
    """Runs a task of kind "import"; its arguments are those of `import_source`.

    Instead of `source` it may have `upload`, the name of a file in the task's directory, which is
    removed at the end in any case.

    Raises:
        FerError: as `import_source`.
    """
    arguments = dict(task_arguments(task))
    upload = arguments.pop("upload", None)
    source = task.directory / upload if upload else Path(arguments.pop("source"))
    try:
        dataset = import_source(source, **arguments, progress=import_progress(task))
    finally:
        if upload:
            source.unlink(missing_ok=True)
    write_json(task.directory / "result.json", {"dataset": dataset.name})


def _read(source: Path, directory: Path, report: Report) -> ParsedLayout:
    source = check_source(source)
    if source.suffix.lower() != ".zip" or source.is_dir():
        return read_index(source, directory, report)
    extracted = directory / "images"
    extracted.mkdir()
    notes = extract_archive(source, extracted, report)
    parsed = read_index(extracted, directory, report)
    if not parsed.root.is_relative_to(extracted):
        shutil.rmtree(extracted)  # a table whose pixels were copied into an array
    elif parsed.index["path"].map(leads_out).any():
        raise FerError(
            "A table in an archive must only list images inside the archive. Remove the other "
            "rows, or add the extracted folder instead."
        )
    return dataclasses.replace(parsed, notes=(*parsed.notes, *notes))


def task_arguments(task: Task) -> Mapping[str, Any]:
    """Returns the arguments of a task's request.

    Raises:
        FerError: the request is missing or damaged.
    """
    if task.request is None:
        raise FerError(f"The request of task {task.id} is missing or damaged. Start it again.")
    return task.request.arguments


def import_progress(task: Task) -> ProgressReporter:
    """Returns a reporter that ends the import with a message when the user stops it."""
    return ProgressReporter(task, stop_error=FerError(_STOPPED))
