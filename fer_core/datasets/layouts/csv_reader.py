"""Reads CSV files leniently: any case, spaces in the header, commas, semicolons or tabs."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.text import counted, some

LABELS = ("expression", "emotion", "label", "labels", "class", "category", "target")
SPLITS = ("usage", "split", "subset", "set", "partition", "phase")

_REPORT_EVERY = 500  # rows

csv.field_size_limit(2**24)  # pixels in one cell exceed the default limit of 128 KB


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
            FerError: the file is not a CSV.
        """
        size = self.path.stat().st_size
        with self.path.open("rb") as file, _as_text(file) as text:
            reader = csv.reader(text, delimiter=self.delimiter)
            try:
                next(reader)
                for number, cells in enumerate(filter(None, reader)):
                    yield cells + [""] * (len(self.header) - len(cells))
                    if report and number % _REPORT_EVERY == 0:
                        done = min(size, file.tell())
                        report(done, size, f"Read {number:,} rows of {self.path.name}")
            except csv.Error as error:
                raise FerError(
                    f"{self.path.name} must be a CSV file. "
                    f"Received in line {reader.line_num}: {error}"
                ) from error


def open_table(path: Path) -> Table:
    """Reads the header of a CSV file."""
    with path.open("rb") as file, _as_text(file) as text:
        line = text.readline(10_000)
    delimiter = max(",;\t", key=line.count)
    names = next(csv.reader([line], delimiter=delimiter), [])
    header = tuple(name.strip().lower().replace(" ", "_").replace("-", "_") for name in names)
    return Table(path, header, delimiter)


def tables_in(source: Path) -> list[Table]:
    """Opens a CSV file, or those in a folder and its direct subfolders."""
    if source.is_dir():
        files = [*sorted(source.glob("*.[cC][sS][vV]")), *sorted(source.glob("*/*.[cC][sS][vV]"))]
        return [open_table(path) for path in files if path.name[0] != "." and is_file(path)]
    return [open_table(source)] if source.suffix.lower() == ".csv" else []


def unread_note(tables: Sequence[Table]) -> list[str]:
    """Returns a note on matching tables that were not read."""
    names = [table.path.name for table in tables]
    return [f"Ignored {counted(len(names), 'other table')}: {some(names)}."] if names else []


def _as_text(file: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
