"""Reads expressions from the names of image files, by KDEF's or JAFFE's codes or by words."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.source import Source
from fer_core.datasets.splits import parse_split
from fer_core.expressions import is_known
from fer_core.text import counted, some

_MOSTLY = 0.8  # of the images
# Lundqvist, Flykt and Öhman 1998: session, sex, number, expression, angle.
_KDEF = re.compile(
    r"(?<![A-Z0-9])[AB][FM]\d\d(AF|AN|DI|HA|NE|SA|SU)(?:S|HL|HR|FL|FR)(?![A-Z0-9])", re.IGNORECASE
)
# Lyons et al. 1998: person, expression with take, number.
_JAFFE = re.compile(
    r"(?<![A-Z0-9])[A-Z]{2}[._-](AN|DI|FE|HA|NE|SA|SU)\d[._-]\d+(?!\d)", re.IGNORECASE
)
_CODES = {
    "AF": "fear",
    "FE": "fear",
    "AN": "angry",
    "DI": "disgust",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Za-z][a-z]*")


@dataclass(frozen=True)
class NamePattern:
    """Describes how file names encode expressions."""

    title: str
    class_name: Callable[[str], str]  # of a file name without suffix; "" if there is none
    meanings: dict[str, str]
    pattern: str  # to be shown


def _code(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def class_name(stem: str) -> str:
        match = pattern.search(stem)
        return match[1].upper() if match else ""

    return class_name


def _word(stem: str) -> str:
    """Returns the only expression among the words of a name, "" if there are none or several."""
    found = {word.lower() for word in _WORDS.findall(stem) if is_known(word)}
    return found.pop() if len(found) == 1 else ""


_CODED = (
    NamePattern("KDEF", _code(_KDEF), _CODES, "letters 5 and 6, such as HA in AF01HAS"),
    NamePattern(
        "JAFFE", _code(_JAFFE), _CODES, "the letters after the person's, as HA in KA.HA1.29"
    ),
)
_WORDED = NamePattern("Labels in file names", _word, {}, "a word such as happy in img001_happy")


def coded_names(source: Source) -> NamePattern | None:
    """Returns KDEF's or JAFFE's pattern if most images are named by it."""
    return next((each for each in _CODED if _fits(source, each)), None)


def worded_names(source: Source) -> NamePattern | None:
    """Returns the pattern of words if most images have an expression in their name."""
    return _WORDED if _fits(source, _WORDED) else None


def _fits(source: Source, pattern: NamePattern) -> bool:
    if not source.is_folder or not source.images:
        return False
    found, without, most = set[str](), 0, (1 - _MOSTLY) * len(source.images)
    for path in source.images:
        name = pattern.class_name(os.path.splitext(path.rpartition("/")[2])[0])  # noqa: PTH122
        found.add(name)
        without += not name
        if without > most:
            return False
    return len(found - {""}) >= 2


def read_file_names(source: Source, pattern: NamePattern) -> ParsedLayout:
    """Lists the images whose names tell an expression."""
    rows, others = [], []
    for path in source.images:
        image = PurePosixPath(path)
        name = pattern.class_name(image.stem)
        splits = (part for part in image.parts[:-1] if _is_split(part, source))
        if name:
            rows.append((path, name, next(splits, parse_split(image.stem) or "")))
        else:
            others.append(path)
    notes = [f"The expression of an image is told by its file name: {pattern.pattern}."]
    if others:
        notes.append(
            f"Skipped {counted(len(others), 'image')} without an expression in the file name: "
            f"{some(others)}."
        )
    summary = f"Recognized {pattern.title}: expressions in the names of the files."
    return ParsedLayout(
        pattern.title,
        source.folder,
        pd.DataFrame(rows, columns=["path", "class_name", "source_split"]),
        tuple(notes),
        lambda index: summary,
        Conventions(meanings=pattern.meanings),
        "folders",
    )


def _is_split(part: str, source: Source) -> bool:
    return part in source.choices.splits or parse_split(part) is not None
