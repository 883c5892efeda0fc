"""Defines the basic expressions: label order, colors, and synonyms used by datasets."""

from collections.abc import Iterable

# FER2013's label order (Goodfellow et al. 2013), used throughout the program.
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# RAF-DB's class numbers (Li, Deng and Du 2017), as in its list_patition_label.txt.
RAF_DB = {
    "1": "surprise",
    "2": "fear",
    "3": "disgust",
    "4": "happy",
    "5": "sad",
    "6": "angry",
    "7": "neutral",
}

_SYNONYMS = {
    "angry": ("anger",),
    "disgust": ("disgusted",),
    "fear": ("fearful", "afraid", "scared"),
    "happy": ("happiness", "joy"),
    "sad": ("sadness",),
    "surprise": ("surprised",),
    "neutral": ("neutrality", "calm"),
    "contempt": ("contemptuous",),
}
_CANONICAL = {name: expression for expression, names in _SYNONYMS.items() for name in names}

# Okabe and Ito (2008): distinguishable with any kind of color vision.
COLORS = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "neutral": "#8C8C8C",
}
_MORE_COLORS = ("#7F5AA8", "#B5A300", "#7A4B2A", "#3C8D8D", "#A0526D", "#5C6BC0")


def canonical(name: str) -> str:
    """Returns the expression that a dataset's class name means, in lower case.

    Unknown names stay as they are: "Boredom" becomes "boredom".
    """
    name = name.strip().lower()
    return _CANONICAL.get(name, name)


def is_known(name: str) -> bool:
    """Returns whether the class name is a known expression or a synonym of one."""
    return canonical(name) in _SYNONYMS


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Returns class names in label order: FER2013's seven, then any others alphabetically."""
    names = set(names)
    known = [expression for expression in EXPRESSIONS if expression in names]
    return (*known, *sorted(names.difference(EXPRESSIONS)))


def colors(class_names: Iterable[str]) -> list[str]:
    """Returns one color per class; the basic expressions always have the same."""
    more = iter(_MORE_COLORS * 10)
    return [COLORS.get(name) or next(more, "#8C8C8C") for name in class_names]
