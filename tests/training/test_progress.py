"""Progress reports of a training."""

from pathlib import Path

import pytest

from fer_core.runs.run import Run
from fer_core.training import progress
from fer_core.training.progress import ESTIMATE_STEPS, StepReporter

VALUES = {"loss": 1.0, "accuracy": 0.5}


class Clock:
    """Stands in for time.monotonic."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def train(reporter: StepReporter, clock: Clock, steps: int, seconds: float) -> None:
    """Reports steps of 10 images that take so many seconds each."""
    for _ in range(steps):
        clock.now += seconds
        reporter.after_batch(reporter.steps + 1, 10, VALUES, lambda: 1e-3)


def test_the_first_step_is_reported_without_speed_and_remaining_time(
    run: Run, clock: Clock
) -> None:
    train(StepReporter(run, 1000, 2, 0), clock, steps=1, seconds=8)  # tracing the graph
    assert run.progress is not None
    assert run.progress.done == 10
    assert run.progress.message == "epoch 1 of 2"
    assert run.progress.rate is None and run.progress.seconds_left is None


def test_the_remaining_time_is_estimated_without_the_first_step(run: Run, clock: Clock) -> None:
    reporter = StepReporter(run, 1000, 2, 0)
    train(reporter, clock, steps=1, seconds=8)
    train(reporter, clock, steps=10, seconds=0.101)
    assert run.progress.rate == pytest.approx(99, abs=1)
    assert run.progress.seconds_left is None
    train(reporter, clock, steps=ESTIMATE_STEPS - 10, seconds=0.101)
    assert run.progress.seconds_left == pytest.approx((2000 - 210) / 99, rel=0.02)


def test_slow_steps_are_estimated_after_a_few_seconds(run: Run, clock: Clock) -> None:
    reporter = StepReporter(run, 1000, 1, 0)
    train(reporter, clock, steps=1, seconds=30)
    train(reporter, clock, steps=1, seconds=3)
    assert run.progress.seconds_left is None
    train(reporter, clock, steps=1, seconds=3)
    assert run.progress.seconds_left == pytest.approx((1000 - 30) * 3 / 10)


def test_a_resumed_run_is_estimated_from_its_own_steps(run: Run, clock: Clock) -> None:
    reporter = StepReporter(run, 1000, 11, 10)
    train(reporter, clock, steps=1, seconds=8)
    train(reporter, clock, steps=49, seconds=1)
    assert run.progress.done == 10_500
    assert run.progress.seconds_left == pytest.approx(50)


def test_validation_and_a_smaller_last_batch_do_not_lower_the_speed(run: Run, clock: Clock) -> None:
    reporter = StepReporter(run, 105, 2, 0)
    train(reporter, clock, steps=1, seconds=8)
    train(reporter, clock, steps=9, seconds=0.1)
    clock.now += 3  # traces the graph for another batch size
    reporter.after_batch(11, 5, VALUES, lambda: 1e-3)
    clock.now += 20  # validation and checkpoint
    reporter.begin_epoch(1)
    train(reporter, clock, steps=3, seconds=0.1)
    assert run.progress.rate == pytest.approx(100, rel=0.2)
