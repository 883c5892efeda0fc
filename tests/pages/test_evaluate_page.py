"""The page that shows what a run confuses."""

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from fer_core import paths, tasks
from fer_core.files import write_json, write_text
from fer_core.model_card import write_card
from fer_core.runs import Run
from tests.pages.conftest import PageOpener, RunFactory, predictions, rerun


def show_test(page: AppTest) -> AppTest:
    """Turns to the test split."""
    page.segmented_control[0].set_value("test")
    return rerun(page)


def asked_to_open(run: Run) -> tasks.Task:
    """A task as `open_test_task` makes it, with no supervisor to take it."""
    directory = tasks.new_directory(paths.tasks_root(), "open-test")
    request = {"kind": "open_test", "arguments": {"run": run.id}, "submitted": time.time()}
    write_json(directory / "request.json", request)
    return tasks.Task(directory)


def test_without_a_run_the_page_says_what_to_do(open_page: PageOpener) -> None:
    page = open_page("evaluate")
    assert "There is no network yet" in page.info[0].value
    assert page.get("page_link")[0].proto.label == "Train one"


def test_validation_is_shown_with_its_interval(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    (accuracy,) = open_page("evaluate").metric
    assert (accuracy.label, accuracy.value) == ("Validation accuracy", "60.0%")
    assert accuracy.delta == "51.7% to 67.7%"  # Wilson's, of 84 right in 140


def test_a_clean_accuracy_stands_below_the_one_that_leaks_flatter(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    table = run.predictions("val")
    table["leaked"] = table.index < 40  # the first 84 are right
    table.to_csv(run.predictions_file("val"), index=False)
    page = open_page("evaluate")
    said = [caption.value for caption in page.caption]
    clean = "Without the 40 that are among the training images too: 44.0% (34.7% to 53.8%, 100"
    assert any(clean in words for words in said)


def test_averaged_views_are_told_beside(open_page: PageOpener, finished_run: RunFactory) -> None:
    run = finished_run()
    predictions(140, 0.7).to_csv(run.predictions_file("val", averaged=True), index=False)
    said = [caption.value for caption in open_page("evaluate").caption]
    assert any("ten views of each image averaged: 70.0%" in words for words in said)


def test_a_network_that_ships_shows_its_card(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run(opened=True)
    assert not open_page("evaluate").expander
    write_card(run, "A small network")
    (card,) = open_page("evaluate").expander
    assert card.label == "Model card"
    assert "# A small network" in card.markdown[0].value
    assert "not a person's emotion" in card.markdown[0].value


def test_scores_per_expression_are_those_of_the_predictions(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    report = open_page("evaluate").dataframe[0].value
    assert report.loc["happy", "recall"] == pytest.approx(60)
    assert report["images"].tolist() == [20] * 7 + [140]


def test_the_matrix_can_show_shares_and_numbers(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = open_page("evaluate")
    printed = []
    for unit in ("Shares", "Numbers of images"):
        page.segmented_control[1].set_value(unit)
        (chart,) = rerun(page).get("plotly_chart")
        printed.append(json.loads(chart.spec)["data"][1]["texttemplate"])
    assert printed == ["%{customdata[1]:.0%}", "%{customdata[0]:,}"]


def test_the_address_chooses_the_run(open_page: PageOpener, finished_run: RunFactory) -> None:
    runs = [finished_run(), finished_run(), finished_run()]
    for run in runs:
        assert open_page("evaluate", run=run.id).selectbox[0].value == run.id


def test_another_run_can_be_chosen_and_stands_in_the_address(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    first, second = finished_run(), finished_run()
    page = open_page("evaluate", run=first.id)
    page.selectbox[0].set_value(second.id)
    rerun(page)
    assert page.selectbox[0].value == second.id
    assert page.query_params["run"] == second.id


def test_an_address_of_a_run_that_is_gone_shows_the_newest(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = finished_run()
    assert open_page("evaluate", run="../../etc").selectbox[0].value == run.id


def test_a_sealed_test_split_is_explained_not_shown(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = show_test(open_page("evaluate"))
    assert "sealed" in page.info[0].value
    assert [button.label for button in page.button] == ["Open the test split"]
    assert not page.metric


def test_opening_the_test_split_asks_for_it_once(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    monkeypatch.setattr("fer_core.submission.open_test_task", asked_to_open)
    page = show_test(open_page("evaluate"))
    page.button[0].click()
    rerun(page)
    (task,) = tasks.list_tasks("open_test")
    assert task.request is not None
    assert task.request.arguments == {"run": run.id}
    assert not page.button  # while it waits, it cannot be asked for again


def test_why_the_test_split_could_not_be_opened_is_said(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    task = asked_to_open(finished_run())
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    write_text(attempt / "error.txt", "The images have changed since.")
    page = show_test(open_page("evaluate"))
    assert page.error[0].value == "The images have changed since."
    assert page.button[0].label == "Open the test split"


def test_a_split_that_was_opened_and_sealed_again_shows_no_error(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    task = asked_to_open(finished_run())  # a better model has dropped the answers since
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    write_text(attempt / "exit.json", '{"code": 0, "signal": null, "ended": 1.0}')
    write_text(task.directory / "result.json", "{}")
    page = show_test(open_page("evaluate"))
    assert not page.error and page.button[0].label == "Open the test split"


def test_an_opened_test_split_shows_its_accuracy_and_when(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run(opened=True)
    page = show_test(open_page("evaluate"))
    assert page.metric[0].value == "50.0%"
    assert any("Opened on 01 March 2026 at 12:30" in text.value for text in page.caption)


def test_damaged_predictions_are_said(open_page: PageOpener, finished_run: RunFactory) -> None:
    run = finished_run()
    run.predictions_file("val").write_text("")
    assert "has lost its predictions for val" in open_page("evaluate").error[0].value
    assert "has lost its predictions for val" in open_page("train", run=run.id).error[0].value


def test_an_address_of_a_run_that_is_gone_is_said(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    assert "is not there" in open_page("evaluate", run="gone").warning[0].value
