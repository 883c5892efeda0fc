"""Reads tables with the pixels of images in their cells, such as fer2013.csv, and FER+ votes."""

import math
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pandas as pd

from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.layouts.columns import (
    MAX_WORD,
    Columns,
    find_columns,
    no_labels_question,
    whole_votes,
)
from fer_core.datasets.layouts.csv_reader import (
    VOTES,
    Table,
    encoding_note,
    plain_name,
    unread_note,
)
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.layouts.numberings import NUMBERINGS, parse_number
from fer_core.datasets.layouts.pixel_cells import PixelForm, find_form
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.expressions import canonical
from fer_core.storage import writing_array
from fer_core.text import counted, some

ARRAY = "images.npy"
_CHUNK = 500  # rows
_CHUNK_BYTES = 2**26
_MAX_EMPTY = 64_000_000  # bytes of rows without pixels, beyond the size of the table
_MIN_AGREEMENT = 0.4  # of labels with the majority of their votes; with FER2013's it is 0.66


@dataclass(frozen=True)
class PixelTable:
    """Describes a table with pixels in its cells, and its columns."""

    table: Table
    columns: Columns

    @property
    def split(self) -> str:
        """Returns the word of a split in the file's name, or ""."""
        return self.table.path.stem if parse_split(self.table.path.stem) else ""


def pixel_tables(source: Source) -> list[PixelTable]:
    """Returns the tables of pixels in a source."""
    tables = [PixelTable(table, find_columns(table, source.choices)) for table in source.tables]
    return [each for each in tables if each.columns.pixels]


def read_pixel_tables(source: Source, tables: list[PixelTable]) -> ParsedLayout:
    """Copies the pixels of tables into an array in the new dataset's directory, row by row.

    Raises:
        FerError: there is no label column, no square images, or no valid row.
    """
    chosen = _chosen_tables(tables)
    groups = {name: list[str]() for each in chosen for name in each.columns.groups}
    copy = _Copy(_form(chosen), [], [], [], groups=groups)
    several = len(chosen) > 1  # or a name tells nothing: "train.csv" may be all there is
    with writing_array(source.copied / ARRAY, copy.form.shape) as append:
        for each in chosen:
            _copy(each, copy, append, each.split if several else "", source.report)
    if not copy.rows:
        reason = copy.problems.most_common(1)
        raise FerError(
            f"{chosen[0].table.path.name} must have rows with pixels and a label. No row has both"
            + (f": they are {reason[0][0]}." if reason else ".")
        )
    index = pd.DataFrame(
        {
            "path": ARRAY,
            "row": copy.rows,
            "class_name": copy.words,
            "source_split": copy.usages,
            **copy.groups,
        }
    )
    index, votes = _with_votes(index, copy.total, source, chosen)
    bad = [f"{counted(count, 'row')} {why}" for why, count in copy.problems.items()]
    notes = [
        *([f"Skipped {'; '.join(bad)}."] if bad else []),
        *(["Pixels from 0 to 1 were multiplied by 255."] if copy.form.unit else []),
        *(["The colors of an image follow one another as planes."] if copy.form.planar else []),
        *votes,
        *unread_note([each.table for each in tables if each not in chosen]),
        *encoding_note([each.table for each in chosen]),
    ]
    return _parsed(source, chosen, copy.form, index, notes)


def _parsed(
    source: Source,
    chosen: list[PixelTable],
    form: PixelForm,
    index: pd.DataFrame,
    notes: list[str],
) -> ParsedLayout:
    names = some([each.table.path.name for each in chosen])
    is_fer2013 = {"training", "publictest"} <= set(index["source_split"].str.lower())
    what = f"{form.side}×{form.side} {'pixels' if form.channels == 1 else 'color pixels'}"
    first = chosen[0]
    origin = "names of tables"
    if first.columns.split >= 0:
        origin = f"column {first.table.header[first.columns.split]}"
    return ParsedLayout(
        "FER2013, table of pixels" if is_fer2013 else "Table of pixels",
        source.copied,
        index,
        tuple(notes),
        lambda index: f"Recognized {names}: a table of {what} {_splits(index)}.",
        # Tables of pixels come from FER2013's, with its numbers wherever they fit.
        Conventions("fer2013"),
        origin,
        first.columns.questions,
        tuple(each.table.path.stem for each in chosen),
        tuple(first.table.header),
        first.columns.roles(first.table),
    )


def _splits(index: pd.DataFrame) -> str:
    usages = index["source_split"].value_counts(sort=False).items()
    named = [f"{usage} ({count:,})" for usage, count in usages if usage]
    return f"with splits {some(named, 10)}" if named else "without splits"


def _chosen_tables(tables: list[PixelTable]) -> list[PixelTable]:
    """Returns the complete table, or the tables of all splits.

    The Kaggle challenge has several tables; the complete one has splits and labels.

    Raises:
        FerError: no table has labels.
    """
    labeled = [each for each in tables if each.columns.has_labels]
    if not labeled:
        table = tables[0].table
        raise FerError(no_labels_question(table, "pixels").sentence)
    whole = [each for each in labeled if each.columns.split >= 0]
    by_split = {parse_split(each.split): each for each in reversed(labeled) if each.split}
    if whole or len(by_split) < 2:
        return (whole or labeled)[:1]
    return [by_split[split] for split in ("train", "val", "test") if split in by_split]


