"""Recognizes augmented copies by their file names and groups them with their source images."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from fer_core.datasets.splits import parse_split

_AUGMENTED = r"aug(?:mented|mentation|ment)?|gen(?:erated)?"
_CHANGES = (
    r"copy|duplicate|[hv]?flip(?:ped)?|flip(?:lr|ud)|mirror(?:ed)?|rot(?:ated?|ation)?|zoom(?:ed)?|"
    r"shift(?:ed)?|translat(?:ed?|ion)|shear(?:ed)?|crop(?:ped)?|scaled?|warp(?:ed)?|elastic|"
    r"bright(?:er|ness|ened)?|dark(?:er|ened)?|contrast|gamma|nois[ey]|blur(?:red|ry)?|"
    r"sharp(?:er|en|ened)?|equali[sz]ed?|histeq|clahe|gr[ae]y(?:scale)?|invert(?:ed)?|jitter|cutout"
)
_CHANGE = rf"(?:{_AUGMENTED}|{_CHANGES})"
_SEPARATOR = r"[ _.-]+"
# How much, which way or which copy: "15", "-0.5", "90deg", "h", "left".
_AMOUNT = r"(?:[-+]?\d+(?:\.\d+)?(?:deg|px)?|[hvxy]|lr|ud|left|right|up|down|(?:horizont|vertic)al)"
_HASH = r"[0-9a-f]{8}(?:-?[0-9a-f]{4,12}){2,6}"

# X.jpg0: a counter behind the source's whole name.
_COUNTED = re.compile(r"(?P<source>.+)\.(?:jpe?g|png|bmp|tiff?|webp)[ _-]?\d+", re.IGNORECASE)
# X_jpg.rf.<hash>: Roboflow's versions. train_original_X.jpg_<uuid>: the package Augmentor's.
_HASHED = re.compile(
    rf"(?P<source>.+)_(?:jpe?g|png|bmp)\.rf\.{_HASH}"
    rf"|.*_original_(?P<original>.+)\.(?:jpe?g|png|bmp)_{_HASH}",
    re.IGNORECASE,
)
# aug_0_1234: Keras's `flow(save_prefix="aug")`; the number of the source, then a random one.
_KERAS = re.compile(rf"(?P<source>(?:.+{_SEPARATOR})?(?:{_AUGMENTED})_\d+)_\d+", re.IGNORECASE)
# X_flip, X-rot15, X_aug_3, X_flip_bright
_SUFFIXED = re.compile(
    rf"(?P<source>.+?)(?:{_SEPARATOR}{_CHANGE}(?:[ _-]*{_AMOUNT})*)+", re.IGNORECASE
)
# flip_X, rot15_X, aug_3_X: where the amount ends and the source begins is open.
_PREFIXED = re.compile(rf"{_CHANGE}(?P<source>.+)", re.IGNORECASE)
_AMOUNT_BEFORE = re.compile(rf"{_AMOUNT}?{_SEPARATOR}(?P<source>.+)", re.IGNORECASE)
_MIRRORED = re.compile(r"(?:^|[ _.-])(?:h?flip(?:ped)?|fliplr|mirror(?:ed)?)(?![a-z])")
# Rules out most names at once.
_HINT = re.compile(
    rf"(?:^|[ _.-])(?:{_CHANGE}|original|rf|jpe?g|png|bmp|tiff?|webp)", re.IGNORECASE
)


def possible_sources(stem: str) -> tuple[str, ...]:
    """Returns the possible stems of the image that the one named `stem` is a copy of.

    Most likely first, to be tried against the images that exist; the last one is the best guess
    if none does. Empty if the name does not tell of a copy.
    """
    if not _HINT.search(stem):
        return ()
    if match := _COUNTED.fullmatch(stem):
        return (match["source"],)
    if match := _HASHED.fullmatch(stem):
        return (match["source"] or match["original"],)
    sources = [*_suffix_sources(stem), *reversed([*_prefix_sources(stem)])]
    if match := _KERAS.fullmatch(stem):
        sources.append(match["source"])
    return tuple(sources)


def _suffix_sources(stem: str) -> Iterator[str]:
    match = _SUFFIXED.fullmatch(stem)
    if match:
        yield match["source"]


def _prefix_sources(stem: str) -> Iterator[str]:
    """Yields what is left without the prefix, then without each amount behind it."""
    match = _PREFIXED.fullmatch(stem)
    rest = match["source"] if match else ""
    while match := _AMOUNT_BEFORE.fullmatch(rest):
        rest = match["source"]
        yield rest


def mirrored_copies(paths: Iterable[str]) -> np.ndarray:
    """Returns a mask of the images whose names tell that they are horizontally mirrored copies."""
    stems = (_folder_and_stem(path)[1] for path in paths)
    return np.array(
        [bool(_MIRRORED.search(stem) and possible_sources(stem)) for stem in stems], bool
    )


def augmented_groups(paths: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Groups copies with their source and with each other, by name alone.

    The source is looked for in the copy's own folder first, then in the folders that differ only
    in their split ("train/happy" and "val/happy"), unless several of those have it. Copies whose
    source is missing are a group if its name has a digit: "happy_flip" names no image.

    Args:
        paths: relative to the dataset's root, with "/".

    Returns:
        For each path the position of the first of its group, int32 (its own if it is alone), and
        whether it is a copy (False for sources and for images that are alone).
    """
    images = [_folder_and_stem(path) for path in paths]
    found_sources = [possible_sources(stem) for _, stem in images]
    merged = {folder: _without_splits(folder) for folder in {folder for folder, _ in images}}
    existing = {(folder, stem) for folder, stem in images}
    elsewhere = defaultdict[tuple[str, str], list[str]](list)
    for folder, stem in existing:
        elsewhere[merged[folder], stem].append(folder)

    def group_of(folder: str, stem: str, sources: tuple[str, ...]) -> tuple[str, str]:
        for source in sources:
            if (folder, source) in existing:
                return folder, source
            folders = elsewhere.get((merged[folder], source), ())
            if len(folders) == 1:
                return folders[0], source
        if sources and any(character.isdigit() for character in sources[-1]):
            return merged[folder], f"{sources[-1]}/"  # no image has that name
        return folder, stem

    groups = _first_positions(
        group_of(*image, sources) for image, sources in zip(images, found_sources, strict=True)
    )
    names_source = np.array([bool(sources) for sources in found_sources], bool)
    has_copies = np.zeros(len(groups), bool)
    has_copies[groups[names_source]] = True
    # Images of one name are no copies of each other: faces of one photo, rows of one table.
    groups = np.where(has_copies[groups], groups, np.arange(len(groups), dtype=np.int32))
    is_grouped = np.bincount(groups, minlength=len(groups))[groups] > 1
    return groups, is_grouped & names_source


def _folder_and_stem(path: str) -> tuple[str, str]:
    """Splits a path, in lower case: much faster than `PurePosixPath` for many paths."""
    folder, _, name = path.lower().rpartition("/")
    return folder, name.rpartition(".")[0] or name


def _without_splits(folder: str) -> str:
    return "/".join(part for part in folder.split("/") if parse_split(part) is None)


def _first_positions(names: Iterable[tuple[str, str]]) -> np.ndarray:
    first: dict[tuple[str, str], int] = {}
    return np.array([first.setdefault(name, at) for at, name in enumerate(names)], np.int32)
