"""Reads CSV tables, and appends to those of numbers, such as a run's history, while they grow."""

import csv
import errno
import os
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.errors import FerError
from fer_core.storage.files import disk_full_as_error, replacing
from fer_core.storage.reading import DamagedFileError, open_regular, read_bytes

Ranges = Mapping[str, tuple[float, float]]  # columns of numbers: least and greatest value

MAX_TABLE_BYTES = 500_000_000  # an index of two million images
MAX_COLUMNS = 1_000  # a line of a million is not parsed in minutes

_UNREAD = (0, 0, 0)  # inode, size and modification time of a file that was not read yet


class CsvTail:
    """Reads a CSV table of numbers to which another process appends, each row once.

    If the file was replaced or truncated, as by a run that is resumed, all of it is read again.
    Threads may share an instance.
    """

    def __init__(self, path: Path, columns: Ranges) -> None:
        """Reads nothing yet; the file need not exist."""
        self._path, self._columns = path, columns
        self._lock = threading.Lock()
        self._reset()

    def read(self) -> pd.DataFrame:
        """Returns all complete rows, without damaged ones; empty if the header is another.

        A row is damaged if a number is missing or out of its range; NaN is out of none.

        The frame is the same object until rows are added, and shared: do not modify it.
        """
        with self._lock:
            try:
                self._read_new()
            except (OSError, DamagedFileError) as error:  # missing, or a folder
                if self._stamp != _UNREAD:
                    self._reset()
                self._refusal = str(error) if isinstance(error, DamagedFileError) else ""
            return self._table

    @property
    def problem(self) -> str:
        """Returns a sentence on what was damaged when the file was last read, else ""."""
        if self._refusal:
            return self._refusal
        if self._header and sorted(self._header) != sorted(self._columns):
            return f"{self._path} must have the columns {', '.join(self._columns)}."
        rows = "row is" if self._damaged == 1 else "rows are"
        return (
            f"{self._damaged:,} damaged {rows} left out of {self._path}." if self._damaged else ""
        )

    def _reset(self) -> None:
        self._table = _empty(tuple(self._columns))
        self._header: list[str] = []
        self._stamp = _UNREAD
        self._end = 0  # bytes read so far
        self._last = b""  # the last row read
        self._damaged = 0  # rows left out
        self._refusal = ""  # why the file could not be read

    def _read_new(self) -> None:
        status = self._path.stat()
        if self._stamp == (status.st_ino, status.st_size, status.st_mtime_ns):
            return
        with open_regular(self._path, max_bytes=MAX_TABLE_BYTES) as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, self._end - len(self._last)))
            text = file.read()
            if status.st_ino != self._stamp[0] or not text.startswith(self._last):
                self._reset()
                file.seek(0)
                text = file.read()
        self._stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        self._refusal = ""
        # A row that is still being written does not end with a newline.
        self._add(text[len(self._last) : text.rfind(b"\n") + 1])

    def _add(self, text: bytes) -> None:
        """Adds complete rows; the first line of the file is its header."""
        self._end += len(text)
        lines = text.splitlines(keepends=True)
        if not lines:
            return
        self._last = lines[-1]
        if not self._header:
            self._header = lines.pop(0).decode("utf-8", "replace").strip().split(",")
        if lines and sorted(self._header) == sorted(self._columns):
            rows = _parse(lines, self._header, self._columns)
            self._damaged += len(lines) - len(rows)
            if len(self._table):
                rows = pd.concat([self._table, rows], ignore_index=True)
            self._table = rows


@lru_cache(maxsize=32)
def _empty(columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns), dtype=float)


def read_table(path: Path, columns: Ranges) -> pd.DataFrame:
    """Returns the complete rows of a CSV table of numbers; see `CsvTail.read`.

    Empty tables are shared: do not modify one.
    """
    return CsvTail(path, columns).read()


