"""The plan of a cross-validation on the Train page, before and when it starts."""

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import list_experiments
from fer_core.runs.listing import list_runs
from tests.pages.conftest import PageOpener, press, rerun, text_of


@pytest.fixture
def page(open_page: PageOpener, no_supervisor: None) -> AppTest:
    """The page with the switch turned on."""
    draw_dataset("faces", count=140, subjects=10)
    page = open_page("train")
    page.toggle(key="folds").set_value(True)
    return rerun(page)


def test_runs_and_subjects_are_told_before_the_folds_start(page: AppTest) -> None:
    page.number_input(key="folds-count").set_value(3)
    press(page, "Plan the folds")
    assert "3 runs" in text_of(page) and "9 subjects" in text_of(page)
    assert list_experiments() == []
    press(page, "Start 3 runs")
    (experiment,) = list_experiments()
    assert [run.config.fold for run in experiment.runs] == [1, 2, 3]
    assert {run.config.fold_unit for run in experiment.runs} == {"subject"}
    assert page.query_params["run"] == experiment.runs[0].id


def test_more_folds_than_subjects_are_refused_and_one_can_be_left_out(page: AppTest) -> None:
    page.number_input(key="folds-count").set_value(50)
    press(page, "Plan the folds")
    assert "9 subjects" in text_of(page) and "50 folds" in text_of(page)
    assert not any("Start" in button.label for button in page.button)
    assert list_experiments() == [] and list_runs() == []
    page.checkbox(key="folds-one-out").set_value(True)
    press(page, "Plan the folds")
    assert any(button.label == "Start 9 runs" for button in page.button)
