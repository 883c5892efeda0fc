"""Reads tables and lists of image paths and expressions, also with face boxes or votes."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from fer_core.datasets.image_reader import BOX
from fer_core.datasets.layouts.choices import Question
from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.layouts.columns import (
    MAX_WORD,
    Columns,
    find_columns,
    no_labels_question,
    score_of,
    whole_votes,
)
from fer_core.datasets.layouts.csv_reader import Table, encoding_note, plain_name
from fer_core.datasets.layouts.file_tree import file_status
from fer_core.datasets.layouts.folders import name_conventions
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.numberings import LEFT_OUT, parse_number
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.splits import parse_split
from fer_core.errors import FerError
from fer_core.expressions import canonical, is_known
from fer_core.text import Tally, counted, printable, shortened, some

_MAX_PATH = 5_000  # characters to keep; no file has a longer path
_MAX_PLACE = 1_000_000  # pixels; no image is as large
_MAX_FACES = 1_000  # of an image, which is decoded for each
_BOX_CELLS = ("bbox", "box", "facebox", "boundingbox", "rect", "roi", "bndbox")
TIED = "no majority"  # the class of an image whose votes have no single winner


@dataclass(frozen=True)
class PathTable:
    """Describes a table with a column of images and one or more of expressions."""

    table: Table
    columns: Columns

    @property
    def conventions(self) -> Conventions:
        """Returns the numbering that the columns of a known dataset tell."""
        header = {plain_name(name) for name in self.table.header}
        if "subdirectoryfilepath" in header or {"expression", "valence", "arousal"} <= header:
            return Conventions("affectnet")
        if {"faceboxcascade", "expressionlabel"} <= header:  # ExpW
            return Conventions("fer2013")
        if self.columns.scores:
            scores = self.columns.scores
            names = [n for n in scores if not is_known(n) and parse_number(n) is None]
            return Conventions(meanings=dict.fromkeys([*names, TIED], LEFT_OUT))
        return Conventions()


def path_tables(source: Source) -> list[PathTable]:
    """Returns the tables of images and expressions in a source."""
    return [each for each in _image_tables(source) if each.columns.has_labels]


def unlabeled_question(source: Source) -> Question | None:
    """Asks about the columns of a table of images in which no column of expressions is found."""
    tables = [table for table in source.tables if table.has_header or not source.is_folder]
    return no_labels_question(tables[0], "images (paths or pixels)") if tables else None


def _image_tables(source: Source) -> list[PathTable]:
    tables = [PathTable(table, find_columns(table, source.choices)) for table in source.tables]
    return [each for each in tables if each.columns.image >= 0]


def read_path_tables(source: Source, tables: list[PathTable]) -> ParsedLayout:
    """Reads all images and labels that the tables list.

    Paths may be absolute, relative to the table's folder or the source, or end like the path of
    one image anywhere below it.

    Raises:
        FerError: none of the images exists.
    """
    rows, notes = _all_rows(tables, source)
    groups = [name for name in ("subject", "group") if name in rows]  # that some tables have
    rows[groups] = rows[groups].fillna("")
    located = _Locator(source).locate(rows)
    if not located.paths.notna().any():
        asked = [question.sentence for question in located.questions]
        raise FerError(asked[0] if asked else _no_files_message(tables, rows["path"], source))
    missing = rows["path"][located.paths.isna() & ~rows["path"].isin(located.ambiguous)].tolist()
    rows = rows.assign(path=located.paths).dropna(subset="path")
    if missing:
        notes.append(f"Skipped {counted(len(missing), 'missing file')}: {some(missing)}.")
    rows, repeated = _faces(rows, BOX if tables[0].columns.box else [])
    names = some([each.table.path.name for each in tables])
    split_origin = _split_origin(tables)
    summary = f"Recognized {names}: a table of image paths and expressions."
    return ParsedLayout(
        "Table of paths",
        source.folder,
        _with_splits(rows, source),
        (
            *notes,
            *located.notes,
            *repeated,
            *_unused(tables),
            *_unlisted(source, rows["path"], names),
            *encoding_note([each.table for each in tables]),
        ),
        lambda index: summary,
        _conventions(tables, rows),
        split_origin,
        (*(q for each in tables for q in each.columns.questions), *located.questions),
        tuple(each.table.path.stem for each in tables),
        tuple(tables[0].table.header),
        tables[0].columns.roles(tables[0].table),
    )


def _all_rows(tables: list[PathTable], source: Source) -> tuple[pd.DataFrame, list[str]]:
    """Returns the rows of all tables, see `_rows`, and notes on those that were skipped."""
    parts, notes = [], []
    splits = [_table_split(each.table, source.choices.splits) for each in tables]
    several = len(set(splits)) > 1  # or a name tells nothing: "train.csv" may be all there is
    for each, split in zip(tables, splits, strict=True):
        rows, skipped = _rows(each, source, split if several else "")
        parts.append(rows)
        notes += skipped
    return pd.concat(parts, ignore_index=True), notes


def read_groups(source: Source) -> pd.DataFrame | None:
    """Reads which subject or group the tables of a source tell for images: path, subject, group.

    None if no table does; columns that none has are left out, as tables that cannot be read are.
    """
    parts = []
    for each in _image_tables(source) if source.is_folder else []:
        try:
            parts += [_group_rows(each, source)] if each.columns.groups else []
        except FerError as error:
            source.damaged.add(str(error))
    if not parts:
        return None
    table = pd.concat(parts, ignore_index=True)
    table["path"] = _Locator(source).locate(table).paths
    table = table.dropna(subset="path").drop_duplicates("path")
    return table.drop(columns=["folder", "source_split"]).fillna("")


def _group_rows(each: PathTable, source: Source) -> pd.DataFrame:
    """Returns a row per image: path as listed, subject, group, folder and split of the table."""
    table, columns = each.table, each.columns
    numbers = [columns.image, *columns.groups.values()]
    rows = [
        [cells[number].strip()[:_MAX_PATH] for number in numbers]
        for cells in table.rows(source.report)
    ]
    frame = pd.DataFrame(rows, columns=["path", *columns.groups])
    frame["path"] = frame["path"].str.replace("\\", "/")
    folder = table.path.parent.relative_to(source.folder).as_posix()
    return frame.assign(folder=folder, source_split=_table_split(table, source.choices.splits))


def _conventions(tables: list[PathTable], rows: pd.DataFrame) -> Conventions:
    own = tables[0].conventions
    known = own.numbering or own.meanings
    return own if known else name_conventions(rows["path"], rows["class_name"])


def _table_split(table: Table, chosen: Collection[str]) -> str:
    """Returns the name of a table or of its folder, if it was chosen as or tells a split, or ""."""
    names = (table.path.stem, table.path.parent.name)
    return next((name for name in names if name in chosen or parse_split(name)), "")


def _rows(each: PathTable, source: Source, own: str) -> tuple[pd.DataFrame, list[str]]:
    """Returns a row per face: path as listed, class_name, source_split, subject, box, votes."""
    table, columns = each.table, each.columns
    _check_pixels(each)
    records, total, boxless = [], 0, 0
    for cells in table.rows(source.report):
        total += 1
        path = cells[columns.image].strip()[:_MAX_PATH].replace("\\", "/")
        name = _class_name(cells, columns)
        if path and name:
            split = cells[columns.split].strip()[:MAX_WORD] if columns.split >= 0 else own
            box = _parse_box(cells, columns)
            if box is None:
                boxless += 1
                continue
            votes = [cells[i].strip() for i in columns.scores.values()]
            groups = [cells[i].strip()[:MAX_WORD] for i in columns.groups.values()]
            records.append((path, name, split, *groups, *box, *votes))
    if not records:
        raise FerError(f"{table.path.name} must have rows with a path and a label. None has both.")
    skipped = total - len(records) - boxless
    notes = [f"Skipped {counted(skipped, 'row')} without a path or label."] if skipped else []
    if boxless:
        notes.append(f"Skipped {counted(boxless, 'row')} whose face box is no box.")
    votes_names = [f"votes_{canonical(name)}" for name in columns.scores]
    box_names = BOX if columns.box else []
    texts = ["path", "class_name", "source_split", *columns.groups]
    frame = pd.DataFrame(records, columns=[*texts, *box_names, *votes_names])
    frame["folder"] = table.path.parent.relative_to(source.folder).as_posix()
    if columns.scores:
        numbers = frame[votes_names].apply(whole_votes)
        frame[votes_names] = numbers
        if set(numbers.to_numpy().ravel()) <= {0, 1}:  # one-hot, no votes
            frame = frame.drop(columns=votes_names)
    return frame, notes


def _check_pixels(each: PathTable) -> None:
    """Checks that face boxes are in pixels.

    Raises:
        FerError: they are shares of the image.
    """
    cells = [row[i].strip() for row in each.table.sample() for i in each.columns.box]
    numbers = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce").dropna()
    if numbers.between(0, 1).all() and (numbers % 1 != 0).any():
        raise FerError(
            f"{each.table.path.name} must have face boxes in pixels. They are shares of the "
            "image, from 0 to 1: multiply them by its width and height."
        )


def _class_name(cells: list[str], columns: Columns) -> str:
    if columns.label >= 0 or not columns.scores:
        return cells[columns.label].strip()[:MAX_WORD]
    try:
        scores = {name: score_of(cells[i]) for name, i in columns.scores.items()}
    except ValueError:
        return ""
    most = max(scores.values())
    winners = [name for name, score in scores.items() if score == most]
    return "" if most <= 0 else winners[0] if len(winners) == 1 else TIED


def _parse_box(cells: list[str], columns: Columns) -> tuple[int, ...] | None:
    """Returns x, y, width and height; each -1 if all cells are empty, None if they are no box.

    () without columns.
    """
    if not columns.box:
        return ()
    texts = [cells[i].strip() for i in columns.box]
    if not any(texts):
        return (-1,) * 4
    try:
        x, y, right, bottom = (round(float(text)) for text in texts)
    except (ValueError, OverflowError):
        return None
    width, height = (right, bottom) if columns.box_has_size else (right - x, bottom - y)
    is_box = max(map(abs, (x, y, width, height))) <= _MAX_PLACE and min(width, height) > 0
    return (x, y, width, height) if is_box else None


@dataclass(frozen=True)
class _Located:
    paths: pd.Series  # relative to the source's folder, or None
    ambiguous: frozenset[str]  # listed names that several images have
    notes: tuple[str, ...]
    questions: tuple[Question, ...]


class _Locator:
    """Finds the images that tables list."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._base = str(source.folder)
        self._by_name = Tally(keep=1)  # rows whose image was found elsewhere below the source
        self._ambiguous: dict[str, list[str]] = {}
        # Of each file the first path that names it, since links and ".." make others.
        self._first: dict[tuple[int, int], str] = {}
        self._in_split: dict[tuple[int, str], list[str]] = {}

    def locate(self, rows: pd.DataFrame) -> _Located:
        # A million rows may name a few images.
        known: dict[tuple[str, ...], tuple[str | None, bool]] = {}
        found = []
        for row in zip(rows["path"], rows["folder"], rows["source_split"], strict=True):
            if row not in known:
                path, folder, split = row
                beside = self._beside(path, folder)
                known[row] = beside or self._below(path, split), beside is None
            place, is_by_name = known[row]
            found.append(place)
            if place and is_by_name:
                self._by_name.add(place)
        notes, questions = [], []
        if self._by_name:
            notes.append(
                f"Found {counted(len(self._by_name), 'image')} by name elsewhere below "
                f"{shortened(self._source.folder.name)}, such as {self._by_name}."
            )
        if self._ambiguous:
            name, places = next(iter(self._ambiguous.items()))
            questions.append(
                Question(
                    "images",
                    f"{counted(len(self._ambiguous), 'name')} in the table "
                    f"{'fits' if len(self._ambiguous) == 1 else 'fit'} several images: "
                    f"{shortened(name)} may be {' or '.join(places[:3])}. Write the folder before "
                    "the name in the table.",
                )
            )
        paths = pd.Series(found, index=rows.index, dtype="object")
        return _Located(paths, frozenset(self._ambiguous), tuple(notes), tuple(questions))

    def _beside(self, path: str, folder: str) -> str | None:
        """Returns an image relative to its table or to the source; absolute ones stay so."""
        for start in (folder, ".") if folder != "." else (folder,):
            place = os.path.join(self._base, start, path)  # noqa: PTH118 (ten times as fast)
            status = file_status(place)
            if status is None:
                continue
            shown = self._shown(place)
            if status.st_ino == 0 or status.st_nlink > 1:  # unknown, or files that a person made
                return shown
            return self._first.setdefault((status.st_dev, status.st_ino), shown)
        return None

    def _shown(self, place: str) -> str:
        """Returns a path relative to the source, or as it is if it leads elsewhere."""
        path, base = Path(place), self._source.folder
        return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()

    def _below(self, path: str, split: str) -> str | None:
        """Returns the only image whose path ends so; that of the row's split, of several."""
        if not _is_name(path):
            return None
        found = self._source.find(path)
        if len(found) > 1 and (wanted := parse_split(split)):
            key = id(found), wanted  # the source keeps the lists, and many rows may have one
            if key not in self._in_split:
                self._in_split[key] = [each for each in found if _split_of(each) == wanted]
            found = self._in_split[key] or found
        if len(found) > 1:
            self._ambiguous[path] = found
        return found[0] if len(found) == 1 else None


