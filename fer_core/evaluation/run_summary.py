"""Summarizes runs for lists."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fer_core.evaluation.metrics import Score
from fer_core.evaluation.score_cache import score_of
from fer_core.runs import HISTORY, Notes, Run, TrainConfig
from fer_core.storage import cached_by_files, cached_by_mtime, read_table
from fer_core.tasks import TaskState

# The files that an overview is read from; a folder changes with the names in it.
_FILES = (
    "",
    "attempts",
    "config.json",
    "notes.json",
    "history.csv",
    "result.json",
    "predictions/val.csv",
    "predictions/test.csv",
    "predictions/test.json",
)


@dataclass(frozen=True)
class Overview:
    """Summarizes a run at one moment, as a row of a list."""

    run: Run
    config: TrainConfig
    notes: Notes
    state: TaskState
    reason: str  # why training ended, as in `Result`; empty unless finished
    epochs: int  # completed, of `goal`
    goal: int
    seconds: float | None  # spent in training epochs, over all attempts
    best_accuracy: float | None  # on validation, in [0, 1]
    val: Score | None
    test: Score | None  # None while the test split is sealed
    started: datetime | None


@dataclass(frozen=True)
class _Learned:
    epochs: int = 0
    best_accuracy: float | None = None
    seconds: float | None = None


def _files(run: Run) -> list[str]:
    newest = f"attempts/{_newest_attempt(run.directory / 'attempts')}"
    return [f"{run.directory}/{name}" for name in (*_FILES, newest)]


def _is_at_rest(found: Overview) -> bool:
    return not found.state.is_active  # what is active may end without a file that tells it


@cached_by_files(_files, keep=_is_at_rest)
def overview(run: Run) -> Overview:
    """Returns the run's overview as it is now.

    Raises:
        FerError: the run cannot be read, as `Run.problem` tells.
    """
    state, result = run.state, run.result
    learned = _learned(run.directory / "history.csv")
    return Overview(
        run=run,
        config=run.config,
        notes=run.notes,
        state=state,
        reason=result.reason if result and state is TaskState.FINISHED else "",
        epochs=learned.epochs,
        goal=run.goal.epochs,
        seconds=learned.seconds,
        best_accuracy=learned.best_accuracy,
        val=score_of(run.predictions_file("val")),
        test=score_of(run.predictions_file("test")) if run.test_opened else None,
        started=run.started,
    )


@cached_by_mtime
def _newest_attempt(attempts: Path) -> int:
    """Returns the highest number in the folder, even if that attempt has not begun."""
    try:
        return max(int(each.name) for each in attempts.iterdir() if each.name.isdecimal())
    except (OSError, ValueError):
        return 0


@cached_by_mtime
def _learned(history_file: Path) -> _Learned:
    history = read_table(history_file, HISTORY)
    if history.empty:
        return _Learned()
    return _Learned(
        len(history), float(history["val_accuracy"].max()), float(history["seconds"].sum())
    )
