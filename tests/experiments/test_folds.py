"""A cross-validation is an experiment of runs whose predictions are pooled and compared."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_core.__main__ import main
from fer_core.datasets import Dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.experiments import (
    Experiment,
    compare_folds,
    estimate,
    fold_results,
    plan_cross_validation,
    results_record,
    submit_experiment,
)
from fer_core.experiments.folds import CrossValidation
from fer_core.runs import RECIPES, TrainConfig, list_runs, open_data_of, save_predictions
from fer_core.runs.submit import create_run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import queue
from tests.experiments.trials import end


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts no supervisor: what is submitted stays queued."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    """140 faces of 10 subjects: 8 in train, one each in validation and test."""
    return draw_dataset("faces", count=140, subjects=10)


@pytest.fixture
def config(dataset: Dataset) -> TrainConfig:
    return replace(RECIPES["cnn_classic"].config, dataset=dataset.name, epochs=1)


def answered(planned: CrossValidation, share: float, folds: int | None = None) -> Experiment:
    """Runs an experiment whose models are right for this share of the images, alike for a share."""
    experiment = submit_experiment(planned.plan)
    for run in experiment.runs[:folds]:
        data = open_data_of(run)
        labels = data.labels(data.positions("val"))
        luck = pd.util.hash_array(data.positions("val").astype("uint64")) / 2**64
        says = np.where(luck < share, labels, (labels + 1) % len(data.class_names))
        table = data.predictions("val", np.eye(len(data.class_names))[says])
        write_json(
            run.directory / "dataset.json",
            {"class_names": list(data.class_names), "counts": data.counts.to_dict("list")},
        )
        save_predictions(run, "val", table)
        end(run, [share])
    return experiment


def test_each_subject_validates_once_and_the_interval_is_over_subjects(config: TrainConfig) -> None:
    planned = plan_cross_validation(config, 3)
    experiment = answered(planned, 0.7)
    results = fold_results(experiment)
    assert [len(fold.units) for fold in results.folds] == [3, 3, 3]
    assert len({unit for fold in results.folds for unit in fold.units}) == 9
    scores = results.scores
    assert (scores.images, scores.clusters) == (126, 9)
    assert scores.accuracy.low < scores.accuracy.value < scores.accuracy.high
    right = results.pooled.groupby("unit")["leaked"].size()
    assert right.eq(14).all() and not results.pooled["seen_subject"].any()
    assert not any(run.config.test_at_end for run in experiment.runs)
    found = estimate(planned.plan)
    assert (found.runs, found.epochs) == (3, 3)


def test_leaving_one_subject_out_makes_a_run_for_each(config: TrainConfig) -> None:
    planned = plan_cross_validation(config, None)
    assert planned.plan.count == 9 and "subject" in planned.title
    drawn = planned.folds.folds
    assert drawn.groupby("fold")["unit"].nunique().eq(1).all()


def test_what_is_not_finished_yet_is_left_out_and_said(config: TrainConfig) -> None:
    experiment = answered(plan_cross_validation(config, 3), 0.7, folds=2)
    results = fold_results(experiment)
    assert [fold.predictions is None for fold in results.folds] == [False, False, True]
    assert "2 of 3 folds" in " ".join(results.describe())
    empty = fold_results(submit_experiment(plan_cross_validation(config, 3).plan))
    with pytest.raises(FerError, match="No fold"):
        results_record(empty)


def test_two_recipes_are_compared_on_the_same_folds_only(config: TrainConfig) -> None:
    planned = plan_cross_validation(config, 3)
    better, worse = (fold_results(answered(planned, share)) for share in (0.9, 0.6))
    found = compare_folds(better, worse)
    right = [(fold.accuracy.correct, fold.accuracy.total) for fold in worse.folds if fold.accuracy]
    assert found.images == 126 and found.only_second == 0
    assert found.only_first == round(126 * better.scores.accuracy.value) - sum(
        correct for correct, _ in right
    )
    assert found.mcnemar == pytest.approx(2 * 0.5**found.only_first)
    assert 0 < found.difference.low < found.difference.value == found.only_first / 126
    assert found.t_test is not None and found.t_test.p_value < 0.05
    other = fold_results(answered(plan_cross_validation(config, 3, seed=1), 0.9, folds=1))
    with pytest.raises(FerError, match="same folds"):
        compare_folds(better, other)
    draw_dataset("twins", count=140, subjects=10)  # whose images have the same names
    twins = plan_cross_validation(replace(config, dataset="twins"), 3)
    with pytest.raises(FerError, match="same dataset"):
        compare_folds(better, fold_results(answered(twins, 0.9, folds=1)))


def test_images_that_a_changed_dataset_put_into_two_folds_are_told(config: TrainConfig) -> None:
    experiment = answered(plan_cross_validation(config, 3), 0.7)
    first, second, _ = experiment.runs
    predictions = first.predictions("val")
    assert predictions is not None and fold_results(experiment).describe()
    save_predictions(second, "val", predictions)
    said = " ".join(fold_results(experiment).describe())
    assert f"{len(predictions)} predictions are on images of another fold" in said


@pytest.mark.parametrize(
    ("count", "unit", "told"),
    [(12, "auto", "9 subjects"), (None, "image", "at most 100"), (3, "group", "0 of 126")],
)
def test_impossible_experiments_leave_nothing_behind(
    config: TrainConfig,
    count: int | None,
    unit: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fer_core.datasets.folds.MOST_FOLDS", 100)
    with pytest.raises(FerError, match=told):
        plan_cross_validation(config, count, unit)
    assert not paths.experiments_root().exists() and not list_runs()


def test_what_makes_scores_too_high_is_told_before_the_start(config: TrainConfig) -> None:
    teacher = create_run(config)
    planned = plan_cross_validation(replace(config, teachers=(teacher.id,)), 3)
    assert any(teacher.id in note for note in planned.notes)
    assert not any("draw the folds by subject" in note for note in planned.notes)
    by_image = plan_cross_validation(config, 3, "image")
    assert any("draw the folds by subject" in note for note in by_image.notes)


@pytest.fixture
def finished(config: TrainConfig) -> Iterator[tuple[str, str]]:
    planned = plan_cross_validation(config, 3)
    yield answered(planned, 0.9).id, answered(planned, 0.6).id


def test_the_terminal_prints_the_plan_and_the_results(
    finished: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["cross-validate", "--dataset", "faces", "--recipe", "cnn_classic", "--dry-run"]
    assert main([*command, "--folds", "4"]) == 0
    assert "4 runs" in capsys.readouterr().out
    assert main([*command, "--leave-one-out"]) == 0
    assert "9 runs" in capsys.readouterr().out
    assert main([*command, "--folds", "10"]) == 1
    assert "9 subjects" in capsys.readouterr().err
    better, worse = finished
    assert main(["folds", better, "--compare", worse, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["units"] == 9 and record["comparison"]["only_second"] == 0
    assert np.sum(record["confusion"]) == record["images"] == 126
    assert main(["folds", better, "--compare", worse]) == 0
    assert "McNemar" in capsys.readouterr().out
