"""Brings folders, tables and archives into the workspace, safely."""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.archives import extract_archive, leads_out
from fer_core.datasets.importing.builder import build_dataset
from fer_core.datasets.layouts import read_index
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import VALIDATION_FRACTION
from fer_core.errors import FerError
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task

_STOPPED = "It was stopped. Nothing of it was kept."


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
    """Adds a folder, a .zip or a .csv as a data set of that name.

    Images in a folder stay where they are and are never touched; what is in an archive, and
    pixels in a table, are copied in.

    Args:
        validation_fraction: of train, where the source names no validation split.
        test_fraction: of train, where the source names no test split; 0 for none.
        progress: called with what is done, of how much, and a sentence.

    Raises:
        FerError: the source is not recognised, the name cannot be used, or it was stopped.
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
    """The absolute path of what can be imported.

    Raises:
        FerError: it is not there, or neither a folder nor a .zip or .csv file.
    """
    # Neither a home of nobody, nor a circle of links, nor what is too long for a path.
    with contextlib.suppress(RuntimeError, OSError):
        path = source.expanduser().resolve()
        if path.is_dir() or (path.is_file() and path.suffix.lower() in (".zip", ".csv")):
            return path
    raise FerError(
        "The source must be a folder, a .zip or a .csv file on the machine that runs this "
        f"dashboard. Received: {source}"
    )


def run_import(task: Task) -> None:
    """Does a task of kind "import"; its arguments are those of `import_source`.

    An upload, a file in the task's own directory, is removed afterwards, however it ended.

    Raises:
        FerError: as `import_source`.
    """
    arguments = dict(task_arguments(task))
    source = Path(arguments.pop("source"))
    try:
        dataset = import_source(source, **arguments, progress=import_progress(task))
    finally:
        if source.parent == task.directory:
            source.unlink(missing_ok=True)
    write_json(task.directory / "result.json", {"dataset": dataset.name})


def _read(source: Path, directory: Path, report: Report) -> ParsedLayout:
    source = check_source(source)
    if source.suffix.lower() != ".zip" or source.is_dir():
        return read_index(source, directory, report)
    extracted = directory / "images"
    extracted.mkdir()
    left_out = extract_archive(source, extracted, report)
    found = read_index(extracted, directory, report)
    if not found.root.is_relative_to(extracted):
        shutil.rmtree(extracted)  # a table whose pixels were copied into an array
    elif found.index["path"].map(leads_out).any():
        raise FerError("An archive must not name images that lie outside of it. It does.")
    return dataclasses.replace(found, notes=(*found.notes, *left_out))


def task_arguments(task: Task) -> Mapping[str, Any]:
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    return task.request.arguments


def import_progress(task: Task) -> ProgressReporter:
    """Returns a reporter that ends the import with a message when the user stops it."""
    return ProgressReporter(task, stop_error=FerError(_STOPPED))
