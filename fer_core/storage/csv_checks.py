"""Guards CSV tables: what was written is read back, and no row is read without end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.errors import FerError
from fer_core.storage.files import replacing
from fer_core.text import printable, shortened

_PRECISION = 1e-5  # of numbers that are written with six digits


def write_table(
    path: Path,
    table: pd.DataFrame,
    read: Callable[[Path], pd.DataFrame | None],
    *,
    float_format: str | None = None,
) -> None:
    """Replaces a CSV table atomically, if `read` returns from the new file what was written.

    Otherwise an older table stays: one that cannot be read would be lost for ever.

    Raises:
        FerError: a text cannot be written to a CSV table and read from it.
    """
    with replacing(path) as temporary:
        try:
            table.to_csv(temporary, index=False, float_format=float_format)
            problem = _difference(table, read(temporary))
        except UnicodeEncodeError as error:
            problem = f"{shortened(str(error.object))} is not text in UTF-8"
        except FerError as error:
            problem = str(error)
        if problem:
            raise FerError(
                f"Nothing was saved: {path.name} could not have been read again. "
                f"{printable(problem)}"
            )


def _difference(written: pd.DataFrame, found: pd.DataFrame | None) -> str:
    """Returns how a table differs from the one that was written, or ""."""
    if found is None or list(found) != list(written) or len(found) != len(written):
        return "it has other rows or columns."
    for name in written:
        here, there = written[name], found[name]
        if is_numeric_dtype(here) and is_numeric_dtype(there):
            one, two = (values.to_numpy(float, na_value=np.nan) for values in (here, there))
            is_same = np.isclose(one, two, rtol=_PRECISION, equal_nan=True)
        else:
            one, two = (
                values.astype("str").fillna("").to_numpy(object) for values in (here, there)
            )
            is_same = one == two
        if not is_same.all():
            place = int(np.argmin(is_same))
            return f"{name} is {shortened(repr(here.iloc[place]))} in row {place + 1:,}."
    return ""


class BoundedLines:
    """Yields the lines of a text; neither a line nor those of a row may take too much memory."""

    def __init__(self, text: TextIO, name: str, max_chars: int) -> None:
        """Reads nothing yet.

        Args:
            name: of the file, for the message.
            max_chars: of a row, which has several lines if a cell has.
        """
        self._text, self._name, self._max = text, name, max_chars
        self._left, self._line = max_chars, 0

    def begin_row(self) -> None:
        """Lets the next row have as many characters."""
        self._left = self._max

    def __iter__(self) -> Iterator[str]:
        """Returns the lines."""
        return self

    def __next__(self) -> str:
        """Returns the next line.

        Raises:
            FerError: the row is too long.
        """
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._line += 1
        self._left -= len(line)
        if self._left < 0:
            raise FerError(
                f"A row of {self._name} must have at most {self._max:,} characters. "
                f"The one in line {self._line:,} has more."
            )
        return line