@dataclass
class _Copy:
    form: PixelForm
    rows: list[int]
    words: list[str]
    usages: list[str]
    problems: Counter[str] = field(default_factory=Counter)
    total: int = 0
    groups: dict[str, list[str]] = field(default_factory=dict)  # subject, group of each image


def _form(tables: list[PixelTable]) -> PixelForm:
    for each in tables:
        cells = [_pixels(row, each.columns) for row in each.table.sample()]
        form = find_form(cells)
        if form:
            return form
    raise FerError(
        f"{tables[0].table.path.name} must have square images of at least 16×16 pixels, gray or "
        "RGB, as numbers in one cell or one column for each pixel. No row has one."
    )


def _pixels(cells: list[str], columns: Columns) -> str:
    if len(columns.pixels) == 1:
        return cells[columns.pixels[0]]
    return " ".join(cells[columns.pixels[0] : columns.pixels[-1] + 1])


def _copy(
    each: PixelTable,
    copy: _Copy,
    append: Callable[[np.ndarray], None],
    own: str,
    report: Report,
) -> None:
    columns = each.columns
    chunk: list[np.ndarray] = []
    written = copy.total * math.prod(copy.form.shape)
    room = written + each.table.path.stat().st_size + _MAX_EMPTY  # a pixel takes two characters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # for cells that are not all numbers
        for cells in each.table.rows(report):
            pixels, problem = copy.form.parse(_pixels(cells, columns))
            word = cells[columns.label].strip()[:MAX_WORD] if columns.label >= 0 else ""
            problem = problem or ("" if word else "without a label")
            if problem:
                copy.problems[problem] += 1
            else:
                copy.rows.append(copy.total)
                copy.words.append(word)
                split = cells[columns.split].strip()[:MAX_WORD] if columns.split >= 0 else own
                copy.usages.append(split)
                for name, texts in copy.groups.items():
                    column = columns.groups.get(name)
                    texts.append("" if column is None else cells[column].strip()[:MAX_WORD])
            chunk.append(pixels)
            copy.total += 1
            if copy.total * pixels.size > room:
                raise FerError(f"{each.table.path.name} has too many rows without pixels.")
            if len(chunk) == _CHUNK or len(chunk) * pixels.size > _CHUNK_BYTES:
                append(np.stack(chunk))
                chunk = []
    if chunk:
        append(np.stack(chunk))


def _with_votes(
    index: pd.DataFrame, total: int, source: Source, chosen: list[PixelTable]
) -> tuple[pd.DataFrame, list[str]]:
    """Joins FER+ votes, if their table is in the same folder and is of the same images.

    Their rows are in the order of fer2013.csv: whether it is that order is seen by the usages and
    by the labels, which mostly agree with the votes.
    """
    folder = chosen[0].table.path.parent
    tables = [
        table
        for table in (source.tables if source.is_folder else Source(folder, folder).tables)
        if table.path.parent == folder and {plain_name(name) for name in table.header} >= set(VOTES)
    ]
    if not tables or len(chosen) > 1:
        return index, []
    table = tables[0]
    refused = f"FER+ votes in {table.path.name} were not used: "
    try:
        rows = list(islice(table.rows(), total + 1))
    except FerError as error:
        return index, [f"{refused}{error}"]
    if len(rows) != total:
        return index, [
            f"{refused}they must have a row for each of the {total:,} images. Received: "
            f"{len(rows):,}{' or more' if len(rows) > total else ''}"
        ]
    places = [table.column([name]) or 0 for name in VOTES]
    kept = [rows[row] for row in index["row"]]
    votes = pd.DataFrame(
        [[cells[place].strip() for place in places] for cells in kept],
        columns=[f"votes_{canonical(name)}" for name in VOTES],
    ).apply(whole_votes)
    usage = table.column(["usage"])
    usages = [cells[usage].strip() for cells in kept] if usage is not None else []
    if usages and chosen[0].columns.split >= 0 and usages != index["source_split"].tolist():
        return index, [f"{refused}their usages are in another order than those of the images."]
    if _agreement(index["class_name"], votes) < _MIN_AGREEMENT:
        return index, [f"{refused}most labels disagree with the votes in the same row."]
    return index.join(votes), [f"FER+ votes were read from {table.path.name}."]


def _agreement(words: pd.Series, votes: pd.DataFrame) -> float:
    """Returns the share of labels, by FER2013's numbers, that are the one with most votes."""
    table = NUMBERINGS["fer2013"].expressions
    labels = [
        table.get(parse_number(word) or 0, word)
        if parse_number(word) is not None
        else canonical(word)
        for word in words
    ]
    winners = votes.idxmax(axis=1).str.removeprefix("votes_")
    return float((winners == pd.Series(labels, index=winners.index)).mean())
