"""Defines and reads the tables and records in a run's directory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
from msgspec import Meta

from fer_core.errors import FerError
from fer_core.runs.config import LARGEST_EPOCHS
from fer_core.storage import (
    Count,
    DamagedFileError,
    Fraction,
    Number,
    Ranges,
    check_ranges,
    check_time,
    read_csv,
    read_record,
)
from fer_core.tasks import kinds

_LARGE = 1e9  # of a loss, which is finite; also a number of steps
_LONG = 1e7  # seconds of an epoch; those of any table add up to a `timedelta`
HISTORY: Ranges = {
    "epoch": (0, LARGEST_EPOCHS),
    "loss": (-_LARGE, _LARGE),
    "accuracy": (0, 1),
    "val_loss": (-_LARGE, _LARGE),
    "val_accuracy": (0, 1),
    "learning_rate": (0, _LARGE),
    "seconds": (0, _LONG),
}
STEPS: Ranges = {
    "step": (0, _LARGE),
    "epoch": (0, LARGEST_EPOCHS),
    "loss": (-_LARGE, _LARGE),
    "accuracy": (0, 1),
    "images_per_second": (0, _LARGE),
    "learning_rate": (0, _LARGE),
}
HISTORY_COLUMNS, STEPS_COLUMNS = tuple(HISTORY), tuple(STEPS)

Epochs = Annotated[int, Meta(ge=0, le=LARGEST_EPOCHS)]

COMPLETED, EARLY_STOPPED, STOPPED = "completed", "early_stopped", "stopped"
PRUNED = "pruned"  # stopped by its experiment, since other trials were better
CUT_SHORT = (STOPPED, PRUNED)  # can be continued to their goal
MODEL_IMPORTED = "imported"  # nothing was trained

KEY = ["path", "row"]  # columns that identify an image, in the index and in predictions
LEAKED = "leaked"  # a column of predictions: whether an image is in the training split
SEEN = "seen_subject"  # another: whether its subject is, or the sequence if that is all one knows
UNIT = "unit"  # another, of folds: the subject, sequence or image with its copies it belongs to
_PROBABILITY = (0, 1 + 1e-6)  # rounded to single precision

MAX_TRIALS = 500  # of an experiment
MAX_NAME_CHARS = 100
MAX_NOTE_CHARS = 5000


@dataclass(frozen=True)
class Result:
    """Holds how a run ended: the content of `result.json`."""

    reason: str  # COMPLETED, EARLY_STOPPED, STOPPED, PRUNED or MODEL_IMPORTED
    epochs: Epochs  # whole ones, all attempts together
    best_epoch: Epochs | None  # from 0; None if stopped during the first epoch
    val_loss: Number | None  # None of an imported model
    val_accuracy: Fraction | None  # None of an imported model
    attempt: Count | None = None  # that wrote this; a later attempt has not finished yet
    remark: str = ""  # a sentence if something was unusual, such as images that have changed


@dataclass(frozen=True)
class ImportRecord:
    """Tells where an imported model comes from, and what a person said about it.

    It is the content of `imported.json`.
    """

    file: str  # its name
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]  # of the file
    format: str  # such as "Keras 2.0.5"
    class_names: tuple[str, ...]  # in the order of the output
    scaling: str  # what the model takes pixels as; see `model_io.importing.SCALINGS`
    color: str  # "gray", "RGB" or "BGR"
    crop_margin: Annotated[float, Meta(ge=0, le=10)]  # see `vision.crop_face`
    imported: str  # ISO 8601
    warnings: tuple[str, ...] = ()  # sentences

    def __post_init__(self) -> None:
        check_time(self.imported)


@dataclass(frozen=True)
class TrialRecord:
    """Tells which trial of which experiment a run is; the content of `trial.json`."""

    experiment: kinds.Name  # its id
    number: Annotated[int, Meta(ge=0, le=MAX_TRIALS)]

    @property
    def run_id(self) -> str:
        """Returns the id of the run, which no other trial has."""
        return f"{self.experiment}-{self.number + 1:03d}"


@dataclass(frozen=True)
class Notes:
    """Holds the user's notes about a run; the content of `notes.json`."""

    name: str = ""  # shown instead of recipe, dataset and time
    note: str = ""
    starred: bool = False
    archived: bool = False  # hidden from lists of runs by default

    def check(self) -> None:
        """Raises a FerError if the name or the note is too long, or the name has several lines."""
        if len(self.name) > MAX_NAME_CHARS or len(self.name.splitlines()) > 1:
            raise FerError(
                f"A run's name must be one line of at most {MAX_NAME_CHARS} characters. "
                f"Received: {len(self.name):,} characters in {len(self.name.splitlines())} lines"
            )
        if len(self.note) > MAX_NOTE_CHARS:
            raise FerError(
                f"A note must have at most {MAX_NOTE_CHARS:,} characters. "
                f"Received: {len(self.note):,}"
            )


