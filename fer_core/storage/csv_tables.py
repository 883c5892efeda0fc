"""Appends to and reads CSV tables of numbers, such as a run's history, while they grow."""

import errno
import os
import threading
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.storage.files import disk_full_as_error, replacing

_UNREAD = (0, 0, 0)  # inode, size and modification time of a file that was not read yet


class CsvTail:
    """Reads a CSV table of numbers to which another process appends, each row once.

    If the file was replaced or truncated, as by a run that is resumed, all of it is read again.
    Threads may share an instance.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        """Reads nothing yet; the file need not exist."""
        self._path, self._columns = path, columns
        self._lock = threading.Lock()
        self._reset()

    def read(self) -> pd.DataFrame:
        """Returns all complete rows, without damaged ones; empty if the header is another.

        The frame is the same object until rows are added, and shared: do not modify it.
        """
        with self._lock:
            try:
                self._read_new()
            except OSError:  # missing, or a folder
                if self._stamp != _UNREAD:
                    self._reset()
            return self._table

    def _reset(self) -> None:
        self._table = pd.DataFrame(columns=list(self._columns), dtype=float)
        self._header: list[str] = []
        self._stamp = _UNREAD
        self._end = 0  # bytes read so far
        self._last = b""  # the last row read

    def _read_new(self) -> None:
        status = self._path.stat()
        if self._stamp == (status.st_ino, status.st_size, status.st_mtime_ns):
            return
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, self._end - len(self._last)))
            text = file.read()
            if status.st_ino != self._stamp[0] or not text.startswith(self._last):
                self._reset()
                file.seek(0)
                text = file.read()
        self._stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
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
            rows = _parse(lines, self._header)
            if len(self._table):
                rows = pd.concat([self._table, rows], ignore_index=True)
            self._table = rows


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Returns the complete rows of a CSV table of numbers; see `CsvTail.read`."""
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


def _parse(lines: list[bytes], header: list[str]) -> pd.DataFrame:
    """Returns rows of numbers, without those that a power failure or an editor has damaged."""
    whole = b"".join(line for line in lines if line.count(b",") == len(header) - 1)
    rows = pd.read_csv(BytesIO(whole), names=header, encoding_errors="replace")
    is_numeric = all(dtype.kind in "if" for dtype in rows.dtypes)
    if is_numeric and rows[header[0]].notna().all():
        return rows
    return rows.apply(pd.to_numeric, errors="coerce").dropna().reset_index(drop=True)
