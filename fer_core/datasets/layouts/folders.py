"""Reads one folder per expression, with or without split folders."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from fer_core.datasets.layouts.choices import Question
from fer_core.datasets.layouts.class_names import Conventions, is_expression
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.numberings import COMPOUND, is_compound, parse_number
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.splits import SPLITS, looks_like_split, parse_split, without_split
from fer_core.text import counted, some

_FER2013_NAME = re.compile(r"(Training|PublicTest|PrivateTest)_\d+\.", re.IGNORECASE)
_RAF_DB_NAME = re.compile(r"(?:train|test)_\d+_aligned\.", re.IGNORECASE)
_ORDER = {split: number for number, split in enumerate(SPLITS)}
_MOST_SPLITS = 12  # folders that may be splits; more are persons
_MOST_NUMBERS = 9  # the highest number of a class; more are those of persons or parts


@dataclass(frozen=True)
class ClassFolders:
    """Maps each folder of images to its class and split; either may be ""."""

    parts: dict[str, tuple[str, str]]

    @property
    def names(self) -> set[str]:
        """Returns the names of classes."""
        return {name for name, _ in self.parts.values() if name}


def expression_folders(source: Source) -> ClassFolders | None:
    """Returns the folders of a tree in which at least two are named after expressions."""
    return _at_least_two(source, is_expression)


def expression_names(source: Source) -> set[str]:
    """Returns the names of folders that are named after expressions, also of a single one."""
    return _class_folders(source, is_expression).names


def numbered_folders(source: Source) -> ClassFolders | None:
    """Returns the folders of a tree in which at least two are named by class numbers."""
    return _at_least_two(source, _is_class_number)


def _at_least_two(source: Source, is_class: Callable[[str], bool]) -> ClassFolders | None:
    found = _class_folders(source, is_class)
    plain = [name for name in found.names if name in source.choices.classes or is_class(name)]
    return found if len(plain) >= 2 else None


def all_folders(source: Source) -> ClassFolders | None:
    """Returns the folders of a tree with at least two folders of images, with any names."""
    found = _class_folders(source, lambda name: False, otherwise=True)
    return found if len(found.names) >= 2 else None


def read_folders(source: Source, folders: ClassFolders) -> ParsedLayout:
    """Lists the images of classes in folders."""
    listing, parts = source.files, folders.parts
    rows = [
        (f"{folder}/{name}".lstrip("/"), *parts[folder])
        for folder, names in listing.images.items()
        if parts[folder][0]
        for name in names
    ]
    index = pd.DataFrame(rows, columns=["path", "class_name", "source_split"])
    index, official = _with_official_splits(index)
    return ParsedLayout(
        _layout(index, bool(official)),
        source.folder,
        index,
        (*official, *_merged(parts), *_skipped(source, parts)),
        _summary,
        name_conventions(index["path"], index["class_name"]),
        "file names" if official else "folders",
        () if official else _odd_splits(source, parts),
    )


def name_conventions(paths: pd.Series, names: pd.Series) -> Conventions:
    """Returns the numbering of a dataset whose images are known by their names.

    Args:
        names: of the images' classes.
    """
    if paths.str.contains(_RAF_DB_NAME).mean() <= 0.5:
        return Conventions()
    return Conventions(COMPOUND if is_compound(names) else "raf-db")


def _is_class_number(name: str) -> bool:
    number = parse_number(name)
    return number is not None and number <= _MOST_NUMBERS


def _class_folders(
    source: Source, is_class: Callable[[str], bool], otherwise: bool = False
) -> ClassFolders:
    """Finds the class and the split in the path of each folder.

    The class is the first part that is one; or, beside such folders, one of another name.

    Args:
        is_class: whether a name is that of a class.
        otherwise: take any folder below the split, or the last one, for a class.
    """
    chosen = source.choices.splits
    parts = {}
    for folder in source.files.images:
        names = folder.split("/") if folder else []
        split = next((name for name in names if name in chosen or parse_split(name)), "")
        parts[folder] = (_class_in(names, split, is_class, source, otherwise), split)
    if otherwise:
        return ClassFolders(parts)
    siblings = _siblings(parts)
    more = {folder: _sibling_class(folder, siblings) for folder in parts}
    return ClassFolders(
        {folder: (name or more[folder], split) for folder, (name, split) in parts.items()}
    )


def _class_in(
    names: list[str], split: str, is_class: Callable[[str], bool], source: Source, otherwise: bool
) -> str:
    mapped = source.choices.classes
    for name in names:
        if name in mapped or is_class(name):
            return name
        word = without_split(name) if parse_split(name) else ""  # "train_happy"
        if word and is_class(word):
            return word
    if not otherwise:
        return ""
    below = names[names.index(split) + 1 :] if split else names[-1:]
    return next(iter(below), "")


def _siblings(parts: dict[str, tuple[str, str]]) -> set[str]:
    """Returns the parents of folders that are classes."""
    parents = set()
    for folder, (name, _) in parts.items():
        names = folder.split("/")
        if name in names:
            parents.add("/".join(names[: names.index(name)]))
    return parents


def _sibling_class(folder: str, parents: set[str]) -> str:
    """Returns the name of a folder beside classes, a class of another name such as boredom."""
    names = folder.split("/") if folder else []
    for depth, name in enumerate(names):
        if "/".join(names[:depth]) in parents and not parse_split(name):
            return name
    return ""


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
    if name_conventions(index["path"], index["class_name"]).numbering:
        return "RAF-DB, numbered folders"
    has_split = index["source_split"].map(lambda word: bool(parse_split(word))).any()
    return "Folders by split" if has_split else "Folders of expressions"


def _summary(index: pd.DataFrame) -> str:
    classes = counted(index["expression"].nunique(), "class", "classes")
    sizes = index["source_split"].value_counts()
    if set(sizes.index) == {""}:
        return f"Recognized one folder per expression: {classes}, without splits."
    words = sorted(sizes.index, key=lambda word: _ORDER.get(parse_split(word) or "", len(_ORDER)))
    parts = [f"{word or 'no split'} ({sizes[word]:,})" for word in words]
    return f"Recognized one folder per expression: {classes}, with splits {some(parts, 10)}."


def _merged(parts: dict[str, tuple[str, str]]) -> list[str]:
    """Says that classes of the same names lie in several folders that are no splits."""
    places: dict[str, set[str]] = {}
    for folder, (name, split) in parts.items():
        names = folder.split("/")
        if name in names:
            above = (part for part in names[: names.index(name)] if part != split)
            places.setdefault(name, set()).add("/".join(above))
    together = sorted(set().union(*(each for each in places.values() if len(each) > 1)) - {""})
    if not together or any(looks_like_split(part) for part in together):  # that is asked
        return []
    note = f"Folders with classes of the same names are read as one: {some(together)}."
    if len(together) > _MOST_SPLITS:  # persons
        return [note]
    return [f"{note} If one is a split, choose it (in the terminal: --split {together[0]}=val)."]


def _odd_splits(source: Source, parts: dict[str, tuple[str, str]]) -> tuple[Question, ...]:
    """Asks which split a folder is that is named like one, or lies beside some; not plainly."""
    splits: dict[str, set[str]] = {}  # by the folder that they are in
    for folder, (_, split) in parts.items():
        if split and split not in source.choices.splits:
            names = folder.split("/")
            splits.setdefault("/".join(names[: names.index(split)]), set()).add(split)
    odd: dict[str, int] = {}
    for folder, (name, split) in parts.items():
        names = folder.split("/") if name and not split else []
        above = names[: names.index(name)] if name in names else names
        for depth, part in enumerate(above):
            if looks_like_split(part) or "/".join(names[:depth]) in splits:
                odd[part] = odd.get(part, 0) + len(source.files.images[folder])
                break
    if not odd:
        return ()
    shown = [f"{part} ({counted(images, 'image')})" for part, images in odd.items()]
    known = sorted(set().union(*splits.values()))
    return (
        Question(
            "splits",
            f"It is open which split {some(shown)} {'is' if len(odd) == 1 else 'are'}"
            f"{f', beside {some(known)}' if known else ''}. Choose for each: train, val or test.",
            SPLITS,
            f"--split {next(iter(odd))}=val; without a value it is left out",
        ),
    )


def _skipped(source: Source, parts: dict[str, tuple[str, str]]) -> list[str]:
    listing = source.files
    loose = [
        f"{folder}/{name}".lstrip("/")
        for folder, names in listing.images.items()
        if not parts[folder][0]
        for name in names
    ]
    copied = [f"{folder}/{name}" for folder, names in source.copies.items() for name in names]
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