@dataclass(frozen=True)
class Goal:
    """Holds the number of epochs to train a run for."""

    epochs: Epochs  # all attempts together
    since: Epochs = 0  # epochs done when this goal was set; patience is counted from there


@dataclass(frozen=True)
class DatasetRecord:
    """Describes the dataset as the trainer found it; the content of `dataset.json`."""

    class_names: tuple[str, ...] = ()  # in label order
    counts: Mapping[str, tuple[Count, ...]] = field(default_factory=dict)  # by split, of each class
    gray: bool = False  # all images are gray, as in FER2013
    folds: str = ""  # a sentence about the folds; "" with the dataset's own splits

    def __post_init__(self) -> None:
        if len(set(self.class_names)) < len(self.class_names):
            raise FerError("The class names must differ.")
        if any(len(counts) != len(self.class_names) for counts in self.counts.values()):
            raise FerError("There must be one count for each class in every split.")


@dataclass(frozen=True)
class Calibration:
    """Holds the temperature that calibrates probabilities, fitted on the validation split."""

    temperature: Annotated[float, Meta(ge=0.001, le=1000)]
    error_before: Fraction  # expected calibration error
    error_after: Fraction
    threshold: Fraction | None = None  # of abstention; None in records of older versions


@dataclass(frozen=True)
class TestOpenings:
    """Records when the test split was evaluated; stored beside its predictions."""

    __test__ = False  # for pytest, which would take it for a test

    opened: tuple[str, ...] = ()  # ISO 8601

    @property
    def times(self) -> list[datetime]:
        """Returns the times."""
        return [datetime.fromisoformat(text) for text in self.opened]

    def __post_init__(self) -> None:
        for text in self.opened:
            check_time(text)


def read_notes(path: Path) -> Notes:
    """Reads the notes about a run; empty notes if there is no file.

    Raises:
        DamagedFileError: the file is damaged, or the name or the note is too long.
    """
    notes = read_record(path, Notes) or Notes()
    try:
        notes.check()
    except FerError as error:
        raise DamagedFileError(path, f"is damaged. {error}") from error
    return notes


def read_predictions(path: Path) -> pd.DataFrame | None:
    """Reads predictions: per image the key, true expression, `p_<expression>` in [0, 1].

    Returns None if there is no file.

    Raises:
        DamagedFileError: the file is damaged.
    """
    # A class may be called "3", or "nan".
    dtypes = dict.fromkeys((*KEY, "expression"), "str")
    try:
        table = read_csv(path, dtype={**dtypes, UNIT: "str"})
    except FileNotFoundError:
        return None
    try:
        _check_predictions(table, list(dtypes))
    except FerError as error:
        raise DamagedFileError(path, f"must hold predictions. {error}") from error
    return table


def _check_predictions(table: pd.DataFrame, texts: list[str]) -> None:
    missing = [name for name in texts if name not in table]
    if missing or any(table[name].hasnans for name in texts):  # of a row that is cut off
        raise FerError(f"Every row must have the columns {', '.join(texts)}.")
    probabilities = [str(name) for name in table if str(name).startswith("p_")]
    if not probabilities:
        raise FerError("There must be a column of probabilities for every class.")
    check_ranges(table, dict.fromkeys(probabilities, _PROBABILITY))
    for name in (LEAKED, SEEN):
        if name in table and table[name].dtype != bool and len(table):
            raise FerError(f"The column {name} must be True or False in every row.")