def _is_name(path: str) -> bool:
    return "\0" not in path and len(path) < 1000


def _split_of(path: str) -> str | None:
    splits = map(parse_split, PurePosixPath(path).parts[:-1])
    return next(filter(None, splits), None)


def _faces(rows: pd.DataFrame, box: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Removes repeated rows; numbers the rows of images that have several labels or faces."""
    notes = []
    once = rows.drop_duplicates(["path", "class_name", *box]).sort_values(
        ["path", *box], ignore_index=True, kind="stable"
    )
    if len(once) < len(rows):
        notes.append(f"Skipped {counted(len(rows) - len(once), 'repeated row')}.")
    per_image = once["path"].value_counts()
    if per_image.max() > _MAX_FACES:  # not where no image was found
        raise FerError(
            f"A table must list at most {_MAX_FACES:,} faces or labels of one image. "
            f"{shortened(str(per_image.index[0]))} has {per_image.iloc[0]:,}."
        )
    several = once.duplicated("path", keep=False)
    order = once.groupby("path").cumcount().astype("Int64")
    once["row"] = order.where(several)
    conflicts = once.loc[once.duplicated(["path", *box], keep=False), "path"].unique().tolist()
    if conflicts:
        notes.append(
            f"{counted(len(conflicts), 'image')} with different labels for the same face: "
            f"{some(conflicts)}. All their labels were kept; the quality scan finds them."
        )
    images = once.loc[several, "path"].nunique()
    if box and images > len(conflicts):
        notes.append(
            f"{counted(images, 'image')} with several faces: each is cropped to its box and counts "
            "as an image of its own."
        )
    elif box:
        notes.append("Every face is cropped to its box in the table.")
    return once, notes


def _with_splits(rows: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Takes the split from the image's folder where no table tells it."""
    if (rows["source_split"] != "").any():
        return rows.drop(columns="folder")
    chosen = source.choices.splits

    def split_of(folder: str) -> str:
        parts = PurePosixPath(folder).parts
        return next((part for part in parts if part in chosen or parse_split(part)), "")

    folders = rows["path"].map(lambda path: path.rpartition("/")[0])
    splits = folders.map({folder: split_of(folder) for folder in folders.unique()})
    return rows.assign(source_split=splits).drop(columns="folder")


def _split_origin(tables: list[PathTable]) -> str:
    if tables[0].columns.split >= 0:
        return f"column {tables[0].table.header[tables[0].columns.split]}"
    return "names of tables or folders"


def _unlisted(source: Source, listed: pd.Series, names: str) -> list[str]:
    if not source.is_folder:
        return []
    others = sorted(set(source.images) - set(listed))
    if not others:
        return []
    return [f"Skipped {counted(len(others), 'image')} that {names} does not list: {some(others)}."]


def _unused(tables: list[PathTable]) -> list[str]:
    names = dict.fromkeys(name for each in tables for name in each.columns.unused(each.table))
    if not names:
        return []
    sentence = f"Columns that are not used: {some(list(map(shortened, names)), 10)}."
    if any(plain_name(name) in _BOX_CELLS for name in names):
        sentence += " Face boxes are read from four columns only; whole images are used."
    return [sentence]


def _no_files_message(tables: list[PathTable], names: pd.Series, source: Source) -> str:
    odd = encoding_note([each.table for each in tables])
    hint = f". {odd[0]} If names look wrong, save it as UTF-8." if odd else ""
    return (
        f"None of the {len(names):,} files listed in {tables[0].table.path.name} exists. Paths "
        "must be absolute, relative to the CSV's folder, or end like that of an image below "
        f"{source.folder.name}. The first is {shortened(printable(str(names.iloc[0])))}{hint}"
    )
