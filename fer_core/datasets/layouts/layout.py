"""The result of reading a dataset's layout."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

# Called with done, total and a message; an exception in it cancels the work.
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ParsedLayout:
    """A dataset as found on disk, before its images were checked."""

    layout: str
    root: Path  # base of the index's paths
    index: pd.DataFrame  # path, row, expression, split ("" if unknown), source_split, ...
    notes: tuple[str, ...]  # sentences: what was skipped and why, how names were interpreted
    # Describes what was recognized, given the rows of the index whose images are readable.
    summary: Callable[[pd.DataFrame], str]
