"""What a reader of a layout recognised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

# Called with what is done, of how much, and a sentence; what it raises ends the work.
Report = Callable[[int, int, str], None]

_LONGEST = 200  # letters of a name or sentence among others


@dataclass(frozen=True)
class Found:
    """A data set as it lies there, before its images were looked at."""

    layout: str
    root: Path  # what the paths in the index start from
    index: pd.DataFrame  # path, row, expression, split ("" where unknown), source_split, and more
    notes: tuple[str, ...]  # sentences: what was skipped and why, how names were read
    # Says what was recognised, of those rows of the index whose images can be read.
    recognised: Callable[[pd.DataFrame], str]


def counted(number: int, thing: str, things: str = "") -> str:
    """ "1 image", "2 images", "1,000 images"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def shortened(text: str) -> str:
    """The text, or its beginning and end where it is too long to be read."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(map(shortened, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
