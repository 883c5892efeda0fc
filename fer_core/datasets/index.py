"""Reads, writes and identifies `index.csv`, the table with one row per image."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.splits import SPLITS
from fer_core.errors import FerError
from fer_core.storage import write_table

_TEXTS = ["path", "expression", "split", "source_split", "content"]
_OPTIONAL = ["source_class"]  # the name of the class in the data; older versions lack it
_NUMBERS = ["row", *BOX]  # may be missing in some rows
_REQUIRED = [*_TEXTS, "row", "size", "modified"]


def read_index(directory: Path) -> pd.DataFrame:
    """Reads the index of a dataset.

    Raises:
        FerError: the file is missing or damaged.
    """
    return _read(directory / "index.csv", directory.name)


def _read(file: Path, dataset: str) -> pd.DataFrame:
    try:
        index = pd.read_csv(
            file,
            dtype={
                **dict.fromkeys([*_TEXTS, *_OPTIONAL], "str"),
                **dict.fromkeys(_NUMBERS, "Int64"),
            },
            keep_default_na=False,  # a class may be named "none"
            na_values=dict.fromkeys(_NUMBERS, [""]),
        )
        _check(index)
    except FileNotFoundError as error:
        raise FerError(f"{dataset} cannot be read: its index.csv is missing.") from error
    except (ValueError, TypeError, OSError) as error:  # pandas raises ValueError and TypeError
        raise FerError(f"{dataset} cannot be read: its index.csv is damaged: {error}") from error
    return index


def write_index(directory: Path, index: pd.DataFrame) -> None:
    """Replaces the index of a dataset atomically.

    Raises:
        FerError: a name in it cannot be written to a table and read from it.
    """
    write_table(directory / "index.csv", index, lambda file: _read(file, directory.name))


def _check(index: pd.DataFrame) -> None:
    missing = [name for name in _REQUIRED if name not in index]
    if missing:
        raise FerError(f"the column {missing[0]} is missing.")
    not_numeric = [name for name in ("size", "modified") if not is_numeric_dtype(index[name])]
    if not_numeric:
        raise FerError(f"{not_numeric[0]} must be a number in every row.")
    if index.empty:
        raise FerError("it lists no images.")
    unknown = set(index["split"].unique()) - set(SPLITS)
    if unknown:
        raise FerError(f"a split must be one of {', '.join(SPLITS)}. Received: {min(unknown)}")


def file_stats(root: Path, names: list[str]) -> dict[str, tuple[int, int]]:
    """Returns the size in bytes and the modification time in ns of each file.

    Raises:
        FerError: some files are missing.
    """
    stats, missing = {}, []
    for name in names:
        try:
            stat = (root / name).stat()
        except OSError:
            missing.append(name)
        else:
            stats[name] = stat.st_size, stat.st_mtime_ns
    if missing:
        raise FerError(
            f"{len(missing):,} of {len(names):,} image files are missing from {root}, starting "
            f"with {missing[0]}. Put them back, or delete the dataset and add it again."
        )
    return stats


def pixels_key(index: pd.DataFrame, content: pd.Series) -> str:
    """Identifies the images in their order, regardless of labels and splits: 32 hex digits.

    Args:
        content: the content hash of each row, which may be newer than the one in the index.
    """
    boxes = [index[side].astype("str") for side in BOX if side in index]
    return digest_lines(map("|".join, zip(content, *boxes, strict=True)))[:32]


def digest_lines(lines: Iterable[str]) -> str:
    """Computes the SHA-256 of lines of text, in hexadecimal."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
