"""The tables and records that a run's directory holds: what is in them, and how they are read."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.errors import FerError
from fer_core.runs.config import known
from fer_core.storage import read_json

HISTORY_COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
)
STEPS_COLUMNS = ("step", "epoch", "loss", "accuracy", "images_per_second", "learning_rate")

COMPLETED, EARLY_STOPPED, STOPPED = "completed", "early_stopped", "stopped"

LONGEST_NAME = 100  # characters
LONGEST_NOTE = 5000


@dataclass(frozen=True)
class Result:
    """How a run ended, as `result.json` holds it."""

    reason: str  # COMPLETED, EARLY_STOPPED or STOPPED
    epochs: int  # whole epochs, all attempts together
    best_epoch: int | None  # counted from 0; None when it was stopped within the first
    val_loss: float
    val_accuracy: float
    attempt: int | None = None  # the one that came to this end; a later one has not yet
    remark: str = ""  # a sentence on what was unusual, for example images that changed meanwhile


@dataclass(frozen=True)
class Notes:
    """What a person keeps about a run, as `notes.json` holds it."""

    name: str = ""  # shown instead of recipe, data set and time
    note: str = ""
    starred: bool = False
    archived: bool = False  # not shown among the runs unless asked for

    def check(self) -> None:
        """Raises a ValueError where the name or the note is too long, or the name has two lines."""
        if len(self.name) > LONGEST_NAME or len(self.name.splitlines()) > 1:
            raise FerError(
                f"A run's name must be one line of at most {LONGEST_NAME} characters. "
                f"Received: {len(self.name):,} in {len(self.name.splitlines())}"
            )
        if len(self.note) > LONGEST_NOTE:
            raise FerError(
                f"A note must have at most {LONGEST_NOTE:,} characters. "
                f"Received: {len(self.note):,}"
            )


@dataclass(frozen=True)
class Goal:
    """How far a run shall be trained."""

    epochs: int  # all attempts together
    since: int = 0  # whole epochs that were done when this goal was set; patience begins there


def read_notes(path: Path) -> Notes:
    """What a person keeps about a run; nothing where there is no file.

    Raises:
        FerError: the file is damaged, or a name in it is too long.
    """
    notes = Notes(**known(Notes, read_json(path) or {}))
    notes.check()
    return notes


def read_result(path: Path) -> Result | None:
    """How a run ended, or None while it has not.

    Raises:
        FerError: the file is damaged, or of a newer version.
    """
    data = read_json(path)
    if data is None:
        return None
    try:
        return Result(**known(Result, data))
    except TypeError as error:
        raise FerError(f"result.json must tell how the run ended: {error}") from error


def read_predictions(path: Path) -> pd.DataFrame | None:
    """One row per image: key, true expression, `p_<expression>`; None where there is no file.

    Raises:
        FerError: the file is damaged.
    """
    # A class may be called "3", or "nan".
    words = {"path": "str", "row": "str", "expression": "str"}
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype=words)
    except FileNotFoundError:
        return None
    missing = sorted(set(words) - set(table.columns))
    shares = table.filter(regex="^p_")
    if missing or shares.empty or not all(map(is_numeric_dtype, shares.dtypes)):
        wanted = ", ".join(missing) or "one number for every class in every row"
        raise FerError(f"{path.name} lacks {wanted}.")
    return table


KEY = ["path", "row"]  # of an image, in index and predictions alike


LEAKED = "leaked"  # a column of predictions


@dataclass(frozen=True)
class Calibration:
    """How a network's probabilities are mended, as found on the validation split."""

    temperature: float
    error_before: float  # the expected calibration error, in [0, 1]
    error_after: float
    threshold: float | None = None  # see `threshold`; None in the records of older versions
