"""Event files that TensorBoard itself can read."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs import tensorboard
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import HISTORY_COLUMNS, STEPS_COLUMNS
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from tests.training.in_process import go_on, interrupted, trained

TAGS = {
    *(f"epoch/{name}" for name in HISTORY_COLUMNS if name not in ("epoch", "seconds")),
    *("step/loss", "step/accuracy", "step/images_per_second"),
}

pytestmark = pytest.mark.usefixtures("small_model")


@pytest.fixture
def config(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr(
        "fer_core.training.progress.SECONDS", 0.0
    )  # a row of steps.csv for every step
    draw_dataset("faces", count=140)
    return TrainConfig(
        dataset="faces", batch_size=16, epochs=3, learning_rate=1e-3, tensorboard=True
    )


def opened(run: Run) -> EventAccumulator:
    """What TensorBoard sees of a run."""
    events = EventAccumulator(str(run.directory / "tensorboard"), size_guidance={"scalars": 0})
    return events.Reload()


def assert_equal_to_the_tables(run: Run, events: EventAccumulator) -> None:
    """Every row once, in order."""
    assert set(events.Tags()["scalars"]) == TAGS
    for table, columns in ((run.history, HISTORY_COLUMNS), (run.steps, STEPS_COLUMNS)):
        for tag in TAGS:
            unit, name = tag.split("/")
            if unit == columns[0]:
                scalars = events.Scalars(tag)
                assert [scalar.step for scalar in scalars] == list(table[unit])
                assert np.allclose([scalar.value for scalar in scalars], table[name])
                times = [scalar.wall_time for scalar in scalars]
                assert times == sorted(times)


def test_tensorboard_reads_the_values_of_the_tables(config: TrainConfig) -> None:
    run = trained(config)
    assert len(run.history) == 3 and len(run.steps) == 21
    assert_equal_to_the_tables(run, opened(run))


def test_a_killed_and_resumed_run_has_each_step_once(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, monkeypatch, epoch=0)
    watching = opened(run)
    assert_equal_to_the_tables(run, watching)
    assert len(run.steps) > 7  # beyond the checkpoint: the resumed attempt trains them again
    go_on(run)
    assert len(run.steps) == 21
    assert_equal_to_the_tables(run, opened(run))


def test_a_continued_run_appends_to_its_event_files(config: TrainConfig) -> None:
    run = go_on(trained(replace(config, epochs=1)), epochs=2, since=1)
    assert len(run.history) == 2
    assert_equal_to_the_tables(run, opened(run))


def test_events_are_flushed_at_once(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = create_run(config), []
    original = tensorboard.EventFiles.add_epoch

    def look(self: tensorboard.EventFiles, row: dict) -> None:
        original(self, row)
        seen.append(len(opened(run).Scalars("epoch/loss")))

    monkeypatch.setattr(tensorboard.EventFiles, "add_epoch", look)
    go_on(run)
    assert seen == [1, 2, 3]


def test_event_files_are_not_written_by_default(config: TrainConfig) -> None:
    run = trained(replace(config, tensorboard=False, epochs=1))
    assert not (run.directory / "tensorboard").exists()


def test_without_tensorboard_the_setting_is_refused(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        create_run(config)


def test_a_run_resumes_on_a_machine_without_tensorboard(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = interrupted(config, monkeypatch, epoch=0)
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    go_on(run)
    assert run.result is not None and run.result.epochs == 3
    assert "No TensorBoard files" in caplog.text
