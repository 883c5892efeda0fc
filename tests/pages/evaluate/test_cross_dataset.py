"""The part of the Evaluate page that shows a run on other data than its own."""

from dataclasses import asdict

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation import cross_dataset as elsewhere
from fer_core.runs.run import Run
from fer_core.storage.files import write_json, write_text
from fer_core.tasks import queue, supervisor
from tests.pages.conftest import PageOpener, RunFactory, predictions, press, rerun
from tests.tasks.requests import write_request


def other_data(page: AppTest) -> AppTest:
    page.segmented_control[0].set_value("other")
    return rerun(page)


def answer(run: Run, dataset: str, split: str = "test", **changed: object) -> None:
    """What an evaluation leaves, of 70 images, half of them rightly answered."""
    file = elsewhere.predictions_file(run, dataset, split)
    file.parent.mkdir(parents=True)
    predictions(70, 0.5).to_csv(file, index=False)
    best = run.result.best_epoch if run.result else None
    record = elsewhere.CrossDatasetEvaluation(
        dataset, split, 70, {}, (), True, best, "2026-03-01T12:30:00"
    )
    write_json(file.with_suffix(".json"), asdict(record) | changed)


def test_an_empty_machine_says_how_to_get_data(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = other_data(open_page("evaluate"))
    assert "There is no dataset yet" in page.info[0].value


def test_an_evaluation_is_asked_for_and_can_be_stopped(
    open_page: PageOpener, finished_run: RunFactory, no_supervisor: None
) -> None:
    run = finished_run()
    draw_dataset("others", count=70)
    page = press(other_data(open_page("evaluate")), "Evaluate")
    (task,) = queue.waiting("evaluate")
    assert task.request is not None
    assert task.request.arguments == {"run": run.id, "dataset": "others", "split": "test"}
    assert page.get("progress")[0].proto.text == "**others, Test**. Waiting in the queue …"
    press(page, "Stop evaluating")
    assert not queue.waiting("evaluate")


def test_of_its_own_data_only_training_is_offered(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    draw_dataset("drawn", count=70)
    draw_dataset("others", count=70)
    page = other_data(open_page("evaluate"))
    data, images = (
        next(box for box in page.selectbox if box.label == label) for label in ("Dataset", "Images")
    )
    assert data.options == ["others", "drawn"]
    assert images.options == ["Test", "Validation", "Training", "All images"]
    data.set_value("drawn")
    images = next(box for box in rerun(page).selectbox if box.label == "Images")
    assert images.options == ["Training"]


def test_the_scores_on_other_data_are_shown_with_what_must_be_known(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    answer(
        finished_run(),
        "others",
        left_out={"contempt": 12},
        missing=["disgust"],
        leaks_known=False,
    )
    page = other_data(open_page("evaluate"))
    accuracy = page.metric[0]
    assert (accuracy.label, accuracy.value) == ("Accuracy on others", "50.0%")
    assert accuracy.delta == "38.6% to 61.4%"  # Wilson's, of 35 in 70
    said = " ".join(caption.value for caption in page.caption)
    assert "Evaluated on 01 March 2026 at 12:30." in said
    assert "the model lacks these classes: contempt (12)." in said
    assert "No images of: disgust." in said
    assert "leaked images cannot be detected" in said
    assert "trained further" not in said


def test_answers_of_an_earlier_network_are_called_so(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    answer(finished_run(), "others", best_epoch=3)
    page = other_data(open_page("evaluate"))
    assert any("has been trained further since then" in caption.value for caption in page.caption)


@pytest.mark.parametrize("dataset", ["others", "more"])
def test_any_of_several_evaluations_can_be_chosen(
    open_page: PageOpener, finished_run: RunFactory, dataset: str
) -> None:
    run = finished_run()
    answer(run, "others")
    answer(run, "more")
    page = other_data(open_page("evaluate"))
    done = next(box for box in page.selectbox if box.label == "Evaluated on")
    done.set_value(f"{dataset}/test")
    assert rerun(page).metric[0].label == f"Accuracy on {dataset}"


def test_why_an_evaluation_failed_is_said(
    open_page: PageOpener, finished_run: RunFactory, no_supervisor: None
) -> None:
    run = finished_run()
    draw_dataset("others", count=70)
    task = elsewhere.submit_evaluation(run, "others", "test")
    attempt = supervisor.take(task)
    assert attempt is not None
    write_text(attempt / "error.txt", "An image has vanished.")
    write_text(attempt / "exit.json", '{"code": 1, "signal": null, "ended": 1.0}')
    page = other_data(open_page("evaluate"))
    assert page.error[0].value == "**others, Test** was not evaluated. An image has vanished."
    assert not press(page, "Dismiss").error


def test_a_refused_evaluation_is_reported_in_a_toast(
    open_page: PageOpener, finished_run: RunFactory, no_supervisor: None
) -> None:
    run = finished_run()
    draw_dataset("others", count=70)
    page = other_data(open_page("evaluate"))
    write_request(run.directory)  # another tab lets it train on
    page = press(page, "Evaluate")
    assert "must have ended with a model" in page.toast[0].value


def test_ten_views_are_offered_and_shown_where_the_run_averages_them(
    open_page: PageOpener, finished_run: RunFactory, no_supervisor: None
) -> None:
    run = finished_run()
    draw_dataset("others", count=70)
    assert not [box for box in other_data(open_page("evaluate")).checkbox if "views" in box.label]
    config = run.config.to_dict() | {"average_views": True}
    write_json(run.directory / "config.json", config)
    page = other_data(open_page("evaluate"))
    next(
        box for box in page.checkbox if box.label == "Test-time augmentation (10 views)"
    ).set_value(True)
    press(rerun(page), "Evaluate")
    (task,) = queue.waiting("evaluate")
    assert task.request is not None and task.request.arguments["views"] is True
    task.cancel()
    answer(run, "others")
    predictions(70, 0.6).to_csv(elsewhere.tta_file(run, "others", "test"), index=False)
    said = [caption.value for caption in other_data(open_page("evaluate")).caption]
    assert any("test-time augmentation (10 views): 60.0% (" in caption for caption in said)
