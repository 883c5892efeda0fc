"""Reads, writes and identifies `index.csv`, the table with one row per image."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.split_groups import CLUSTER, GROUP, SUBJECT
from fer_core.datasets.splits import SPLITS
from fer_core.errors import FerError
from fer_core.storage import check_ranges, read_csv, write_table

_TEXTS = ["path", "expression", "split", "source_split", "content"]
# The name of the class in the data, which older versions lack; and whom an image shows, in which
# sequence, and of which image it is a copy, where that is known.
_OPTIONAL = ["source_class", SUBJECT, GROUP, CLUSTER]
_NUMBERS = ["row", *BOX]  # may be missing in some rows
_LARGE = 2**63 - 1  # of a file's time in ns
_WIDE = 1_000_000  # pixels, or votes
_REQUIRED = [*_TEXTS, "row", "size", "modified"]


def read_index(directory: Path) -> pd.DataFrame:
    """Reads the index of a dataset.

    Raises:
        FerError: the file is missing or damaged.
    """
    return _read(directory / "index.csv", directory.name)


def _read(file: Path, dataset: str) -> pd.DataFrame:
    try:
        index = read_csv(
            file,
            dtype={
                **dict.fromkeys([*_TEXTS, *_OPTIONAL], "str"),
                **dict.fromkeys(_NUMBERS, "Int64"),
            },
            na_values=dict.fromkeys(_NUMBERS, [""]),  # a class may be named "none"
        )
        _check(index)
    except FileNotFoundError as error:
        raise FerError(f"{dataset} cannot be read: its index.csv is missing.") from error
    except FerError as error:
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
    if index.empty:
        raise FerError("it lists no images.")
    cut_off = [name for name in _TEXTS if index[name].isna().any()]
    if cut_off:
        raise FerError(f"{cut_off[0]} is missing in a row.")
    check_ranges(index, {"size": (0, _LARGE), "modified": (-_LARGE, _LARGE)})
    sides = [side for side in BOX if side in index]
    if sides and sides != BOX:
        raise FerError(f"of {', '.join(BOX)} it has only {', '.join(sides)}.")
    votes = [name for name in index if str(name).startswith("votes_")]
    for name in ("row", *sides, *votes):
        if not is_numeric_dtype(index[name]):
            raise FerError(f"{name} must be a number in every row.")
        known = index[[name]].dropna()
        check_ranges(known, {str(name): (0, _LARGE) if name == "row" else (-_WIDE, _WIDE)})
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
