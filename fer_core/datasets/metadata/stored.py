"""Stores the metadata of a dataset in a table of its own; the index does not change."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fer_core import access
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.metadata.join import (
    BY_FILE,
    BY_SUBJECT,
    FILE_KEY,
    JoinedTable,
    key_width,
)
from fer_core.datasets.split_groups import SUBJECT
from fer_core.errors import FerError
from fer_core.storage import DamagedFileError, read_csv, write_table

METADATA_FILE = "metadata.csv"


@dataclass(frozen=True, eq=False)
class Metadata:
    """Holds a dataset's metadata; the first columns of the table say what it was joined by."""

    table: pd.DataFrame  # `path` and `row`, or `subject`; then the columns; all text

    @property
    def by(self) -> str:
        """Returns what the table was joined by: BY_FILE or BY_SUBJECT."""
        return BY_FILE if list(self.table.columns[: len(FILE_KEY)]) == FILE_KEY else BY_SUBJECT

    @property
    def columns(self) -> tuple[str, ...]:
        """Returns the names of the columns, without those that identify images."""
        return tuple(map(str, self.table.columns[key_width(self.by) :]))

    def of_images(self, index: pd.DataFrame) -> pd.DataFrame:
        """Returns the columns with a row per row of the index; "" where nothing is known.

        They are found by path and row, or by subject, so that neither another order nor another
        class of an image matters.
        """
        names = FILE_KEY if self.by == BY_FILE else [SUBJECT]
        if any(name not in index for name in names):  # the index tells no subjects anymore
            return pd.DataFrame("", index.index, list(self.columns))
        own = _keys(index, names)
        rows = pd.Series(range(len(self.table)), _keys(self.table, names))
        place = rows.reindex(own).to_numpy()
        values = self.table[list(self.columns)].reindex(place).fillna("")
        return values.set_axis(index.index)


def read_metadata(directory: Path) -> Metadata | None:
    """Reads the metadata in a dataset's directory; None if there is none.

    Raises:
        DamagedFileError: the file is damaged.
    """
    try:
        table = _read(directory / METADATA_FILE)
    except FileNotFoundError:
        return None
    return Metadata(table)


def save_metadata(dataset: Dataset, joined: JoinedTable) -> None:
    """Saves a joined table as the dataset's metadata, in place of an earlier one.

    Raises:
        FerError: the dataset was deleted, a text cannot be stored, or changes are switched off.
    """
    access.current().require_write()
    if not (dataset.directory / "data_set.json").exists():
        raise FerError(f"{dataset.name} was deleted, so it cannot have metadata.")
    write_table(dataset.directory / METADATA_FILE, joined.table, _read)


def remove_metadata(dataset: Dataset) -> None:
    """Removes the dataset's metadata, if it has any.

    Raises:
        AccessError: changes are switched off.
    """
    access.current().require_write()
    (dataset.directory / METADATA_FILE).unlink(missing_ok=True)


def _read(path: Path) -> pd.DataFrame:
    table = read_csv(path, dtype="str")
    metadata = Metadata(table)
    keys = FILE_KEY if metadata.by == BY_FILE else [SUBJECT]
    if list(table.columns[: len(keys)]) != keys or not metadata.columns:
        raise DamagedFileError(
            path, f"must begin with the columns {' and '.join(FILE_KEY)}, or {SUBJECT}, and others"
        )
    if table.isna().to_numpy().any() or _keys(table, keys).duplicated().any():
        raise DamagedFileError(path, "must have one whole row for each image or subject")
    return table


def _keys(table: pd.DataFrame, names: list[str]) -> pd.Index:
    parts = [table[name].astype("str").fillna("") for name in names]
    return pd.Index(parts[0] if len(parts) == 1 else parts[0] + "\n" + parts[1])