def append_row(
    path: Path, row: Mapping[str, Any], columns: Sequence[str], *, durable: bool = False
) -> None:
    """Appends a row to a CSV table of numbers, after the header if the file is new.

    The row arrives in one write, its newline last, so that another process may read meanwhile.

    Args:
        durable: flushes the row to disk, so that it survives a power failure.

    Raises:
        DiskFullError: the disk is full; the table stays unchanged.
    """
    with disk_full_as_error(path), path.open("ab", buffering=0) as file:
        size = file.tell()
        header = "" if size else ",".join(columns) + "\n"
        data = (header + ",".join(str(row[name]) for name in columns) + "\n").encode()
        if file.write(data) != len(data):  # a full disk takes a part of it
            file.truncate(size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if durable:
            os.fsync(file.fileno())


def save_table(path: Path, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Writes a CSV table atomically."""
    with replacing(path) as temporary:
        table.to_csv(temporary, columns=list(columns), index=False)


def read_csv(path: Path, **options: Any) -> pd.DataFrame:
    """Reads a CSV table with a header; see `parse_csv`.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, is too large, or is no CSV table.
    """
    data = read_bytes(path, max_bytes=MAX_TABLE_BYTES)
    try:
        return parse_csv(data, **options)
    except FerError as error:
        raise DamagedFileError(path, f"must be a CSV table. {error}") from error


def parse_csv(data: bytes, **options: Any) -> pd.DataFrame:
    """Parses a UTF-8 CSV table with a header.

    Every row must have as many values as the header, and no text is taken for a missing value
    unless `options` say so.

    Args:
        options: of `pandas.read_csv`.

    Raises:
        FerError: it is no such table, or has more than `MAX_COLUMNS` columns.
    """
    if b"\0" in data:
        raise FerError("It has a NUL character.")
    if max(line.count(b",") for line in data.split(b"\n")) >= MAX_COLUMNS:
        raise FerError(f"It has more than {MAX_COLUMNS:,} columns.")
    try:
        if _is_first_row_longer(data):  # pandas would take its first value for the row's name
            raise ValueError("a row has more values than the header.")
        options = {"keep_default_na": False, "low_memory": False} | options
        with np.errstate(invalid="ignore"):  # of 1e308 as an integer, which is refused below
            return pd.read_csv(BytesIO(data), **options)
    # Parser errors and wrong encodings are ValueErrors; a number that does not fit is any of them.
    except (ValueError, TypeError, OverflowError, MemoryError, csv.Error) as error:
        raise FerError(f"It is damaged: {str(error).strip()[:200]}") from error


def _is_first_row_longer(data: bytes) -> bool:
    rows = csv.reader(TextIOWrapper(BytesIO(data), "utf-8-sig", newline=""))
    lengths = islice(filter(None, map(len, rows)), 2)
    return next(lengths, 0) < next(lengths, 0)


def check_ranges(table: pd.DataFrame, columns: Ranges) -> None:
    """Checks that columns of numbers have no missing value and none out of its range.

    Raises:
        FerError: a column is missing, is not of numbers, or has such a value.
    """
    dtypes = dict(zip(table.columns, table.dtypes, strict=True))
    for name in columns:
        if name not in dtypes:
            raise FerError(f"The column {name} is missing.")
        if not is_numeric_dtype(dtypes[name]):
            raise FerError(f"{name} must be a number in every row.")
    floats = [name for name in columns if dtypes[name] == np.float64]
    others = columns.keys() - floats  # whole numbers, which are compared as such
    outside = [name for name in others if not _are_all_within(table[name], *columns[name])]
    for name in outside or _outside(table, {name: columns[name] for name in floats}):
        low, high = columns[name]
        raise FerError(f"{name} must be from {low:g} to {high:g} in every row.")


def _outside(table: pd.DataFrame, columns: Ranges) -> list[str]:
    """Returns the columns of floats with a value out of their range; NaN is within none.

    Compares all at once: one by one takes pandas longer than reading the file.
    """
    limits = np.array(list(columns.values()), float).reshape(-1, 2)
    values = np.array([table[name].to_numpy() for name in columns]).reshape(
        len(columns), len(table)
    )
    is_outside = ~((values >= limits[:, :1]) & (values <= limits[:, 1:]))
    return [name for name, found in zip(columns, is_outside, strict=True) if found.any()]


def _are_all_within(values: pd.Series, low: float, high: float) -> bool:
    return bool(values.notna().all() and values.between(low, high).all())


def _parse(lines: list[bytes], header: list[str], columns: Ranges) -> pd.DataFrame:
    """Returns rows of numbers, without those that a power failure or an editor has damaged."""
    whole = b"".join(line for line in lines if line.count(b",") == len(header) - 1)
    rows = pd.read_csv(
        BytesIO(whole), names=header, encoding_errors="replace", quoting=csv.QUOTE_NONE
    )
    is_numeric = all(dtype.kind in "if" for dtype in rows.dtypes)
    if not is_numeric or rows[header[0]].isna().any():
        rows = rows.apply(pd.to_numeric, errors="coerce").dropna().reset_index(drop=True)
    limits = np.array([columns[name] for name in header], float)
    values = rows.to_numpy(float)
    is_outside = ((values < limits[:, 0]) | (values > limits[:, 1])).any(axis=1)
    return rows[~is_outside].reset_index(drop=True) if is_outside.any() else rows
