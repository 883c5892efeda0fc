"""Joins a CSV table to the images of a dataset, by file or by subject, before anything is saved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.datasets.split_groups import SUBJECT
from fer_core.errors import FerError
from fer_core.storage import parse_edited_table
from fer_core.text import Tally, counted, is_one_line, shortened, some

BY_FILE, BY_SUBJECT = "file", "subject"  # what a row of the table is about
FILE_KEY = ["path", "row"]  # columns of the index that identify an image

MAX_METADATA_BYTES = 200_000_000
_MAX_ROWS = 5_000_000
_SAMPLE = 2000  # rows, evenly spread, by which a join is proposed
_MAX_NAME = 100  # characters of a column's name
_ROW = "row"  # of a dataset whose images are rows of a table, or faces of an image
_NAMELESS = "Unnamed: "  # how pandas begins the name of a column without one
# Ways to read a cell that names a file, the strictest first.
_PATH, _FILE_NAME, _STEM, _ROW_NUMBER = "path", "file name", "name without its ending", "row"


_Way = tuple[str, pd.Series, pd.Series]


def _path(file: str) -> str:
    return file.removeprefix("./").lstrip("/")


def _file_name(file: str) -> str:
    return file.rpartition("/")[2]


def _stem(file: str) -> str:
    name = _file_name(file)
    return name.rpartition(".")[0] or name


_READ: dict[str, Callable[[str], str]] = {_PATH: _path, _FILE_NAME: _file_name, _STEM: _stem}


class _Images:
    """Holds what cells of a table are compared with; each way is worked out once."""

    def __init__(self, index: pd.DataFrame) -> None:
        self.index = index
        self.has_rows = bool(index["row"].notna().any())
        self._names: dict[str, pd.Series] = {}

    def ways(self, table: pd.DataFrame, column: str, by: str) -> Iterator[_Way]:
        """Yields ways to compare a column: a name, the keys of its cells, and of the images."""
        if by == BY_SUBJECT:
            if SUBJECT in self.index and (self.index[SUBJECT] != "").any():
                subjects = self.index[SUBJECT]  # no row is of images whose subject is unknown
                yield SUBJECT, table[column], subjects.where(subjects != "", "\n")
            return
        if self.has_rows and column == _ROW and self.index["path"].nunique() == 1:
            yield _ROW_NUMBER, table[column], self._rows
            return
        files = table[column].str.replace("\\", "/", regex=False)
        for how, read in _READ.items():
            keys = pd.Series(map(read, files.tolist()), table.index, dtype="str")
            own = self._named(how)
            if self.has_rows and _ROW in table:
                keys, own = keys + "\n" + table[_ROW], own + "\n" + self._rows
            yield how, keys, own

    @property
    def _rows(self) -> pd.Series:
        return self.index["row"].astype("str").fillna("")

    def _named(self, how: str) -> pd.Series:
        if how not in self._names:
            names = map(_READ[how], self.index["path"].tolist())
            self._names[how] = pd.Series(names, self.index.index, dtype="str")
        return self._names[how]


@dataclass(frozen=True)
class Join:
    """Says which column of a table names files or subjects."""

    column: str
    by: str  # BY_FILE or BY_SUBJECT


@dataclass(frozen=True, eq=False)
class JoinedTable:
    """Holds a table that was joined to a dataset, and what did not fit; nothing is saved yet."""

    join: Join
    how: str  # which part of the cells was compared: "path", "file name", …
    # What is saved: `path` and `row`, or `subject`, as in the index, then a text per column.
    table: pd.DataFrame
    rows: int  # of the CSV
    images: int  # of the dataset
    matched: int  # images with a row
    unknown: Tally  # cells that name no file or subject of the dataset
    repeated: int  # rows that say again what an earlier one says
    first_rows: pd.DataFrame  # the first ten of the CSV, with all its columns

    @property
    def columns(self) -> tuple[str, ...]:
        """Returns the names of the joined columns, without those that identify the images."""
        return tuple(map(str, self.table.columns[key_width(self.join.by) :]))

    def describe(self) -> list[str]:
        """Returns sentences on what was joined, and on what was left out."""
        things = self.join.by
        said = [
            f"{self.matched:,} of {counted(self.images, 'image')} match one of "
            f"{counted(self.rows, 'row')} by the column “{shortened(self.join.column)}”, which "
            f"holds {things}s (compared by {self.how}).",
            f"Columns: {some(self.columns, 20)}.",
        ]
        if self.unknown:
            said.append(
                f"{counted(len(self.unknown), f'{things} is', f'{things}s are')} not in the "
                f"dataset and left out: {self.unknown}."
            )
        if self.repeated:
            said.append(
                f"{counted(self.repeated, 'row repeats', 'rows repeat')} another one and "
                f"{'is' if self.repeated == 1 else 'are'} left out."
            )
        return said


def key_width(by: str) -> int:
    """Returns how many columns identify the image or subject of a stored row."""
    return len(FILE_KEY) if by == BY_FILE else 1


def parse_table(data: bytes) -> pd.DataFrame:
    """Parses a CSV table with commas or semicolons: all cells text, without empty rows.

    Raises:
        FerError: it is too large, no CSV table, has no rows, or a column without a name.
    """
    table = parse_edited_table(
        data, "table of metadata", (), max_rows=_MAX_ROWS, max_bytes=MAX_METADATA_BYTES
    )
    table = table.apply(lambda column: column.str.strip()).fillna("")
    filled = (table != "").to_numpy()
    nameless = table.columns.str.startswith(_NAMELESS) | (table.columns == "")
    unknown = np.flatnonzero(nameless & filled.any(axis=0))
    if len(unknown):
        raise FerError(
            f"Every column of the table of metadata must have a name. Column {unknown[0] + 1} has "
            "values and no name: write one in the first line."
        )
    table = table.loc[filled.any(axis=1), ~nameless].reset_index(drop=True)
    if table.empty or len(table.columns) < 2:
        raise FerError(
            "A table of metadata must have a line of names, a column of files or subjects, at "
            f"least one other column, and rows. Received: {counted(len(table), 'row')} and "
            f"{counted(len(table.columns), 'named column')}."
        )
    for name in map(str, table.columns):
        if len(name) > _MAX_NAME or not is_one_line(name):
            raise FerError(
                f"The name of a column must be one line of at most {_MAX_NAME} characters. "
                f"Received: {shortened(name)}"
            )
    return table


def propose_join(
    table: pd.DataFrame, index: pd.DataFrame, name: str, *, by: str | None = None
) -> Join:
    """Returns the join by which most rows of the table name an image or a subject.

    Args:
        table: as `parse_table` returns it.
        index: of the dataset.
        name: of the dataset.
        by: BY_FILE or BY_SUBJECT; None for the one that fits better.

    Raises:
        FerError: no column names any.
    """
    images = _Images(index)
    sample = table.iloc[:: 1 + len(table) // _SAMPLE]
    best = _best_join(sample, images, by) or _best_join(table, images, by)
    if best is None:
        raise FerError(_nothing_matches(table, index, name))
    return best


def _best_join(table: pd.DataFrame, images: _Images, by: str | None) -> Join | None:
    best, most = None, 0
    for column in map(str, table.columns):
        for kind in (BY_FILE, BY_SUBJECT) if by is None else (by,):
            matches = max((_matches(*keys) for keys in images.ways(table, column, kind)), default=0)
            if matches > most:
                best, most = Join(column, kind), matches
    return best


def join_table(table: pd.DataFrame, index: pd.DataFrame, join: Join, name: str) -> JoinedTable:
    """Joins a table to the images of a dataset, without saving it.

    Of the ways to read names of files (path, file name, name without its ending) the one by which
    most rows name an image is taken.

    Args:
        table: as `parse_table` returns it.
        index: of the dataset; must not have changed since `propose_join`.
        join: the column that names files or subjects.
        name: of the dataset.

    Raises:
        FerError: there is no such column, it names no image, a name stands for several images, two
            rows of one image or subject contradict each other, or no other column is left.
    """
    how, keys, own = _best_way(table, index, join, name)
    _check_unambiguous(how, keys, own, index, name)
    key_columns = FILE_KEY if join.by == BY_FILE else [SUBJECT]
    left_out = {join.column, *key_columns}
    values = table[[column for column in table.columns if column not in left_out]]
    if values.columns.empty:
        raise FerError(f"The table must have a column besides {', '.join(sorted(left_out))}.")
    repeated = _repeated(keys, values, join)
    first = keys[~keys.duplicated()]
    place = pd.Series(first.index, pd.Index(first)).reindex(own).fillna(-1).to_numpy(int)
    has_row = place >= 0
    unknown = Tally()
    unknown.update(table.loc[first.index[~_are_in(first, own)], join.column].replace("", "(empty)"))
    identified = index.loc[has_row, key_columns].astype("str").fillna("").reset_index(drop=True)
    joined = pd.concat([identified, values.iloc[place[has_row]].reset_index(drop=True)], axis=1)
    return JoinedTable(
        join,
        how,
        joined.drop_duplicates(key_columns, ignore_index=True),
        rows=len(table),
        images=len(index),
        matched=int(has_row.sum()),
        unknown=unknown,
        repeated=repeated,
        first_rows=table.head(10),
    )


def _best_way(table: pd.DataFrame, index: pd.DataFrame, join: Join, name: str) -> _Way:
    """Returns the way to compare by which most rows name an image.

    Raises:
        FerError: there is no such column, or it names no image.
    """
    if join.column not in table:
        raise FerError(
            f"The table must have the column {shortened(join.column)}. It has "
            f"{some([*map(str, table.columns)], 8)}."
        )
    ways = list(_Images(index).ways(table, join.column, join.by))
    best = max(ways, key=lambda way: _matches(*way), default=None)
    if best is None or not _matches(*best):
        raise FerError(_nothing_matches(table, index, name, join))
    return best


def _matches(how: str, keys: pd.Series, own: pd.Series) -> int:
    return int(_are_in(keys, own).sum())


def _are_in(values: pd.Series, others: pd.Series) -> np.ndarray:
    """Tells which values are among others; pandas' own is slow for many texts."""
    known = set(others.tolist())
    return np.array([value in known for value in values.tolist()], bool)


