"""Reads a table to which another process appends, each time only what is new."""

import errno
import os
import threading
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.storage.files import disk_full_as_error, replacing

_NOTHING = (0, 0, 0)  # the stamp (inode, bytes, time of the last change) of a file not yet read


class CsvTail:
    """A CSV table of numbers; what was read once is not read again.

    It begins anew where the file was replaced or cut, as a run that is resumed does with its steps.
    Several threads may read.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path, self._columns = path, columns
        self._lock = threading.Lock()
        self._forget()

    def read(self) -> pd.DataFrame:
        """All whole rows, with their columns; the very same frame while nothing was added.

        It is shared: do not change it.
        """
        with self._lock:
            try:
                self._catch_up()
            except OSError:  # not there, or a folder
                if self._stamp != _NOTHING:
                    self._forget()
            return self._table

    def _forget(self) -> None:
        self._table = pd.DataFrame(columns=list(self._columns), dtype=float)
        self._header: list[str] = []
        self._stamp = _NOTHING
        self._end = 0  # bytes that were read
        self._last = b""  # row that was read

    def _catch_up(self) -> None:
        status = self._path.stat()
        if self._stamp == (status.st_ino, status.st_size, status.st_mtime_ns):
            return
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, self._end - len(self._last)))
            text = file.read()
            if status.st_ino != self._stamp[0] or not text.startswith(self._last):
                self._forget()
                file.seek(0)
                text = file.read()
        self._stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        # The row that is being written has no end of line yet.
        self._add(text[len(self._last) : text.rfind(b"\n") + 1])

    def _add(self, text: bytes) -> None:
        """Adds whole rows, the header before them when they are the file's first."""
        self._end += len(text)
        lines = text.splitlines(keepends=True)
        if not lines:
            return
        self._last = lines[-1]
        if not self._header:
            self._header = lines.pop(0).decode("utf-8", "replace").strip().split(",")
        if lines and sorted(self._header) == sorted(self._columns):  # else it is no such table
            rows = _numbers(lines, self._header)
            self._table = pd.concat([self._table, rows]) if len(self._table) else rows


def _numbers(lines: list[bytes], header: list[str]) -> pd.DataFrame:
    """Rows of numbers; what a power cut made of a row is left out."""
    whole = b"".join(line for line in lines if line.count(b",") == len(header) - 1)
    rows = pd.read_csv(BytesIO(whole), names=header, encoding_errors="replace")
    if all(kind.kind in "if" for kind in rows.dtypes):
        return rows
    return rows.apply(pd.to_numeric, errors="coerce").dropna()


def append_row(
    path: Path, row: Mapping[str, Any], columns: Sequence[str], *, durable: bool = False
) -> None:
    """Adds a row to a CSV table of numbers, after the header where there is none yet.

    Another process may read meanwhile: the row arrives in one write, its end of line last. With
    `durable` it outlives a power cut.

    Raises:
        DiskFullError: there is no room for it; nothing of it stays.
    """
    with disk_full_as_error(path), path.open("ab", buffering=0) as file:
        before = file.tell()
        header = "" if before else ",".join(columns) + "\n"
        data = (header + ",".join(str(row[name]) for name in columns) + "\n").encode()
        if file.write(data) != len(data):  # the system writes what fits
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if durable:
            os.fsync(file.fileno())


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table of numbers that another process may be appending to.

    A half-written last row is left out, and so is what a power cut or a person made no row of.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError:  # there is no such file
        lines = []
    whole = [line for line in lines if line.count(",") == lines[0].count(",") and "\n" in line]
    if len(whole) < 2 or sorted(lines[0].strip().split(",")) != sorted(columns):
        return pd.DataFrame(columns=list(columns), dtype=float)
    table = pd.read_csv(StringIO("".join(whole)))
    if all(map(is_numeric_dtype, table.dtypes)) and table[columns[0]].notna().all():
        return table
    return table.apply(pd.to_numeric, errors="coerce").dropna().reset_index(drop=True)


def save_table(path: Path, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Writes such a table, whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, columns=list(columns), index=False)
