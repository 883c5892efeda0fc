"""Asking for runs: what is refused, and what a run begins with."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import keras
import numpy as np
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.models.architectures import load_model
from fer_core.runs import submit as submission
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.records import COMPLETED, HISTORY_COLUMNS, Result
from fer_core.runs.run import Run
from fer_core.runs.submit import (
    continue_run,
    create_run,
    open_test_task,
    resume_run,
    submit_seeds,
)
from fer_core.runs.writers import save_result
from fer_core.storage.csv_tables import append_row
from fer_core.tasks import queue
from fer_core.tasks.task import TaskState, list_tasks
from fer_core.training.trainer import Trainer
from tests.training.in_process import go_on, interrupted, trained

pytestmark = pytest.mark.usefixtures("small_model")


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=16, epochs=2, learning_rate=1e-3)


@pytest.fixture
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for stays in the queue."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def weights(model: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for layer in model.layers for variable in layer.weights]


def begun_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The weights before the first step of a run, which then ends the hard way."""
    seen: list[list[np.ndarray]] = []

    def look(self: Trainer) -> str:
        seen.append(weights(self.model))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "fit", look)
        with pytest.raises(KeyboardInterrupt):
            go_on(run)
    return seen[0]


def test_a_run_begins_with_the_very_weights_of_the_other_though_that_was_deleted(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(config)
    theirs = weights(load_model(first.model_file))
    run = create_run(replace(config, seed=7, initial_run=first.id))
    first.delete()
    ours = begun_with(run, monkeypatch)
    assert len(ours) == len(theirs) > 0 and all(map(np.array_equal, ours, theirs))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "cnn_classic_wide"}, "with the architecture cnn_classic_wide"),
        ({"image_size": (64, 64)}, "at 64×64 pixels.*cnn_classic at 48×48"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_before_anything_is_made(
    config: TrainConfig, changes: dict, sentence: str
) -> None:
    first = create_run(config)
    (first.directory / "model.keras").touch()
    write_classes(first)
    with pytest.raises(ValueError, match=sentence):
        create_run(replace(config, initial_run=first.id, **changes))
    assert list(first.directory.parent.iterdir()) == [first.directory]


def write_classes(run: Run) -> None:
    (run.directory / "dataset.json").write_text('{"class_names": ["happy", "sad"], "counts": {}}')


def test_a_run_without_a_model_is_not_begun_with(config: TrainConfig) -> None:
    first = create_run(config)
    with pytest.raises(ValueError, match="only from a run with a model"):
        create_run(replace(config, initial_run=first.id))
    with pytest.raises(ValueError, match="There is no run nobody"):
        create_run(replace(config, initial_run="nobody"))


def test_a_run_that_was_opened_and_finds_nothing_better_keeps_its_test(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(replace(config, test_at_end=True, epochs=1))
    answers = run.predictions("test")
    with monkeypatch.context() as patched:
        patched.setattr(
            "fer_core.training.trainer._scores", lambda probabilities, labels: (9.0, 0.0)
        )
        go_on(run, epochs=2, since=1)
    assert run.result is not None and run.result.epochs == 2 and run.result.best_epoch == 0
    assert len(run.test_openings) == 1 and run.test_opened is not None
    assert run.predictions("test").equals(answers)


def test_cancelling_leaves_an_interrupted_run_interrupted(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, no_supervisor: None
) -> None:
    run = interrupted(config, monkeypatch, epoch=0)
    resume_run(run)
    assert run.state is TaskState.QUEUED
    assert run.cancel()
    assert run.state is TaskState.INTERRUPTED


@pytest.mark.parametrize("epochs", [0, -1, 10_000])
def test_a_run_is_continued_for_a_sensible_number_of_epochs(
    config: TrainConfig, no_supervisor: None, epochs: int
) -> None:
    run = trained(replace(config, epochs=1))
    with pytest.raises(ValueError, match=f"Received: {epochs} more after 1"):
        continue_run(run, epochs)
    assert run.state is TaskState.FINISHED


def test_a_run_that_lost_its_checkpoints_is_not_continued(
    config: TrainConfig, no_supervisor: None
) -> None:
    run = create_run(config)
    row = dict.fromkeys(HISTORY_COLUMNS, 0.5) | {"epoch": 0}
    append_row(run.directory / "history.csv", row, HISTORY_COLUMNS)
    save_result(run, Result(COMPLETED, 1, 0, 1.0, 0.5))
    with pytest.raises(ValueError, match="no checkpoint to continue from"):
        continue_run(run, 1)


def test_two_sessions_that_continue_at_once_ask_once(
    config: TrainConfig, no_supervisor: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(config)
    together, outcomes = Barrier(2), []

    def go() -> None:
        together.wait()
        try:
            submission.continue_run(run, 3)
            outcomes.append("asked")
        except ValueError as error:
            outcomes.append(str(error))

    sessions = [Thread(target=go) for _ in range(2)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert sorted(outcomes)[1] == "asked"
    assert "Only a run that has ended can be continued" in sorted(outcomes)[0]


def test_a_run_is_not_continued_while_its_test_split_is_being_opened(
    config: TrainConfig, no_supervisor: None
) -> None:
    run, other = trained(replace(config, epochs=1)), trained(replace(config, epochs=1))
    opening = open_test_task(run)
    with pytest.raises(ValueError, match="is being opened"):
        continue_run(run, 1)
    continue_run(other, 1)
    opening.cancel()
    continue_run(run, 1)
    assert [task.id for task in queue.waiting()] == [other.id, run.id]


def test_the_test_split_is_not_opened_while_the_run_goes_on(
    config: TrainConfig, no_supervisor: None
) -> None:
    run = trained(replace(config, epochs=1))
    continue_run(run, 1)
    with pytest.raises(ValueError, match=f"once the run has finished.*{run.id} is queued"):
        open_test_task(run)
    assert list_tasks("open_test") == []


def test_a_run_that_finds_no_room_for_its_weights_leaves_nothing_behind(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(replace(config, epochs=1))

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(ValueError, match="must have room.*MB free"):
        create_run(replace(config, initial_run=first.id))
    assert list(first.directory.parent.iterdir()) == [first.directory]


def test_runs_with_several_seeds_differ_in_their_seed_alone_and_say_it(
    config: TrainConfig, no_supervisor: None
) -> None:
    runs = submit_seeds(replace(config, seed=4), 3)
    assert [run.config.seed for run in runs] == [4, 5, 6]
    assert [run.id.rpartition("-")[2] for run in runs] == ["seed4", "seed5", "seed6"]
    assert {replace(run.config, seed=0) for run in runs} == {config}
    assert {run.state for run in runs} == {TaskState.QUEUED}
    (alone,) = submit_seeds(config, 1)
    assert "seed" not in alone.id
    for count, seed in ((0, 0), (21, 0), (2, 2**31 - 1)):  # the last one has no seed after it
        with pytest.raises(FerError):
            submit_seeds(replace(config, seed=seed), count)
    assert len(list_runs()) == 4