def _check_unambiguous(
    how: str, keys: pd.Series, own: pd.Series, index: pd.DataFrame, name: str
) -> None:
    """Checks that no row stands for several files.

    Raises:
        FerError: one does.
    """
    if how not in (_FILE_NAME, _STEM):
        return
    files = index["path"][_are_in(own, keys)].groupby(own).nunique()
    several = files[files > 1]
    if len(several):
        first = str(several.index[0]).partition("\n")[0]
        path = str(index["path"][own == several.index[0]].iloc[0])
        raise FerError(
            f"{counted(len(several), 'name')} in the table could be of several images of {name}: "
            f"{shortened(first)} is of {several.iloc[0]:,}. Write paths as in the dataset, such as "
            f"{shortened(path)}."
        )


def _repeated(keys: pd.Series, values: pd.DataFrame, join: Join) -> int:
    """Counts the rows that say again what an earlier one says.

    Raises:
        FerError: rows of one image or subject contradict each other.
    """
    duplicated = keys.duplicated(keep=False)
    if not duplicated.any():
        return 0
    rows = values[duplicated]
    differing = rows.groupby(keys[duplicated], sort=False).nunique() > 1
    contradicting = differing.index[differing.any(axis=1)]
    if len(contradicting):
        key = contradicting[0]
        column = differing.columns[differing.loc[key]][0]
        one, other = rows.loc[keys == key, column].drop_duplicates().iloc[:2].items()
        raise FerError(
            f"{counted(len(contradicting), join.by)} of the table {_have(len(contradicting))} rows "
            f"that contradict each other. {shortened(str(key).partition(chr(10))[0])}: "
            f"{shortened(str(column))} is {shortened(repr(one[1]))} in row {one[0] + 1:,} and "
            f"{shortened(repr(other[1]))} in row {other[0] + 1:,}. Delete one of each; nothing was "
            "saved."
        )
    return int(keys.duplicated().sum())


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _nothing_matches(
    table: pd.DataFrame, index: pd.DataFrame, name: str, join: Join | None = None
) -> str:
    columns = [join.column] if join else [*map(str, table.columns)]
    cells = [f"{column} ({shortened(str(table[column].iloc[0]))}, …)" for column in columns]
    row = "" if pd.isna(index["row"].iloc[0]) else f", row {index['row'].iloc[0]}"
    said = f"Its images are named like {shortened(str(index['path'].iloc[0]))}{row}"
    subjects = index.loc[index[SUBJECT] != "", SUBJECT].tolist() if SUBJECT in index else []
    if subjects:
        said += f", its subjects like {shortened(subjects[0])}"
    elif join and join.by == BY_SUBJECT:
        return f"{name} does not tell the subjects of its images. Join the table by file."
    else:
        said += "; it does not tell subjects"
    return (
        f"A column of the table must name images or subjects of {name}. {said}. Received: "
        f"{some(cells, 8)}"
    )
