"""Stopping a training before its first batch: nothing has happened then."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fer_core.access import Access
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import COMPLETED, Goal
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage import paths, usage
from fer_core.storage.files import write_json
from fer_core.tasks import exit_status as endings
from fer_core.tasks import queue, supervisor
from fer_core.tasks.task import Progress, Task, TaskState
from fer_core.tasks.worker import work
from fer_core.training.trainer import Trainer
from tests.storage.test_full_disk import contents
from tests.tasks.requests import write_request

READING, COMPUTING = "Reading the images", "Computing the features"

pytestmark = pytest.mark.usefixtures("small_model")


@pytest.fixture
def config(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr("fer_core.datasets.parallel.CHUNK", 16)
    monkeypatch.setattr("fer_core.tasks.progress.INTERVAL", 0.0)  # reports every chunk
    monkeypatch.setattr(
        "fer_core.training.frozen_features.prediction_batch_size", lambda image_size: 16
    )
    draw_dataset("faces", count=70)
    return TrainConfig(dataset="faces", batch_size=64, epochs=1)


def attempt_at(run: Run, **arguments: int) -> None:
    """What supervisor and child do, in this process."""
    write_request(run.directory, **arguments)
    attempt = supervisor.take(run)
    assert attempt is not None
    code = work(run)
    write_json(endings.exit_file(attempt), {"code": code, "signal": None, "ended": 1.0})


def stop_at(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person presses Stop as soon as this is read on the screen."""
    original = Task.save_progress

    def save(self: Task, progress: Progress) -> None:
        original(self, progress)
        if progress.message == message:
            self.request_stop()

    monkeypatch.setattr(Task, "save_progress", save)


def test_a_first_start_is_cancelled_and_can_begin_later(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(config)
    with monkeypatch.context() as pressing:
        stop_at(READING, pressing)
        attempt_at(run)
    assert run.state is TaskState.CANCELLED and run.result is None and run.model_file is None
    assert not list(paths.cache_root().glob("*/*-48x48x1-*.npy"))
    attempt_at(run)
    assert run.state is TaskState.FINISHED and run.result.reason == COMPLETED


def test_features_that_were_being_computed_are_not_kept(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, architecture="vgg19_dropout", image_size=(32, 32), feature_views=2)
    run = create_run(config)
    stop_at(COMPUTING, monkeypatch)
    attempt_at(run)
    assert run.state is TaskState.CANCELLED
    # Those of the validation images, one chunk, were whole by then.
    assert len(list(paths.cache_root().glob("features/*.npy"))) == 1


def test_a_continued_run_stays_finished_with_all_it_had(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(config)
    attempt_at(run)
    before = contents(run)
    shutil.rmtree(paths.cache_root())
    with monkeypatch.context() as pressing:
        stop_at(READING, pressing)
        attempt_at(run, epochs=2, since=1)
    assert run.state is TaskState.FINISHED and contents(run) == before
    assert run.goal == Goal(1)
    attempt_at(run, epochs=2, since=1)
    assert list(run.history["epoch"]) == [0, 1] and run.state is TaskState.FINISHED


def test_an_interrupted_run_stays_interrupted_and_does_not_go_on_by_itself(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(config)

    def die(self: Trainer, reason: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(Trainer, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            attempt_at(run)
    write_json(endings.exit_file(run.attempt), {"code": 0, "signal": 9, "ended": 1.0})
    assert queue.interrupted() == [Task(run.directory)]
    before = contents(run)
    shutil.rmtree(paths.cache_root())
    with monkeypatch.context() as pressing:
        stop_at(READING, pressing)
        attempt_at(run)
    assert run.state is TaskState.INTERRUPTED and queue.interrupted() == []
    assert contents(run) == before


def test_a_run_that_outgrows_the_quota_fails_and_goes_on_when_there_is_room(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.training.progress.SECONDS", 0.0)
    run = create_run(replace(config, epochs=2))
    original = Trainer._record_epoch

    def fill(self: Trainer, probabilities: object) -> None:
        original(self, probabilities)
        (paths.workspace() / "filling").write_bytes(bytes(20_000_000))

    quota = usage.workspace_bytes() + 20_000_000
    with monkeypatch.context() as filling:
        filling.setattr(Trainer, "_record_epoch", fill)
        filling.setattr(Access, "from_record", lambda *_: Access(workspace_bytes=quota))
        attempt_at(run)
    assert run.state is TaskState.FAILED and "workspace" in run.error
    assert list(run.history["epoch"]) == [0]
    assert not [path for path in run.directory.rglob(".*") if path.is_file()]
    (paths.workspace() / "filling").unlink()
    attempt_at(run)
    assert run.state is TaskState.FINISHED and list(run.history["epoch"]) == [0, 1]


def test_a_stop_that_comes_before_anything_is_told_is_heard(config: TrainConfig) -> None:
    run = create_run(config)
    attempt_at(run)
    before = contents(run)
    write_request(run.directory)
    attempt = supervisor.take(run)
    run.request_stop()
    assert work(run) == 0  # the images are in the cache: nothing is read
    write_json(endings.exit_file(attempt), {"code": 0, "signal": None, "ended": 1.0})
    assert run.state is TaskState.FINISHED and contents(run) == before


def test_a_stop_after_the_last_step_changes_nothing(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, finish = create_run(config), Trainer.finish

    def stop_first(self: Trainer, reason: str) -> None:
        run.request_stop("Pruned: too late.")
        finish(self, reason)

    monkeypatch.setattr(Trainer, "finish", stop_first)
    attempt_at(run)
    assert run.stop_reason and run.result is not None
    assert (run.result.reason, run.result.remark) == (COMPLETED, "")


def test_opening_the_test_split_can_be_stopped_and_leaves_it_sealed(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(config)
    attempt_at(run)
    shutil.rmtree(paths.cache_root())
    directory = paths.tasks_root() / "open-test"
    write_request(directory, "open_test", run=run.id)
    attempt = supervisor.take(Task(directory))
    stop_at(READING, monkeypatch)
    assert work(Task(directory)) == 0
    write_json(endings.exit_file(attempt), {"code": 0, "signal": None, "ended": 1.0})
    assert Task(directory).state is TaskState.CANCELLED
    assert run.test_openings == [] and run.state is TaskState.FINISHED
