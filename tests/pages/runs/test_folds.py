"""A cross-validation on the Runs page: pooled scores, its folds, a test against another."""

from dataclasses import replace

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import fold_results, plan_cross_validation
from fer_core.runs import RECIPES
from tests.experiments.test_folds import answered
from tests.pages.conftest import PageOpener, rerun, text_of


def test_pooled_scores_are_shown_and_compared_on_the_same_folds(
    open_page: PageOpener, no_supervisor: None
) -> None:
    draw_dataset("faces", count=140, subjects=10)
    config = replace(RECIPES["cnn_classic"].config, dataset="faces", epochs=1)
    planned = plan_cross_validation(config, 3)
    better, worse = answered(planned, 0.9), answered(planned, 0.6)
    other = answered(plan_cross_validation(config, 3, seed=1), 0.9)
    page = open_page("runs", experiment=better.id)
    scores = fold_results(better).scores
    shown = {metric.label: metric for metric in page.metric}
    assert shown["Accuracy"].value == f"{scores.accuracy.value:.1%}"
    assert "9 subjects" in text_of(page)
    page.selectbox(key=f"folds-other-{better.id}").set_value(worse.id)
    rerun(page)
    assert "points" in text_of(page) and "a significant difference" in text_of(page)
    page.selectbox(key=f"folds-other-{better.id}").set_value(other.id)
    rerun(page)
    assert "same folds only" in text_of(page)
