"""The report on an experiment: pooled folds with intervals over subjects, or all of its runs."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from fer_core.__main__ import main
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import (
    SEEDS,
    fold_results,
    make_plan,
    plan_cross_validation,
    submit_experiment,
)
from fer_core.reports.experiment_report import experiment_html, report_on_experiment
from fer_core.runs import RECIPES, TrainConfig
from fer_core.tasks import queue
from tests.experiments.test_folds import answered
from tests.experiments.trials import end
from tests.reports.test_run_report import Reader


@pytest.fixture
def config(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    draw_dataset("faces", count=140, subjects=10)
    return replace(RECIPES["cnn_classic"].config, dataset="faces", epochs=1)


def test_folds_are_pooled_with_intervals_over_subjects(
    config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = answered(plan_cross_validation(config, 3), 0.7, folds=2)
    accuracy = fold_results(experiment).scores.accuracy
    target = tmp_path / "report.html"
    assert main(["report", experiment.id, "--out", str(target)]) == 0
    page = Reader(target.read_text(encoding="utf-8"))
    for piece in (
        f"{accuracy.value:.1%} ({100 * accuracy.low:.1f}",
        "2 of 3 folds",
        "over subjects",
    ):
        assert piece in page.text
    assert not page.named("script") and not page.named("img")
    (line,) = [line for line in page.text.splitlines() if "cross-validate" in line]
    capsys.readouterr()
    command = shlex.split(line)[3:]  # after python -m fer_core
    assert main([*command, "--dry-run"]) == 0 and "3 runs" in capsys.readouterr().out


def test_seeds_are_summed_up_and_an_experiment_that_has_not_begun_is_said(
    config: TrainConfig,
) -> None:
    experiment = submit_experiment(make_plan(SEEDS, config, {}, 2, title="<b>seeds</b>"))
    before = Reader(experiment_html(experiment))
    assert "No run has been validated yet" in before.text and not before.named("b")
    for run, share in zip(experiment.runs, (0.5, 0.7), strict=True):
        end(run, [share])
    scores = report_on_experiment(experiment).sections[1].parts
    assert "60.0% in the mean, with a standard deviation of 14.1 points" in scores[0].text
