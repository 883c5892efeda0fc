"""Finds the data sets of the workspace and opens them."""

import contextlib
from pathlib import Path

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.names import is_name
from fer_core.datasets.splits import VALIDATION_FRACTION
from fer_core.errors import FerError
from fer_core.storage import paths, read_json


def open_dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        FerError: there is none, or it cannot be read.
    """
    directory = paths.datasets_root() / name
    if not is_name(name) or not (directory / "data_set.json").exists():
        raise FerError(f"There must be a data set of that name. Received: {name}")
    try:
        return _read(directory)
    except KeyError as error:
        raise FerError(f"{name} cannot be read: its data_set.json lacks {error}.") from error
    except (ValueError, TypeError, OSError) as error:
        raise FerError(f"{name} cannot be read: its data_set.json is damaged: {error}") from error


def _read(directory: Path) -> Dataset:
    record = read_json(directory / "data_set.json")
    return Dataset(
        directory=directory,
        root=directory / record["root"],  # an absolute root replaces the directory
        layout=record["layout"],
        notes=tuple(map(str, record["notes"])),
        split_seed=record["split_seed"],
        images=int(record["images"]),
        # Data sets of older versions lack these.
        validation_fraction=record.get("validation_fraction", VALIDATION_FRACTION),
        is_gray=record.get("gray", False),
    )


def list_datasets() -> list[Dataset]:
    """All that can be read, by name. No index is: `name`, `layout` and `images` cost nothing."""
    found = []
    for name in _names():
        with contextlib.suppress(ValueError):
            found.append(open_dataset(name))
    return found


def unreadable_datasets() -> list[str]:
    """A sentence for each folder that `list_datasets` leaves out, with the reason."""
    sentences = []
    for name in _names():
        try:
            open_dataset(name)
        except ValueError as error:
            sentences.append(str(error))
    return sentences


def _names() -> list[str]:
    found = paths.datasets_root().glob("*/data_set.json")
    names = [file.parent.name for file in found if is_name(file.parent.name)]
    return sorted(names, key=str.lower)
