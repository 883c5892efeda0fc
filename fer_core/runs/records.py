"""Defines and reads the tables and records in a run's directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from fer_core.errors import FerError
from fer_core.runs.config import LARGEST_EPOCHS, known
from fer_core.storage import Ranges, read_json

_LARGE = 1e9  # of a loss, which is finite; also a number of steps, or seconds
HISTORY: Ranges = {
    "epoch": (0, LARGEST_EPOCHS),
    "loss": (-_LARGE, _LARGE),
    "accuracy": (0, 1),
    "val_loss": (-_LARGE, _LARGE),
    "val_accuracy": (0, 1),
    "learning_rate": (0, _LARGE),
    "seconds": (0, _LARGE),
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

COMPLETED, EARLY_STOPPED, STOPPED = "completed", "early_stopped", "stopped"

KEY = ["path", "row"]  # columns that identify an image, in the index and in predictions
LEAKED = "leaked"  # a column of predictions

MAX_NAME_CHARS = 100
MAX_NOTE_CHARS = 5000


@dataclass(frozen=True)
class Result:
    """Holds how a run ended: the content of `result.json`."""

    reason: str  # COMPLETED, EARLY_STOPPED or STOPPED
    epochs: int  # whole epochs, all attempts together
    best_epoch: int | None  # from 0; None if stopped during the first epoch
    val_loss: float
    val_accuracy: float
    attempt: int | None = None  # that wrote this; a later attempt has not finished yet
    remark: str = ""  # a sentence if something was unusual, such as images that have changed


@dataclass(frozen=True)
class Notes:
    """The user's notes about a run; the content of `notes.json`."""

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
    """The number of epochs to train a run for."""

    epochs: int  # all attempts together
    since: int = 0  # epochs done when this goal was set; patience is counted from there


def read_notes(path: Path) -> Notes:
    """Reads the notes about a run; empty notes if there is no file.

    Raises:
        FerError: the file is damaged, or the name or the note is too long.
    """
    notes = Notes(**known(Notes, read_json_object(path) or {}))
    notes.check()
    return notes


def read_result(path: Path) -> Result | None:
    """Returns how a run ended, or None while it has not.

    Raises:
        FerError: the file is damaged, or from a newer version.
    """
    data = read_json_object(path)
    if data is None:
        return None
    try:
        return Result(**known(Result, data))
    except TypeError as error:
        raise FerError(f"result.json is incomplete: {error}") from error


def read_predictions(path: Path) -> pd.DataFrame | None:
    """Reads predictions: per image the key, true expression, `p_<expression>` in [0, 1].

    Returns None if there is no file.

    Raises:
        FerError: the file is damaged.
    """
    # A class may be called "3", or "nan".
    dtypes = {"path": "str", "row": "str", "expression": "str"}
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype=dtypes)
    except FileNotFoundError:
        return None
    except ValueError as error:  # pandas's parser errors and UnicodeDecodeError
        raise FerError(f"{path.name} is not a valid CSV file: {error}") from error
    missing = sorted(set(dtypes) - set(table.columns))
    probabilities = table.filter(regex="^p_")
    if missing or probabilities.empty or not all(map(is_numeric_dtype, probabilities.dtypes)):
        lacking = ", ".join(missing) or "one number for every class in every row"
        raise FerError(f"{path.name} lacks {lacking}.")
    return table


def read_json_object(path: Path) -> dict[str, Any] | None:
    """Reads a JSON object; None if there is no file.

    Raises:
        FerError: the file is damaged.
    """
    try:
        data = read_json(path)
    except ValueError as error:
        raise FerError(f"{path.name} is not valid JSON: {error}") from error
    if data is not None and not isinstance(data, dict):
        raise FerError(f"{path.name} must hold a JSON object. Received: {type(data).__name__}")
    return data


@dataclass(frozen=True)
class Calibration:
    """The temperature that calibrates a model's probabilities, fitted on the validation split."""

    temperature: float
    error_before: float  # expected calibration error, in [0, 1]
    error_after: float
    threshold: float | None = None  # of abstention; None in records of older versions
