"""Recognizes the layout of a source, also where several fit."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fer_core.datasets.layouts import (
    csv_paths,
    csv_pixels,
    file_names,
    folders,
    label_files,
    raf_db,
)
from fer_core.datasets.layouts.choices import Question
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.source import Source
from fer_core.errors import FerError
from fer_core.text import some


@dataclass(frozen=True)
class Layout:
    """Describes a way in which datasets are laid out."""

    name: str  # as it is chosen
    title: str
    # Returns what the layout is recognized by, without reading images; something false if nothing.
    find: Callable[[Source], Any]
    read: Callable[[Source, Any], ParsedLayout]
    only_chosen: bool = False  # never taken unless a person chose it


# The most specific first.
_ALL = (
    Layout("raf-db", "RAF-DB", raf_db.raf_db_list, raf_db.read_raf_db),
    Layout("ck+", "CK+", label_files.ck_plus_labels, label_files.read_ck_plus),
    Layout(
        "affectnet", "AffectNet's arrays", label_files.affectnet_labels, label_files.read_affectnet
    ),
    Layout("pixels", "Table of pixels", csv_pixels.pixel_tables, csv_pixels.read_pixel_tables),
    Layout("table", "Table of paths", csv_paths.path_tables, csv_paths.read_path_tables),
    Layout("folders", "Folders of expressions", folders.expression_folders, folders.read_folders),
    Layout("codes", "KDEF or JAFFE", file_names.coded_names, file_names.read_file_names),
    Layout("names", "Words in file names", file_names.worded_names, file_names.read_file_names),
    Layout("numbers", "Numbered folders", folders.numbered_folders, folders.read_folders),
    Layout("any", "Folders of any names", folders.all_folders, folders.read_folders, True),
)
LAYOUTS = {layout.name: layout for layout in _ALL}
_SAVE_AS_CSV = "Tables of other formats are not read: save them as .csv."
_HINTS = {  # files that labels may be in
    **dict.fromkeys(("xlsx", "xls", "ods", "parquet", "feather", "pkl", "mat"), _SAVE_AS_CSV),
    **dict.fromkeys(("npz", "npy", "h5", "hdf5"), _SAVE_AS_CSV),
    **dict.fromkeys(
        ("json", "xml", "yaml", "yml"),
        "Labels in .json, .xml or .yaml files are not read: export them as a .csv table with a "
        "column of image paths and one of expressions.",
    ),
}
_COVERAGE = 0.5  # of the images, that a table must list to count more than folders


@dataclass(frozen=True)
class Recognized:
    """Holds a source as read by a layout, and the names of the others that fit."""

    layout: Layout
    parsed: ParsedLayout
    others: tuple[str, ...] = ()


class UnreadableSourceError(FerError):
    """Tells that a source cannot be read, and what may be chosen to read it otherwise."""

    def __init__(self, message: str, source: Source) -> None:
        """Finds the layouts that fit, and the columns of the first table."""
        super().__init__(message)
        self.layouts = tuple(name for name in LAYOUTS if _fits(source, LAYOUTS[name]))
        self.header: tuple[str, ...] = ()
        with suppress(FerError):
            self.header = source.tables[0].header if source.tables else ()


def _fits(source: Source, layout: Layout) -> bool:
    try:
        return bool(layout.find(source))
    except FerError:  # a file that it would be recognized by is damaged
        return False


def recognize(source: Source) -> Recognized:
    """Reads a source by the chosen layout or the most specific one that fits.

    Raises:
        FerError: no layout fits, or the one that does is incomplete.
    """
    found = {name: evidence for name in LAYOUTS if (evidence := LAYOUTS[name].find(source))}
    usual = [name for name in found if not LAYOUTS[name].only_chosen]
    chosen = source.choices.layout
    if chosen and chosen not in found:
        known = f"it could be {some(list(found), 10)}" if found else "none fits it"
        raise FerError(
            f"The layout of {source.path.name} must be one that fits it: {known}. The layouts are "
            f"{', '.join(LAYOUTS)}. Received: {chosen!r}"
        )
    if not chosen and not usual:
        raise FerError(_unknown_message(source, found))
    if not chosen and usual[0] == "table" and {"folders", "numbers"} & set(usual):
        return _table_or_folders(source, found)
    name = chosen or usual[0]
    others = tuple(other for other in found if other != name)
    return Recognized(LAYOUTS[name], LAYOUTS[name].read(source, found[name]), others)


def _table_or_folders(source: Source, found: dict[str, Any]) -> Recognized:
    """Decides between a table and folders: asks if both name expressions and disagree."""
    name = "folders" if "folders" in found else "numbers"
    tree = LAYOUTS[name].read(source, found[name])
    tables = [each.table.path.name for each in found["table"]]
    folders_won = Recognized(
        LAYOUTS[name],
        _with_note(tree, f"Ignored {some(tables)}: the folders tell the expressions."),
        tuple(other for other in found if other != name),
    )
    try:
        table = LAYOUTS["table"].read(source, found["table"])
    except FerError:  # none of its images exists
        return folders_won
    both = table.index.merge(tree.index, on="path", suffixes=("", "_folder"))
    if _agree(both):
        return folders_won
    listed = len(both) >= _COVERAGE * len(source.images)
    if name == "folders" and not listed and both.empty:
        return folders_won
    questions = table.questions
    if name == "folders" or not listed:
        questions = (*questions, _which(tables, both, name))
    others = tuple(other for other in found if other != "table")
    table = ParsedLayout(**{**vars(table), "questions": questions})
    return Recognized(LAYOUTS["table"], table, others)


def _agree(both: pd.DataFrame) -> bool:
    """Returns whether each class of the table is one folder and the other way round."""
    pairs = both[["class_name", "class_name_folder"]].drop_duplicates()
    return not both.empty and not (
        pairs["class_name"].duplicated().any() or pairs["class_name_folder"].duplicated().any()
    )


def _which(tables: list[str], both: pd.DataFrame, name: str) -> Question:
    shown = ""
    if len(both):
        row = both.iloc[0]
        shown = (
            f": {row['path']} is {row['class_name']} in the table and {row['class_name_folder']} "
            "by its folder"
        )
    return Question(
        "layout",
        f"The expressions may be told by the table {some(tables)} or by the folders, and they "
        f"disagree{shown}. Choose one layout.",
        ("table", name),
        f"--layout table or --layout {name}",
    )


def _with_note(parsed: ParsedLayout, note: str) -> ParsedLayout:
    return ParsedLayout(**{**vars(parsed), "notes": (*parsed.notes, note)})


def _unknown_message(source: Source, found: dict[str, Any]) -> str:
    sentence = f"The layout of {source.path.name} is not recognized. "
    if question := csv_paths.unlabeled_question(source):
        return sentence + question.sentence
    if "any" in found:
        names = sorted(found["any"].names)
        return (
            f"{sentence}Its folders are {some(names, 5)}, which are neither expressions nor class "
            "numbers; they may be persons. If they are classes, choose that layout (in the "
            "terminal: --layout any), or map them (--map name=happy)."
        )
    if one := sorted(folders.expression_names(source)):
        sentence += f"A dataset must have at least two classes; only {one[0]} is a folder of one. "
    return (
        f"{sentence}It must have folders named after expressions (also below train, validation "
        "and test), expressions in the names of the images, fer2013.csv, RAF-DB as distributed, or "
        "a CSV with a column of image paths and one of expressions, with a header."
        f"{_unread(source)}"
    )


def _unread(source: Source) -> str:
    """Names the files that were found instead, e.g. images in a format that is not read."""
    if not source.is_folder:
        return ""
    suffixes = pd.Series([name.rpartition(".")[2].lower() for name in source.files.others])
    counts = suffixes[suffixes.str.len() < 8].value_counts()
    parts = [f"{count:,} .{suffix}" for suffix, count in counts.items()]
    parts += [f"{len(source.images):,} images"] if source.images else []
    hints = [hint for suffix, hint in _HINTS.items() if suffix in counts.index]
    return " ".join([f" It has {some(parts, 4)}." if parts else " It has no files.", *hints[:1]])
