"""Reads and writes `index.csv`, the table with a row per image."""

from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.splits import SPLITS
from fer_core.errors import FerError
from fer_core.storage import replacing

_TEXTS = ["path", "expression", "split", "source_split", "content"]
_NUMBERS = ["row", *BOX]  # missing in some rows
_NEEDED = [*_TEXTS, "row", "size", "modified"]


def read_index(directory: Path) -> pd.DataFrame:
    """The index as it was written.

    Raises:
        FerError: it is missing or damaged.
    """
    try:
        index = pd.read_csv(
            directory / "index.csv",
            dtype={**dict.fromkeys(_TEXTS, "str"), **dict.fromkeys(_NUMBERS, "Int64")},
            keep_default_na=False,  # a class may be named "none"
            na_values=dict.fromkeys(_NUMBERS, [""]),
        )
        _check(index)
    except FileNotFoundError as error:
        raise FerError(f"{directory.name} cannot be read: its index.csv is missing.") from error
    except (ValueError, TypeError, OSError) as error:
        raise FerError(
            f"{directory.name} cannot be read: its index.csv is damaged: {error}"
        ) from error
    return index


def write_index(directory: Path, index: pd.DataFrame) -> None:
    """Writes it, whole or not at all."""
    with replacing(directory / "index.csv") as temporary:
        index.to_csv(temporary, index=False)


def _check(index: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in index]
    if missing:
        raise FerError(f"there must be a column {missing[0]}.")
    odd = [name for name in ("size", "modified") if not is_numeric_dtype(index[name])]
    if odd:
        raise FerError(f"{odd[0]} must be a number in every row.")
    if index.empty:
        raise FerError("there must be an image.")
    other = set(index["split"].unique()) - set(SPLITS)
    if other:
        raise FerError(f"a split must be one of {', '.join(SPLITS)}. Received: {min(other)}")
