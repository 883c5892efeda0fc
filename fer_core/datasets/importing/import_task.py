"""Imports folders, tables and archives into the workspace."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fer_core import access
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.archives import extract_archive, leads_out
from fer_core.datasets.importing.builder import build_dataset
from fer_core.datasets.importing.seven_zip import extract_seven_zip, is_seven_zip
from fer_core.datasets.importing.tar_archives import extract_tar, is_archive, is_tar
from fer_core.datasets.layouts import Choices, ImportPlan, choices_of, plan_import
from fer_core.datasets.layouts.csv_reader import is_table_file
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.splits import VALIDATION_FRACTION
from fer_core.errors import FerError
from fer_core.storage import check_value, paths, read_json, write_json
from fer_core.tasks import ProgressReporter, Task
from fer_core.text import is_one_line, shortened

# In the directory of what is planned: the files of an archive, and notes on their extraction.
EXTRACTED, EXTRACTION = "images", "extraction.json"
_OTHER_ARCHIVES = (".rar", ".zst", ".lz4")
_OTHER_TABLES = (".xlsx", ".xls", ".ods", ".parquet", ".feather", ".json", ".npz", ".h5", ".mat")
_STOPPED = "Stopped; nothing was added."


def import_source(
    source: Path,
    name: str,
    *,
    split_seed: int = 0,
    validation_fraction: float = VALIDATION_FRACTION,
    test_fraction: float = 0.0,
    choices: Choices | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Dataset:
    """Adds a folder, an archive or a table as a dataset.

    Images in a folder stay where they are and are never modified; images in an archive and
    pixels in a table are copied into the workspace.

    Args:
        validation_fraction: of train, if the source has no validation split.
        test_fraction: of train, if the source has no test split; 0 for none.
        choices: how to read it where the data leave that open.
        progress: called with done, total and a message.

    Raises:
        FerError: the layout is not recognized, the choices leave a question open, the name is
            invalid or taken, or it was stopped.
    """

    def report(done: int, total: int, message: str) -> None:
        if should_stop and should_stop():
            raise FerError(_STOPPED)
        if progress:
            progress(done, total, message)

    return build_dataset(
        name,
        lambda directory: plan_source(source, directory, choices or Choices(), report),
        report,
        split_seed=split_seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )


def check_source(source: Path) -> Path:
    """Returns the absolute path of a source that can be imported.

    Quotation marks around a path, as Windows copies it, are removed.

    Raises:
        FerError: its path has odd characters; or it does not exist, is neither a folder nor an
            archive or a table, or must not be read: one sentence for these, which does not tell
            strangers what exists.
    """
    text = str(source).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        source = Path(text[1:-1])
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
        "The source must be a folder, a .zip, .tar, .tar.gz or .7z archive, or a .csv, .tsv, "
        ".txt or .lst table on the computer that runs FER Studio, and one that it may read. "
        f"Received: {shortened(str(source))}{_packed_hint(source)}"
    )


def _is_table_or_archive(path: Path) -> bool:
    return path.is_file() and (is_archive(path) or is_table_file(path))


def _packed_hint(source: Path) -> str:
    """Says what to do with archives of other kinds."""
    if source.suffix.lower() in _OTHER_ARCHIVES:
        return ". Extract the archive, and add the folder with its files."
    if source.suffix.lower() in _OTHER_TABLES:
        return ". Save the table as .csv."
    return ""


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
    arguments["choices"] = choices_of(arguments.get("choices", {}))
    try:
        dataset = import_source(source, **arguments, progress=import_progress(task))
    finally:
        if upload:
            source.unlink(missing_ok=True)
    write_json(task.directory / "result.json", {"dataset": dataset.name})


def plan_source(
    source: Path, directory: Path, choices: Choices, report: Report, *, again: bool = False
) -> ImportPlan:
    """Reads a source and plans its import; images in an archive are extracted.

    Args:
        directory: the new dataset's, for files that must be copied.
        again: the source may be planned again, in the same directory: keeps what was extracted.

    Raises:
        FerError: as `import_source`, except that questions are part of the plan.
    """
    source = check_source(source)
    if source.is_dir() or not is_archive(source):
        return plan_import(source, directory, choices, report)
    extracted = directory / EXTRACTED
    notes = _extract(source, extracted, report, again)
    plan = plan_import(extracted, directory, choices, report)
    if not plan.root.is_relative_to(extracted):  # a table whose pixels were copied into an array
        if not again:
            shutil.rmtree(extracted)
    elif plan.rows["path"].map(leads_out).any():
        raise FerError(
            "A table in an archive must only list images inside the archive. Remove the other "
            "rows, or add the extracted folder instead."
        )
    return plan.noting(*notes)


def _extract(source: Path, extracted: Path, report: Report, again: bool) -> list[str]:
    """Extracts an archive, unless that was done before, and returns the notes on it."""
    record = extracted.with_name(EXTRACTION)
    known = read_json(record) if again else None
    if known is not None:
        return check_value(list[str], known)
    if again:
        shutil.rmtree(extracted, ignore_errors=True)  # the rest of what was stopped
    extracted.mkdir()
    notes = _extractor(source)(source, extracted, report)
    if again:
        write_json(record, notes)
    return notes


def _extractor(source: Path) -> Callable[[Path, Path, Report], list[str]]:
    if is_seven_zip(source):
        return extract_seven_zip
    return extract_tar if is_tar(source) else extract_archive


@contextlib.contextmanager
def previewing(
    source: Path, choices: Choices | None = None, report: Report | None = None
) -> Iterator[ImportPlan]:
    """Plans the import of a source and adds nothing; at the end no copied files are left.

    Raises:
        FerError: as `import_source`, except that questions are part of the plan.
    """
    with tempfile.TemporaryDirectory(prefix=".preview-", dir=_scratch()) as directory:
        report = report or (lambda done, total, message: None)
        yield plan_source(source, Path(directory), choices or Choices(), report)


def _scratch() -> Path:
    folder = paths.cache_root()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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
