"""Reads CSV tables of image paths and expressions."""

import re
from pathlib import Path

import pandas as pd

from fer_core.datasets.layouts.class_names import map_classes
from fer_core.datasets.layouts.csv_reader import LABELS, SPLITS, Table, tables_in, unread_note
from fer_core.datasets.layouts.file_tree import is_file
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.text import counted, shortened, some

_PATHS = (
    *("path", "image_path", "img_path", "file_path", "filepath", "pth", "image", "img"),
    *("file", "filename", "file_name", "image_name", "image_file", "name"),
)
_MAX_PATH, _MAX_WORD = 5_000, 500  # characters to keep; no path and no class is longer
_PIXELS = re.compile(r"(\d+\s+){8}")  # rather than a file name


def read_path_table(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Reads a CSV with a column of paths (absolute, or relative to the CSV) and one of labels.

    Raises:
        FerError: none of the files exists.
    """
    tables = [table for table in tables_in(source) if _columns(table)]
    if not tables:
        return None
    table = tables[0]
    rows, notes = _rows(table, report)
    bases = [table.path.parent, *([source] if source.is_dir() else [])]
    located = [[_locate(path, base) for path in rows["path"]] for base in bases]
    base, places = max(zip(bases, located, strict=True), key=lambda pair: _present(pair[1]))
    if not _present(places):
        raise FerError(_no_files_message(table, rows["path"]))
    missing = rows["path"][[place is None for place in places]].tolist()
    rows = rows.assign(path=places).dropna(subset="path")
    once = rows.drop_duplicates("path").sort_values("path", ignore_index=True)
    if missing:
        notes.append(f"Skipped {counted(len(missing), 'missing file')}: {some(missing)}.")
    if len(once) < len(rows):
        notes.append(f"Skipped {counted(len(rows) - len(once), 'repeated row')}.")
    expressions, class_notes = map_classes(once["word"])
    index = once.assign(
        expression=once["word"].map(expressions),
        split=once["source_split"].map(lambda word: parse_split(word) or ""),
    ).drop(columns="word")
    notes = [*class_notes, *notes, *unread_note(tables[1:])]
    summary = f"Recognized {table.path.name}: a table of image paths and expressions."
    return ParsedLayout("Table of paths", base, index, tuple(notes), lambda index: summary)


def _columns(table: Table) -> tuple[int, int] | None:
    path, label = table.column(_PATHS), table.column(LABELS)
    return None if path is None or label is None else (path, label)


def _rows(table: Table, report: Report) -> tuple[pd.DataFrame, list[str]]:
    path, label = _columns(table) or (0, 0)
    split = table.column(SPLITS)
    rows = [
        (
            cells[path].strip()[:_MAX_PATH].replace("\\", "/"),
            cells[label].strip()[:_MAX_WORD],
            "" if split is None else cells[split].strip()[:_MAX_WORD],
        )
        for cells in table.rows(report)
    ]
    whole = [row for row in rows if row[0] and row[1]]
    if not whole:
        raise FerError(
            f"{table.path.name} must have rows with a path and a label. No row has both."
        )
    notes = []
    if len(whole) < len(rows):
        notes.append(f"Skipped {counted(len(rows) - len(whole), 'row')} without a path or label.")
    return pd.DataFrame(whole, columns=["path", "word", "source_split"]), notes


def _no_files_message(table: Table, names: pd.Series) -> str:
    first = shortened(str(names.iloc[0]))
    sentence = (
        f"None of the {len(names):,} files listed in {table.path.name} exists. Paths must be "
        f"absolute or relative to the CSV's folder. The first is {first}"
    )
    if _PIXELS.match(first):
        sentence += ". If these are pixel values, name the column `pixels`."
    return sentence


def _locate(path: str, base: Path) -> str | None:
    """Returns the path, relative to `base` if the file is inside it; None if it does not exist."""
    file = base / path
    if not is_file(file):
        return None
    try:
        return file.relative_to(base).as_posix()
    except ValueError:
        return file.as_posix()


def _present(places: list[str | None]) -> int:
    return sum(place is not None for place in places)
