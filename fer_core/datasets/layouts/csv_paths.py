"""Reads tables that name the files of images and their expressions."""

import re
from pathlib import Path

import pandas as pd

from fer_core.datasets.layouts.class_names import meanings
from fer_core.datasets.layouts.csv_reader import LABELS, SPLITS, Table, left_unread, tables_in
from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import named_split
from fer_core.errors import FerError
from fer_core.text import counted, shortened, some

_PATHS = (
    *("path", "image_path", "img_path", "file_path", "filepath", "pth", "image", "img"),
    *("file", "filename", "file_name", "image_name", "image_file", "name"),
)
_PIXELS = re.compile(r"(\d+\s+){8}")  # rather than the name of a file


def read_path_table(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Reads a CSV with a column of paths, absolute or from the CSV's folder, and one of labels.

    Raises:
        FerError: none of the files is there.
    """
    tables = [table for table in tables_in(source) if _columns(table)]
    if not tables:
        return None
    table = tables[0]
    rows, notes = _rows(table, report)
    bases = [table.path.parent, *([source] if source.is_dir() else [])]
    found = [[_locate(path, base) for path in rows["path"]] for base in bases]
    base, places = max(zip(bases, found, strict=True), key=lambda pair: _present(pair[1]))
    if not _present(places):
        raise FerError(_nothing_there(table, rows["path"]))
    missing = rows["path"][[place is None for place in places]].tolist()
    rows = rows.assign(path=places).dropna(subset="path")
    once = rows.drop_duplicates("path").sort_values("path", ignore_index=True)
    if missing:
        notes.append(f"Skipped, not there: {counted(len(missing), 'file')} ({some(missing)}).")
    if len(once) < len(rows):
        notes.append(f"Skipped: {counted(len(rows) - len(once), 'row')} for a file named before.")
    expressions, meant = meanings(once["word"])
    index = once.assign(
        expression=once["word"].map(expressions),
        split=once["source_split"].map(lambda word: named_split(word) or ""),
    ).drop(columns="word")
    notes = [*meant, *notes, *left_unread(tables[1:])]
    recognised = f"Recognised {table.path.name}, a table of paths and expressions."
    return ParsedLayout("Table of paths", base, index, tuple(notes), lambda index: recognised)


def _columns(table: Table) -> tuple[int, int] | None:
    path, label = table.column(_PATHS), table.column(LABELS)
    return None if path is None or label is None else (path, label)


def _rows(table: Table, report: Report) -> tuple[pd.DataFrame, list[str]]:
    path, label = _columns(table) or (0, 0)
    split = table.column(SPLITS)
    rows = [
        (
            cells[path].strip().replace("\\", "/"),
            cells[label].strip(),
            "" if split is None else cells[split].strip(),
        )
        for cells in table.rows(report)
    ]
    whole = [row for row in rows if row[0] and row[1]]
    if not whole:
        raise FerError(f"{table.path.name} must have rows with a path and a label. It has none.")
    notes = []
    if len(whole) < len(rows):
        notes.append(f"Skipped: {counted(len(rows) - len(whole), 'row')} without path or label.")
    return pd.DataFrame(whole, columns=["path", "word", "source_split"]), notes


def _nothing_there(table: Table, names: pd.Series) -> str:
    first = shortened(str(names.iloc[0]))
    sentence = (
        f"The files named in {table.path.name} must be there, by absolute path or from the "
        f"CSV's folder. Of {len(names):,} not one is; the first is {first}"
    )
    if _PIXELS.match(first):
        sentence += ". If these are the pixels themselves, name that column `pixels`."
    return sentence


def _locate(path: str, base: Path) -> str | None:
    """The path from `base` where the file lies below it, else in full; None if it is not there."""
    file = base / path
    if not is_file(file):
        return None
    try:
        return file.relative_to(base).as_posix()
    except ValueError:
        return file.as_posix()


def _present(places: list[str | None]) -> int:
    return sum(place is not None for place in places)
