"""Reads CSV files leniently: any case, spaces in the header, commas, semicolons or tabs."""

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.storage import BoundedLines, open_regular
from fer_core.text import counted, some

LABELS = ("expression", "emotion", "label", "labels", "class", "category", "target")
SPLITS = ("usage", "split", "subset", "set", "partition", "phase")

MAX_ROWS = 2_000_000  # no dataset of the field has more images

_REPORT_EVERY = 500  # rows
_MAX_ROW = 2**24  # characters; 2,000×2,000 pixels
_MAX_HEADER = 10_000  # characters
_MAX_TABLES = 1_000

csv.field_size_limit(_MAX_ROW)  # pixels in one cell exceed the default limit of 128 KB


@dataclass(frozen=True)
class Table:
    """A CSV file and its columns."""

    path: Path
    header: tuple[str, ...]  # lower case, "_" instead of spaces and dashes
    delimiter: str

    def column(self, names: Sequence[str]) -> int | None:
        """Returns the number of the first of these columns that exists."""
        return next((self.header.index(name) for name in names if name in self.header), None)

    def rows(self, report: Report | None = None) -> Iterator[list[str]]:
        """Yields the cells of every row below the header; short rows are padded with "".

        Raises:
            FerError: the file is not a CSV, cannot be read, or has too many or too long rows.
        """
        with open_regular(self.path) as file, _as_text(file) as text:
            size = self.path.stat().st_size
            lines = BoundedLines(text, self.path.name, _MAX_ROW)
            reader = csv.reader(lines, delimiter=self.delimiter)
            try:
                next(reader)
                for number, cells in enumerate(filter(None, reader)):
                    yield cells + [""] * (len(self.header) - len(cells))
                    lines.begin_row()
                    if number >= MAX_ROWS:
                        raise FerError(f"{self.path.name} must have at most {MAX_ROWS:,} rows.")
                    if report and number % _REPORT_EVERY == 0:
                        done = min(size, file.tell())
                        report(done, size, f"Read {number:,} rows of {self.path.name}")
            except csv.Error as error:
                raise FerError(
                    f"{self.path.name} must be a CSV file. "
                    f"Received in line {reader.line_num:,}: {error}"
                ) from error


def open_table(path: Path) -> Table:
    """Reads the header of a CSV file.

    Raises:
        FerError: it is not a regular file, or cannot be read.
    """
    with open_regular(path) as file, _as_text(file) as text:
        line = text.readline(_MAX_HEADER)
    delimiter = max(",;\t", key=line.count)
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise FerError(f"{path.name} must be a CSV file. Its first line: {error}") from error
    header = tuple(name.strip().lower().replace(" ", "_").replace("-", "_") for name in names)
    return Table(path, header, delimiter)


def tables_in(source: Path) -> list[Table]:
    """Opens a CSV file, or those in a folder and its direct subfolders.

    In a folder, what cannot be read is left out, since there may be another table.

    Raises:
        FerError: the source itself is a CSV file that cannot be read.
    """
    if not source.is_dir():
        return [open_table(source)] if source.suffix.lower() == ".csv" else []
    tables = []
    for path in csv_files(source, "", "*/"):
        with contextlib.suppress(FerError, FileNotFoundError):
            tables.append(open_table(path))
    return tables


def csv_files(folder: Path, *depths: str) -> list[Path]:
    """Returns the first few thousand CSV files in a folder that are regular files, by name.

    Args:
        depths: patterns of the folders to look into: "" or "*/".
    """
    files = [path for depth in depths for path in sorted(folder.glob(f"{depth}*.[cC][sS][vV]"))]
    usable = (path for path in files if not path.name.startswith(".") and is_file(path))
    return list(islice(usable, _MAX_TABLES))


def unread_note(tables: Sequence[Table]) -> list[str]:
    """Returns a note on matching tables that were not read."""
    names = [table.path.name for table in tables]
    return [f"Ignored {counted(len(names), 'other table')}: {some(names)}."] if names else []


def _as_text(file: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
