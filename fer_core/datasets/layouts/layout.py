"""What a reader of a layout recognised."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

# Called with what is done, of how much, and a sentence; what it raises ends the work.
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ParsedLayout:
    """A data set as it lies there, before its images were looked at."""

    layout: str
    root: Path  # what the paths in the index start from
    index: pd.DataFrame  # path, row, expression, split ("" where unknown), source_split, and more
    notes: tuple[str, ...]  # sentences: what was skipped and why, how names were read
    # Says what was recognised, of those rows of the index whose images can be read.
    recognised: Callable[[pd.DataFrame], str]
