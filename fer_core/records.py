"""The tables and records that a run's directory holds: what is in them, and how they are read."""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd

from fer_core.files import replacing

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


@dataclass(frozen=True)
class Goal:
    """How far a run shall be trained."""

    epochs: int  # all attempts together
    since: int = 0  # whole epochs that were done when this goal was set; patience begins there


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table that another process may be appending to: a half-written last row is left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return pd.DataFrame(columns=list(columns), dtype=float)
    whole = text[: text.rfind("\n") + 1]
    return pd.read_csv(StringIO(whole)) if whole else pd.DataFrame(columns=list(columns))


def save_table(path: Path, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Writes such a table, whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, columns=list(columns), index=False)


def read_predictions(path: Path) -> pd.DataFrame | None:
    """One row per image: key, true expression, `p_<expression>`; None where there is no file.

    Raises:
        ValueError: the file is damaged.
    """
    if not path.exists():
        return None
    # A class may be called "3", or "nan".
    words = {"path": "str", "row": "str", "expression": "str"}
    return pd.read_csv(path, keep_default_na=False, dtype=words)
