"""Experiments on the Runs page."""

import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import (
    GRID,
    Dimension,
    Experiment,
    Plan,
    grid,
    list_experiments,
    submit_experiment,
)
from fer_core.experiments.driver import Driver
from fer_core.runs import RECIPES, list_runs
from fer_core.storage.files import write_json
from fer_core.tasks import TaskState, exit_status
from fer_core.tasks.supervisor import take
from tests.experiments.trials import end
from tests.pages.conftest import PageOpener, predictions, press, rerun, text_of, unfold

SPACE = {
    "learning_rate": Dimension(values=(1e-4, 1e-3, 1e-2)),
    "flip": Dimension(values=(True, False)),
    "image_size": Dimension(values=([48, 48], [64, 64])),
}


@pytest.fixture
def experiment(no_supervisor: None) -> Experiment:
    """A grid of 12 trials, of which all have ended but the last."""
    draw_dataset("faces", count=140)
    base = replace(RECIPES["cnn_classic"].config, dataset="faces", epochs=2, test_at_end=False)
    made = submit_experiment(Plan(GRID, base, time.time(), tuple(grid(SPACE)), space=SPACE))
    take(made)
    for run in made.runs[:-1]:
        end(run, [0.3, 0.4 + 30 * run.config.learning_rate])
        run.predictions_file("val").parent.mkdir()
        predictions(140, 0.7).to_csv(run.predictions_file("val"), index=False)
    assert not Driver(made).step()
    return made


def finish(experiment: Experiment) -> None:
    end(experiment.runs[-1], [0.3, 0.35])
    assert Driver(experiment).step()
    write_json(experiment.directory / "result.json", {"attempt": 0})
    assert experiment.attempt is not None
    (experiment.attempt / "exit.json").write_text(exit_status.exit_record(0))


@pytest.fixture
def page(open_page: PageOpener, experiment: Experiment) -> AppTest:
    return open_page("runs", experiment=experiment.id)


def test_an_experiment_is_a_row_that_opens_and_its_trials_are_compared(
    open_page: PageOpener, experiment: Experiment
) -> None:
    page = open_page("runs")
    (row,) = [each.value for each in page.markdown if "11 of 12 trials" in each.value]
    assert "best validation accuracy 70.0%" in row
    assert not page.dataframe  # its trials are not listed with the other runs
    press(page, "Open")
    (trials,) = page.dataframe
    assert len(trials.value) == 12 and trials.value["Learning rate"].nunique() == 3
    assert "too high" in text_of(page)
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": [0, 4]}}
    rerun(page)
    assert "**2 runs** selected" in text_of(page)


def test_an_experiment_is_stopped_resumed_and_deleted_with_its_runs(
    page: AppTest, experiment: Experiment
) -> None:
    press(page, "Stop the experiment")
    assert experiment.runs[-1].state is TaskState.CANCELLED
    assert experiment.attempt is not None
    experiment.abandon_attempt()  # as its process does
    rerun(page)
    press(page, "Resume the experiment")
    assert experiment.state is experiment.runs[-1].state is TaskState.QUEUED
    rerun(page)
    press(page, "Stop the experiment")
    unfold(page, f"deletion-{experiment.id}-True")
    press(page, "Delete permanently")
    assert list_experiments() == [] and list_runs() == []


def test_the_test_split_is_opened_for_the_best_trial_alone(
    page: AppTest, experiment: Experiment
) -> None:
    (button,) = [each for each in page.button if each.label.startswith("Open the test split")]
    assert button.disabled
    finish(experiment)
    rerun(page)
    best = max(experiment.runs, key=lambda run: run.result.val_accuracy or 0)  # type: ignore[union-attr]
    press(page, "Open the test split of the best trial")
    assert experiment.directory.joinpath("test.json").read_text().count(best.id) == 1
