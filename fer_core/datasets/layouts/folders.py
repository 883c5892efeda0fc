"""Reads one folder per expression, with or without split folders."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fer_core.datasets.layouts.class_names import is_expression, map_classes
from fer_core.datasets.layouts.file_tree import Listing, find_copies, list_files
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.splits import SPLITS, parse_split
from fer_core.text import counted, some

_FER2013_NAME = re.compile(r"(Training|PublicTest|PrivateTest)_\d+\.", re.IGNORECASE)
_RAF_DB_NAME = re.compile(r"(?:train|test)_\d+_aligned\.", re.IGNORECASE)
_ORDER = {split: number for number, split in enumerate(SPLITS)}


def read_expressions(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Reads a tree in which at least two folders are named after expressions."""
    return _read(source, report, lambda names: sum(map(is_expression, names)) >= 2)


def read_any(source: Path, copied: Path, report: Report) -> ParsedLayout | None:
    """Reads a tree with at least two folders of images, with any names."""
    return _read(source, report, lambda names: len(names) >= 2)


def _read(
    source: Path, report: Report, suffices: Callable[[set[str]], bool]
) -> ParsedLayout | None:
    if not source.is_dir():
        return None
    listing = list_files(source, report)
    copies = {folder: listing.images.pop(folder) for folder in find_copies(source, listing)}
    parts = {folder: _class_and_split(folder) for folder in listing.images}
    if not suffices({name for name, _ in parts.values() if name}):
        return None
    expressions, notes = map_classes(name for name, _ in parts.values() if name)
    rows = [
        (f"{folder}/{name}", expressions[parts[folder][0]], parts[folder][1])
        for folder, names in listing.images.items()
        if parts[folder][0]
        for name in names
    ]
    index = pd.DataFrame(rows, columns=["path", "expression", "source_split"])
    index, official = _with_official_splits(index)
    index["split"] = index["source_split"].map(lambda word: parse_split(word) or "")
    notes = [*official, *notes, *_skipped(listing, parts, copies), *listing.notes()]
    return ParsedLayout(_layout(index, bool(official)), source, index, tuple(notes), _summary)


def _class_and_split(folder: str) -> tuple[str, str]:
    """Returns the class and split folders in a path; either may be "".

    The class is the first folder named after an expression, else the first folder below the
    split, else, without a split, the last folder.
    """
    parts = folder.split("/") if folder else []
    splits = [i for i, part in enumerate(parts) if parse_split(part)]
    first = splits[0] if splits else None
    others = [part for i, part in enumerate(parts) if i not in splits]
    below = parts[first + 1 : first + 2] if first is not None else parts[-1:]
    named = [part for part in others if not part.isdecimal() and is_expression(part)]
    numbered = [part for part in others if is_expression(part)]
    name = next(iter([*named, *numbered, *below]), "")
    return name, parts[first] if first is not None else ""


def _with_official_splits(index: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Recovers FER2013's validation and test splits from file names if test/ mixes them."""
    usage = index["path"].str.extract(rf"(?:^|/){_FER2013_NAME.pattern}", flags=re.I)[0].fillna("")
    split = index["source_split"].map(lambda word: parse_split(word) or "")
    if (split == "val").any() or not {"publictest", "privatetest"} <= set(usage.str.lower()):
        return index, []
    # Only mixed folders: splits that users made themselves are kept.
    mixed = (usage != "") & split.isin(["", "test"])
    index = index.assign(source_split=index["source_split"].mask(mixed, usage))
    return index, [
        "FER2013's official splits were recovered from the file names: PublicTest for validation, "
        "PrivateTest for test."
    ]


def _layout(index: pd.DataFrame, official: bool) -> str:
    if official:
        return "FER2013, image folders"
    if index["path"].str.contains(_RAF_DB_NAME).mean() > 0.5:
        return "RAF-DB, numbered folders"
    return "Folders by split" if (index["split"] != "").any() else "Folders of expressions"


def _summary(index: pd.DataFrame) -> str:
    classes = counted(index["expression"].nunique(), "class", "classes")
    sizes = index["source_split"].value_counts()
    if set(sizes.index) == {""}:
        return f"Recognized one folder per expression: {classes}, without splits."
    words = sorted(sizes.index, key=lambda word: _ORDER.get(parse_split(word) or "", len(_ORDER)))
    parts = [f"{word or 'no split'} ({sizes[word]:,})" for word in words]
    return f"Recognized one folder per expression: {classes}, with splits {some(parts, 10)}."


def _skipped(
    listing: Listing, words: dict[str, tuple[str, str]], copies: dict[str, list[str]]
) -> list[str]:
    loose = [
        f"{folder}/{name}".lstrip("/")
        for folder, names in listing.images.items()
        if not words[folder][0]
        for name in names
    ]
    copied = [f"{folder}/{name}" for folder, names in copies.items() for name in names]
    skipped = {
        "outside class folders": (loose, "image"),
        "in a repeated copy of their folder": (copied, "image"),
        "not images": (listing.others, "file"),
        "not readable": (listing.unreadable, "folder"),
    }
    return [
        f"Skipped {counted(len(files), thing)} ({why}): {some(files)}."
        for why, (files, thing) in skipped.items()
        if files
    ]
