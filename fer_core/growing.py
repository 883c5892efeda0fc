"""Reads a table to which another process appends, each time only what is new."""

import os
import threading
from io import BytesIO
from pathlib import Path

import pandas as pd

_NOTHING = (0, 0, 0)  # the stamp (inode, bytes, time of the last change) of a file not yet read


class GrowingTable:
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
            rows = _numbers(b"".join(lines), self._header)
            self._table = pd.concat([self._table, rows]) if len(self._table) else rows


def _numbers(text: bytes, header: list[str]) -> pd.DataFrame:
    """Rows of numbers; what a power cut made of a row is left out."""
    rows = pd.read_csv(
        BytesIO(text),
        names=header,
        usecols=range(len(header)),
        index_col=False,
        encoding_errors="replace",
        on_bad_lines="skip",
    )
    if not all(kind.kind in "if" for kind in rows.dtypes):
        rows = rows.apply(pd.to_numeric, errors="coerce").dropna()
    whole = rows[header[0]].notna() & rows[header[-1]].notna()
    return rows if whole.all() else rows[whole]
