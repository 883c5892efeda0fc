"""Lists the numberings of expressions in use and finds those that a set of numbers fits."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS, RAF_DB

FREE = "free"  # numbers that stay numbers
COMPOUND = "raf-db-compound"
LEFT_OUT = ""  # the expression of what is no expression, such as AffectNet's 8, "none"

# A leading zero makes a name, not a number: "001" is a person or a session rather than class 1.
_MAX_DIGITS = 9  # of a class number
_NUMBER = re.compile(r"(0|-?[1-9]\d{0,8})(\.0+)?")


@dataclass(frozen=True)
class Numbering:
    """Maps each class number of one dataset or convention to its expression."""

    name: str  # as it is chosen
    title: str
    expressions: Mapping[int, str]  # `LEFT_OUT` for numbers of what is no expression

    @property
    def legend(self) -> str:
        """Returns numbers and expressions, e.g. "0 angry, 1 disgust"."""
        return ", ".join(f"{number} {name}" for number, name in self.expressions.items() if name)

    @property
    def usual(self) -> frozenset[int]:
        """Returns the numbers of expressions, without those of what is none."""
        return frozenset(number for number, name in self.expressions.items() if name)


def _numbering(name: str, title: str, names: Collection[str], first: int = 0) -> Numbering:
    return Numbering(name, title, MappingProxyType(dict(enumerate(names, first))))


_ALPHABETICAL = tuple(sorted(EXPRESSIONS))
_AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
_FERPLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
_CK_PLUS = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
# Li, Deng and Du 2017, the compound part of RAF-DB.
COMPOUND_EXPRESSIONS = (
    *("happily surprised", "happily disgusted", "sadly fearful", "sadly angry"),
    *("sadly surprised", "sadly disgusted", "fearfully angry", "fearfully surprised"),
    *("angrily surprised", "angrily disgusted", "disgustedly surprised"),
)

NUMBERINGS = {
    each.name: each
    for each in (
        _numbering("fer2013", "FER2013", EXPRESSIONS),
        _numbering("fer2013+contempt", "FER2013 with contempt", (*EXPRESSIONS, "contempt")),
        # 8 and 9 are unknown and not a face.
        _numbering("fer+", "FER+", (*_FERPLUS, LEFT_OUT, LEFT_OUT)),
        # 8 to 10 are none, uncertain and no face.
        _numbering("affectnet", "AffectNet", (*_AFFECTNET, LEFT_OUT, LEFT_OUT, LEFT_OUT)),
        _numbering("affectnet-1", "AffectNet from 1", _AFFECTNET, first=1),
        _numbering("raf-db", "RAF-DB", RAF_DB.values(), first=1),
        _numbering("raf-db-0", "RAF-DB from 0", RAF_DB.values()),
        _numbering("ck+", "CK+", _CK_PLUS),
        _numbering("alphabetical", "Alphabetical", _ALPHABETICAL),
        _numbering(
            "alphabetical-8", "Alphabetical with contempt", sorted((*_ALPHABETICAL, "contempt"))
        ),
        _numbering(COMPOUND, "RAF-DB compound", COMPOUND_EXPRESSIONS, first=1),
    )
}
NUMBERING_NAMES = (*NUMBERINGS, FREE)


def parse_number(name: str) -> int | None:
    """Returns the whole number that a class name is, such as 3 for "3" and "3.0", or None."""
    match = _NUMBER.fullmatch(name.strip())
    return int(match[1]) if match and len(match[1]) <= _MAX_DIGITS else None


def parse_numbering(name: str) -> str:
    """Returns the name of a numbering as listed here, whatever its case and punctuation.

    Raises:
        FerError: there is none of that name.
    """
    for known in NUMBERING_NAMES:
        if _plain(known) == _plain(name):
            return known
    raise FerError(f"The numbering must be one of {', '.join(NUMBERING_NAMES)}. Received: {name!r}")


def is_compound(names: pd.Series) -> bool:
    """Returns whether numbers of RAF-DB are of its compound expressions, which go up to 11."""
    numbers = {parse_number(name) for name in names.unique()} - {None}
    beyond = numbers - NUMBERINGS["raf-db"].expressions.keys() - {0}
    return bool(beyond) and numbers <= NUMBERINGS[COMPOUND].expressions.keys()


def fitting(numbers: Collection[int]) -> list[Numbering]:
    """Returns the numberings that have all of these numbers, those with no others first.

    Numbers of what is no expression count only beside all of the expressions. RAF-DB's compound
    expressions are never among them: only its own list tells that it has those.
    """
    wanted = set(numbers)
    fits = [
        each
        for each in NUMBERINGS.values()
        if each.name != COMPOUND
        and (wanted <= each.usual or each.usual < wanted <= each.expressions.keys())
    ]
    return sorted(fits, key=lambda each: len(each.usual.difference(numbers)))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "plus"))
