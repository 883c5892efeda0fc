"""Finds and opens the datasets of the workspace."""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.layouts.choices import choices_of
from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.names import is_name
from fer_core.datasets.splits import VALIDATION_FRACTION
from fer_core.errors import FerError
from fer_core.storage import Count, Fraction, paths, read_record
from fer_core.tasks import directories


def open_dataset(name: str) -> Dataset:
    """Opens a dataset of the workspace; its index is read on first use.

    Raises:
        FerError: there is no such dataset, or it cannot be read.
    """
    directory = paths.datasets_root() / name
    if not is_name(name) or not os.path.lexists(directory / "data_set.json"):
        raise FerError(
            f"There is no dataset named {name} on this machine. Add it on the Datasets page."
        )
    try:
        return _read(directory)
    except FerError as error:
        raise FerError(f"{name} cannot be read: its data_set.json is damaged: {error}") from error


@dataclass(frozen=True)
class _Record:
    """Holds the content of `data_set.json`."""

    root: Annotated[str, Meta(pattern=r"^[^\x00]+$")]
    layout: str
    notes: tuple[str, ...]
    split_seed: Count
    images: Count
    # Datasets of older versions lack these.
    validation_fraction: Fraction = VALIDATION_FRACTION
    gray: bool = False
    own_splits: tuple[str, ...] | None = None
    choices: dict[str, Any] = field(default_factory=dict)
    conventions: Conventions = field(default_factory=Conventions)


def _read(directory: Path) -> Dataset:
    record = read_record(directory / "data_set.json", _Record)
    if record is None:
        raise FerError("it is missing.")
    return Dataset(
        directory=directory,
        root=directory / record.root,  # an absolute root replaces the directory
        layout=record.layout,
        notes=record.notes,
        split_seed=record.split_seed,
        images=record.images,
        validation_fraction=record.validation_fraction,
        is_gray=record.gray,
        own_splits=record.own_splits,
        choices=choices_of(record.choices),
        conventions=record.conventions,
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
    names = [
        directory.name
        for directory in directories(paths.datasets_root())
        if is_name(directory.name) and os.path.lexists(directory / "data_set.json")
    ]
    return sorted(names, key=str.lower)
