"""Brings folders, tables and archives into the workspace, safely."""

from collections.abc import Callable
from pathlib import Path

from fer_core.datasets.building import build_dataset
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.layouts import read_index
from fer_core.datasets.layouts.found import Found, Report


def import_source(
    source: Path,
    name: str,
    *,
    split_seed: int = 0,
    validation_fraction: float = 0.1,
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
        ValueError: the source is not recognised, the name cannot be used, or it was stopped.
    """

    def report(done: int, total: int, message: str) -> None:
        if should_stop and should_stop():
            raise ValueError("The import was stopped. Nothing of it was kept.")
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


def _read(source: Path, directory: Path, report: Report) -> Found:
    source = source.expanduser()
    if not source.exists():
        raise ValueError(f"There must be a folder or file at the path. Received: {source}")
    return read_index(source.resolve(), directory, report)
