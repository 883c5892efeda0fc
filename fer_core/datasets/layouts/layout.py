"""The result of reading a dataset's layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from fer_core.datasets.layouts.choices import Question
from fer_core.datasets.layouts.class_names import Conventions

# Called with done, total and a message; an exception in it cancels the work.
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ParsedLayout:
    """Describes a dataset as found on disk, before names are understood and images checked."""

    layout: str
    root: Path  # base of the index's paths
    # path, class_name, source_split; optional row, subject, group, face box, votes_…
    index: pd.DataFrame
    notes: tuple[str, ...]  # sentences: what was skipped and why
    # Describes what was recognized, given the rows of the index whose images are readable.
    summary: Callable[[pd.DataFrame], str]
    conventions: Conventions = field(default_factory=Conventions)  # about the class names
    split_origin: str = ""  # where the names of splits are from, e.g. "folders"
    questions: tuple[Question, ...] = ()
    tables: tuple[str, ...] = ()  # names of those that were read, without suffix
    header: tuple[str, ...] = ()  # the columns of the first of them
    columns: Mapping[str, str] = field(default_factory=dict)  # as `Choices.columns`
    has_sequences: bool = False  # whether `Choices.last_frames` and `first_frame_neutral` count
