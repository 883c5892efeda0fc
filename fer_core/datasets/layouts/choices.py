"""Decisions about how to read a dataset, and the questions that ask for them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from fer_core.datasets.layouts.numberings import parse_numbering
from fer_core.datasets.layouts.subject_patterns import parse_pattern
from fer_core.datasets.splits import SPLITS
from fer_core.errors import FerError
from fer_core.text import is_one_line, shortened

MAX_EXPRESSION = 255  # characters, as of a folder
# Columns of a table that can be chosen; the last two also if file names tell them.
COLUMNS = ("image", "label", "split", "pixels", "subject", "group")
MAX_FRAMES = 50  # of a sequence; CK+'s have 6 to 60


@dataclass(frozen=True)
class Choices:
    """Holds the choices that a user made about a source; every field is empty by default."""

    layout: str = ""  # the name of a layout
    numbering: str = ""  # the name of a numbering
    classes: Mapping[str, str] = field(default_factory=dict)  # → expression; "" leaves them out
    splits: Mapping[str, str] = field(default_factory=dict)  # → split; "" leaves them out
    # One of COLUMNS → name of a column; "" if there is none, or it is not to be used.
    columns: Mapping[str, str] = field(default_factory=dict)
    last_frames: int = 0  # of a labeled sequence, that show its expression; 0 if that is open
    first_frame_neutral: bool = False  # whether the first frame of a sequence is taken as neutral
    subjects: str = ""  # a pattern that finds subjects and sequences in paths; see `read_pattern`

    def __post_init__(self) -> None:
        """Checks and normalizes the names.

        Raises:
            FerError: a numbering, split or kind of column does not exist, an expression is
                malformed, the number of frames is out of range, or the pattern of subjects is
                none.
        """
        if self.subjects:
            object.__setattr__(self, "subjects", parse_pattern(self.subjects))
        if self.numbering:
            object.__setattr__(self, "numbering", parse_numbering(self.numbering))
        classes = {name: value.strip().lower() for name, value in self.classes.items()}
        object.__setattr__(self, "classes", classes)
        if not 0 <= self.last_frames <= MAX_FRAMES:
            raise FerError(
                f"The last frames of a sequence to be used must be from 1 to {MAX_FRAMES}. "
                f"Received: {self.last_frames}"
            )
        for expression in classes.values():
            if len(expression) > MAX_EXPRESSION or not is_one_line(expression):
                raise FerError(
                    f"An expression must be one line of at most {MAX_EXPRESSION} characters. "
                    f"Received: {shortened(expression)!r}"
                )
        for split in self.splits.values():
            if split not in ("", *SPLITS):
                raise FerError(
                    f"A split must be one of {', '.join(SPLITS)}, or empty to leave the images "
                    f"out. Received: {split!r}"
                )
        for column in self.columns:
            if column not in COLUMNS:
                raise FerError(
                    f"A column must be chosen for one of {', '.join(COLUMNS)}. Received: {column!r}"
                )

    def as_record(self) -> dict[str, Any]:
        """Returns what differs from the default, for a JSON file."""
        return {name: value for name, value in asdict(self).items() if value}

    def updated(self, other: "Choices") -> "Choices":
        """Returns these choices with those of another added, which win."""
        return replace(
            self,
            layout=other.layout or self.layout,
            numbering=other.numbering or self.numbering,
            classes={**self.classes, **other.classes},
            splits={**self.splits, **other.splits},
            columns={**self.columns, **other.columns},
            last_frames=other.last_frames or self.last_frames,
            first_frame_neutral=other.first_frame_neutral or self.first_frame_neutral,
            subjects=other.subjects or self.subjects,
        )


def parse_pairs(text: str) -> dict[str, str]:
    """Parses pairs that a person wrote, such as "3=happy, calm=neutral" or "3:happy".

    Raises:
        FerError: a part is no pair.
    """
    pairs = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, sign, value = part.partition("=" if "=" in part else ":")
        if not sign or not name.strip():
            raise FerError(f"Choices must be pairs such as a=b, c=d. Received: {shortened(part)!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def choices_of(record: Mapping[str, Any]) -> Choices:
    """Returns the choices of a record that `Choices.as_record` wrote.

    Raises:
        FerError: the record has another form.
    """
    texts = {name: record.get(name, "") for name in ("layout", "numbering", "subjects")}
    tables = {name: record.get(name, {}) for name in ("classes", "splits", "columns")}
    entries = [
        entry
        for table in tables.values()
        if isinstance(table, Mapping)
        for entry in (*table, *table.values())
    ]
    if not all(isinstance(table, Mapping) for table in tables.values()) or not all(
        isinstance(text, str) for text in (*texts.values(), *entries)
    ):
        raise FerError(f"The choices of an import must be texts. Received: {dict(record)!r:.200}")
    frames, neutral = record.get("last_frames", 0), record.get("first_frame_neutral", False)
    if not (isinstance(frames, int) and isinstance(neutral, bool)):
        raise FerError(f"The frames of an import must be a number. Received: {frames!r:.200}")
    return Choices(**texts, **tables, last_frames=frames, first_frame_neutral=neutral)


@dataclass(frozen=True)
class Question:
    """Holds a decision that the data leave open."""

    # "numbering", "classes", "splits", "columns", "layout", "images", "frames" or "subjects"
    about: str
    text: str  # names the possible readings
    options: tuple[str, ...] = ()  # values of the choice, the likeliest first
    terminal: str = ""  # the options that answer it there

    @property
    def sentence(self) -> str:
        """Returns the text, and how to answer it in the terminal."""
        return f"{self.text} (In the terminal: {self.terminal}.)" if self.terminal else self.text
