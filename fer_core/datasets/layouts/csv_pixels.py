"""Reads CSV tables with pixels in their cells, such as fer2013.csv, and FER+ votes."""

import math
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.layouts.class_names import fer2013_number, map_classes
from fer_core.datasets.layouts.csv_reader import (
    LABELS,
    SPLITS,
    Table,
    csv_files,
    open_table,
    tables_in,
    unread_note,
)
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.expressions import canonical
from fer_core.storage import writing_array
from fer_core.text import counted, some

ARRAY = "images.npy"
_PIXELS = ("pixels",)
_CHUNK = 500  # rows
_MIN_SIDE, _MAX_SIDE = 16, 1_000  # pixels
_MAX_CELL = 5 * _MAX_SIDE * _MAX_SIDE  # characters; more are more pixels
_MAX_DIGITS = 6  # of a number of votes
_MAX_EMPTY = 64_000_000  # bytes of rows without pixels, beyond the size of the table
# FER+'s columns (Barsoum et al. 2016).
_VOTES = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "nf"),  # unclear, not a face
)


def read_pixel_table(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Copies the pixels of a table into an array in `copied`, row by row.

    Raises:
        FerError: the table has no label column, no square images, or no valid row.
    """
    tables = [table for table in tables_in(source) if table.column(_PIXELS) is not None]
    if not tables:
        return None
    # The Kaggle challenge has several tables; the complete one has splits and labels.
    table = max(tables, key=lambda table: (_has(table, SPLITS), _has(table, LABELS)))
    copy = _copy(table, copied / ARRAY, report)
    words = [fer2013_number(word) for word in copy.words]
    expressions, notes = map_classes(words)
    index = pd.DataFrame(
        {
            "path": ARRAY,
            "row": copy.rows,
            "expression": [expressions[word] for word in words],
            "split": [parse_split(usage) or "" for usage in copy.usages],
            "source_split": copy.usages,
        }
    )
    bad = [f"{counted(count, 'row')} {why}" for why, count in copy.problems.items()]
    notes = [
        *notes,
        *([f"Skipped {'; '.join(bad)}."] if bad else []),
        *unread_note([other for other in tables if other != table]),
    ]
    index, votes = _with_votes(index, copy.total, table.path.parent)
    is_fer2013 = {"training", "publictest"} <= {usage.lower() for usage in copy.usages}
    layout = "FER2013, table of pixels" if is_fer2013 else "Table of pixels"
    summary = f"Recognized {table.path.name}: a table of {copy.side}×{copy.side} pixels"
    return ParsedLayout(
        layout,
        copied,
        index,
        (*notes, *votes),
        lambda index: f"{summary} {_splits(index)}.",
    )


def _splits(index: pd.DataFrame) -> str:
    usages = index["source_split"].value_counts(sort=False).items()
    named = [f"{usage} ({count:,})" for usage, count in usages if usage]
    return f"with splits {some(named, 10)}" if named else "without splits"


@dataclass
class _Copy:
    side: int  # of the images in pixels
    total: int = 0
    rows: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    usages: list[str] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)


def _copy(table: Table, target: Path, report: Report) -> _Copy:
    pixels, label, usage = (table.column(names) for names in (_PIXELS, LABELS, SPLITS))
    if pixels is None or label is None:
        raise FerError(
            f"{table.path.name} must have a column of expressions, named one of "
            f"{', '.join(LABELS)}. Received: {some(table.header, 10)}"
        )
    copy = _Copy(_side(table, pixels))
    chunk = np.zeros((_CHUNK, copy.side * copy.side), np.uint8)
    room = table.path.stat().st_size + _MAX_EMPTY  # a pixel takes two characters
    shape = (copy.side, copy.side)
    with writing_array(target, shape) as append, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # for cells that are not all numbers
        for cells in table.rows(report):
            place = copy.total % _CHUNK
            values, problem = _parse(cells[pixels], chunk.shape[1])
            problem = problem or ("" if cells[label].strip() else "without a label")
            if problem:
                copy.problems[problem] += 1
                chunk[place] = 0
            else:
                chunk[place] = values
                copy.rows.append(copy.total)
                copy.words.append(cells[label].strip())
                copy.usages.append("" if usage is None else cells[usage].strip())
            copy.total += 1
            if copy.total * chunk.shape[1] > room:
                raise FerError(f"{table.path.name} has too many rows without pixels.")
            if place == _CHUNK - 1:
                append(chunk.reshape(-1, *shape))
        append(chunk[: copy.total % _CHUNK].reshape(-1, *shape))
    if not copy.rows:
        raise FerError(
            f"{table.path.name} must have rows with pixels and a label. No row has both."
        )
    return copy


def _parse(text: str, length: int) -> tuple[np.ndarray, str]:
    """Returns the numbers in a cell, and what is wrong with them, if anything."""
    try:
        values = np.fromstring(text, np.int64, sep=" ")
    except ValueError:
        values = np.zeros(0, np.int64)
    if values.size != length:
        return values, f"without exactly {length:,} whole numbers"
    if values.min() < 0 or values.max() > 255:
        return values, "with values outside 0 to 255"
    return values, ""


def _side(table: Table, pixels: int) -> int:
    """Returns the height and width of the first image in the table."""
    for cells in table.rows():
        count = len(cells[pixels][:_MAX_CELL].split())
        side = math.isqrt(count)
        if _MIN_SIDE <= side <= _MAX_SIDE and side * side == count:
            return side
    raise FerError(
        f"{table.path.name} must have square images of {_MIN_SIDE}×{_MIN_SIDE} to "
        f"{_MAX_SIDE}×{_MAX_SIDE} pixels, as numbers separated by spaces. No row has one."
    )


def _has(table: Table, names: tuple[str, ...]) -> bool:
    return table.column(names) is not None


def _with_votes(index: pd.DataFrame, total: int, folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Joins FER+ votes by row order, if their table is in the same folder."""
    for path in csv_files(folder, ""):
        try:
            table = open_table(path)
            if not set(_VOTES) <= set(table.header):
                continue
            votes = _read_votes(table, total)
        except (FerError, FileNotFoundError) as error:
            return index, [f"FER+ votes in {path.name} were not used: {error}"]
        chosen = pd.DataFrame(votes[index["row"].to_numpy(int)])
        chosen.columns = [f"votes_{canonical(name)}" for name in _VOTES]
        return index.join(chosen), [f"FER+ votes were read from {path.name}."]
    return index, []


def _read_votes(table: Table, total: int) -> np.ndarray:
    """Returns the votes, (images, columns of `_VOTES`).

    Raises:
        FerError: they are not whole numbers, or there is not a row for each image.
    """
    columns = [table.header.index(name) for name in _VOTES]
    votes = np.zeros((total, len(_VOTES)), np.int64)
    count = 0
    for cells in table.rows():
        if count < total:
            chosen = [cells[column].strip() for column in columns]
            if not all(cell.isdecimal() and len(cell) <= _MAX_DIGITS for cell in chosen):
                raise FerError(
                    f"they must be whole numbers. Received in row {count + 1:,}: {some(chosen, 10)}"
                )
            votes[count] = list(map(int, chosen))
        count += 1
    if count != total:
        raise FerError(
            f"they must have a row for each of the {total:,} images. Received: {count:,}"
        )
    return votes
