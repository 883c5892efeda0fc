"""The plan of a sweep on the Train page, before and when it starts."""

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import list_experiments
from fer_core.runs.listing import list_runs
from tests.pages.conftest import PageOpener, press, rerun, text_of


@pytest.fixture
def page(open_page: PageOpener, no_supervisor: None) -> AppTest:
    """The page with the switch turned on."""
    draw_dataset("faces", count=140)
    page = open_page("train")
    page.toggle(key="sweep").set_value(True)
    return rerun(page)


def test_the_runs_are_shown_before_they_start(page: AppTest) -> None:
    page.multiselect(key="sweep-settings").set_value(["learning_rate", "flip"])
    page.number_input(key="sweep-trials").set_value(5)
    rerun(page)
    page.checkbox(key="sweep-prune").set_value(True)
    press(page, "Plan the sweep")
    assert "5 runs" in text_of(page) and list_experiments() == []
    press(page, "Start 5 runs")
    (experiment,) = list_experiments()
    assert len(list_runs()) == 5 and experiment.plan.pruning is not None
    rates = [run.config.learning_rate for run in experiment.runs]
    assert len(set(rates)) == 5 and all(1e-5 <= rate <= 1e-3 for rate in rates)
    assert page.query_params["run"] == experiment.runs[0].id


def test_what_cannot_be_planned_is_said_in_a_sentence(page: AppTest) -> None:
    page.segmented_control(key="sweep-kind").set_value("grid").run()
    page.text_input(key="sweep-cnn_classic-learning_rate").set_value("0.1, fast").run()
    press(page, "Plan the sweep")
    assert "Received: 0.1, fast" in text_of(page)
    page.text_input(key="sweep-cnn_classic-learning_rate").set_value("0.1, 99").run()
    press(page, "Plan the sweep")
    assert "learning_rate" in text_of(page) and not any("Start" in b.label for b in page.button)
    assert list_experiments() == [] and list_runs() == []
