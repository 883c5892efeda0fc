"""Summarizes runs for lists."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fer_core.evaluation.metrics import Score
from fer_core.evaluation.score_cache import score_of
from fer_core.runs import HISTORY, Notes, Run, TrainConfig
from fer_core.storage import CsvTail, cached_by_files, cached_by_mtime, stamp
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
    damaged: tuple[str, ...]  # files that cannot be read; the rest of the run can


@dataclass(frozen=True)
class _Learned:
    problem: str = ""  # of the file
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
    val = score_of(run.predictions_file("val"))
    test = score_of(run.predictions_file("test")) if run.test_opened else None
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
        val=val,
        test=test,
        started=run.started,
        damaged=_damaged_files(run, learned, val is None, test is None),
    )


def _damaged_files(
    run: Run, learned: _Learned, is_val_unknown: bool, is_test_unknown: bool
) -> tuple[str, ...]:
    val, test = (any(stamp(run.predictions_file(split))) for split in ("val", "test"))
    damaged = {
        "notes.json": run.notes_problem,
        "history.csv": learned.problem,
        "predictions/val.csv": is_val_unknown and val,
        "predictions/test.csv": is_test_unknown and test,
    }
    return tuple(name for name, is_damaged in damaged.items() if is_damaged)


@cached_by_mtime
def _newest_attempt(attempts: Path) -> int:
    """Returns the highest number in the folder, even if that attempt has not begun."""
    try:
        return max(int(each.name) for each in attempts.iterdir() if each.name.isdecimal())
    except (OSError, ValueError):
        return 0


@cached_by_mtime
def _learned(history_file: Path) -> _Learned:
    tail = CsvTail(history_file, HISTORY)
    history = tail.read()
    if history.empty:
        return _Learned(tail.problem)
    return _Learned(
        tail.problem,
        len(history),
        float(history["val_accuracy"].max()),
        float(history["seconds"].sum()),
    )
