"""Finds and opens the datasets of the workspace."""

import contextlib
from pathlib import Path

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.layouts.choices import choices_of
from fer_core.datasets.names import is_name
from fer_core.datasets.splits import VALIDATION_FRACTION
from fer_core.errors import FerError
from fer_core.storage import paths, read_json


def open_dataset(name: str) -> Dataset:
    """Opens a dataset of the workspace; its index is read on first use.

    Raises:
        FerError: there is no such dataset, or it cannot be read.
    """
    directory = paths.datasets_root() / name
    if not is_name(name) or not (directory / "data_set.json").exists():
        raise FerError(
            f"There is no dataset named {name} on this machine. Add it on the Datasets page."
        )
    try:
        return _read(directory)
    except KeyError as error:
        raise FerError(f"{name} cannot be read: its data_set.json lacks {error}.") from error
    except (ValueError, TypeError, OSError) as error:  # int() and str() of damaged fields
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
        # Datasets of older versions lack these.
        validation_fraction=record.get("validation_fraction", VALIDATION_FRACTION),
        is_gray=record.get("gray", False),
        own_splits=None if "own_splits" not in record else tuple(record["own_splits"]),
        choices=choices_of(record.get("choices", {})),
    )


def list_datasets() -> list[Dataset]:
    """Returns all readable datasets by name, without reading their indexes."""
    datasets = []
    for name in _names():
        with contextlib.suppress(FerError):
            datasets.append(open_dataset(name))
    return datasets


def unreadable_datasets() -> list[str]:
    """Returns an error message for each folder that `list_datasets` skips."""
    messages = []
    for name in _names():
        try:
            open_dataset(name)
        except FerError as error:
            messages.append(str(error))
    return messages


def _names() -> list[str]:
    files = paths.datasets_root().glob("*/data_set.json")
    names = [file.parent.name for file in files if is_name(file.parent.name)]
    return sorted(names, key=str.lower)
