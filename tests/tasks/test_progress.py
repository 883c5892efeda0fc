"""Progress reports: how often they are saved, and what ends the work."""

from pathlib import Path

import pytest

from fer_core.errors import FerError
from fer_core.tasks import progress
from fer_core.tasks.progress import ProgressReporter, raise_if_stopped
from fer_core.tasks.task import CancelledError, Progress, Task


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A task with an attempt."""
    attempt = tmp_path / "task" / "attempts" / "0"
    attempt.mkdir(parents=True)
    (attempt / "request.json").write_text("{}")
    return Task(tmp_path / "task")


def stop(task: Task) -> None:
    (task.attempt / "stop").touch()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_progress_is_saved_at_most_once_per_interval(task: Task, clock: list[float]) -> None:
    report = ProgressReporter(task, "Reading")
    report(1, 10)
    report(2, 10)
    assert task.progress == Progress(1, 10, message="Reading")
    clock[0] += progress.INTERVAL
    report(3, 10, "Writing")
    assert task.progress == Progress(3, 10, message="Writing")


def test_a_stop_request_cancels_the_work_at_the_next_report(task: Task, clock: list[float]) -> None:
    report = ProgressReporter(task)
    report(1, 10)
    stop(task)
    clock[0] += progress.INTERVAL
    with pytest.raises(CancelledError):
        report(2, 10)
    with pytest.raises(CancelledError):
        raise_if_stopped(task)


def test_a_stop_request_raises_the_error_of_the_task(task: Task) -> None:
    stop(task)
    with pytest.raises(FerError, match="It was stopped"):
        ProgressReporter(task, stop_error=FerError("It was stopped."))(1, 10)


def test_saving_ignores_a_stop_request(task: Task) -> None:
    stop(task)
    ProgressReporter(task).save(Progress(5, 10, "frames"))
    assert task.progress == Progress(5, 10, "frames")
