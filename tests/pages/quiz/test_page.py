"""The Quiz page."""

import json
from dataclasses import asdict

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation import cross_dataset
from fer_core.evaluation.metrics import accuracy
from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from fer_core.tasks import queue
from fer_core.tasks.task import Task
from tests.pages.conftest import PageOpener, RunFactory, drawn_run, predictions, press, rerun

FACES = 20


def play(page: AppTest, expression: str) -> AppTest:
    """Guesses the same expression for every face."""
    for _ in range(FACES):
        page.button(key=f"guess-{expression}").click()
        rerun(page)
    return page


def test_without_a_model_the_page_says_what_to_do(open_page: PageOpener) -> None:
    assert "There is no trained model yet" in open_page("quiz").info[0].value


def test_every_expression_has_a_button(open_page: PageOpener, finished_run: RunFactory) -> None:
    run = drawn_run(finished_run)
    page = open_page("quiz")
    assert [button.label for button in page.button] == list(run.class_names)
    assert page.get("progress")[0].proto.text == "Face 1 of 20"
    assert len(page.get("image")) == 1 and not page.metric
    page.button(key="guess-happy").click()
    assert rerun(page).get("progress")[0].proto.text == "Face 2 of 20"


def test_user_and_model_are_scored_on_the_same_faces_and_a_new_game_shows_others(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    page = open_page("quiz")
    first = page.session_state["quiz-seed"]
    play(page, "happy")
    mine, same, everything = page.metric
    (gallery,) = page.get("bidi_component")
    labels = [tile["label"] for tile in json.loads(gallery.proto.json)["tiles"]]
    assert len(labels) == FACES
    assert mine.value == f"{sum('you ✓' in label for label in labels) / FACES:.0%}"
    assert same.value == f"{sum('model ✓' in label for label in labels) / FACES:.0%}"
    assert everything.value == f"{accuracy(run.predictions('val')).value:.0%}"
    assert any("65% ± 5%" in caption.value for caption in page.caption)
    press(page, "Play again")
    assert page.get("progress")[0].proto.text == "Face 1 of 20"
    assert page.session_state["quiz-seed"] != first


@pytest.fixture
def far_run(finished_run: RunFactory, no_supervisor: None) -> Run:
    """A finished run whose dataset is not on this machine."""
    return finished_run()


def finish(task: Task) -> None:
    """Ends a queued task as its worker would."""
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    (task.directory / "request.json").rename(attempt / "request.json")
    write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 0.0})
    write_json(task.directory / "result.json", {})


def evaluate_on(run: Run, dataset: Dataset) -> None:
    """Saves predictions of the run for another dataset's validation split."""
    index = dataset.index.iloc[dataset.select("val")][["path", "row", "expression"]]
    table = predictions(len(index), 0.6).assign(**index.reset_index(drop=True))
    file = cross_dataset.predictions_file(run, dataset.name, "val")
    file.parent.mkdir(parents=True)
    table.to_csv(file, index=False)
    record = cross_dataset.CrossDatasetEvaluation(
        dataset.name, "val", len(table), {}, (), False, None, "2026-03-01T12:30:00"
    )
    write_json(file.with_suffix(".json"), asdict(record))


def test_without_its_images_the_quiz_offers_drawn_faces(
    open_page: PageOpener, far_run: Run
) -> None:
    write_json(far_run.directory / "config.json", far_run.config.to_dict() | {"dataset": "fer2013"})
    page = open_page("quiz")
    assert page.info[0].value == (
        "FER2013's images are not on this machine. Add the dataset to play, or play with drawn "
        "faces."
    )
    assert [button.label for button in page.button] == ["Play with drawn faces"]
    assert page.get("page_link")[0].proto.label == "Add a dataset"


def test_a_game_with_drawn_faces_is_prepared_in_two_tasks(
    open_page: PageOpener, far_run: Run
) -> None:
    (far_run.directory / "config.json").write_text(
        (far_run.directory / "config.json").read_text().replace('"drawn"', '"fer2013"')
    )
    page = press(open_page("quiz"), "Play with drawn faces")
    (task,) = queue.waiting()
    assert (task.request.kind, task.request.arguments["name"]) == ("draw", "drawn-faces")
    assert "Play with drawn faces" not in [button.label for button in page.button]
    draw_dataset("drawn-faces", count=280)
    finish(task)
    rerun(page)
    (task,) = queue.waiting()
    assert task.request.kind == "evaluate"
    assert task.request.arguments == {"run": far_run.id, "dataset": "drawn-faces", "split": "val"}
    evaluate_on(far_run, open_dataset("drawn-faces"))
    finish(task)
    page = rerun(page)
    assert any("FER2013's images are not on this machine" in each.value for each in page.caption)
    page.button(key="guess-happy").click()
    assert rerun(page).get("progress")[0].proto.text == "Face 2 of 20"


def test_drawn_faces_that_exist_are_not_drawn_again(open_page: PageOpener, far_run: Run) -> None:
    draw_dataset("faces", count=140)
    press(open_page("quiz"), "Play with drawn faces")
    (task,) = queue.waiting()
    assert (task.request.kind, task.request.arguments["dataset"]) == ("evaluate", "faces")


def test_a_failed_evaluation_shows_why_and_can_be_repeated(
    open_page: PageOpener, far_run: Run
) -> None:
    draw_dataset("faces", count=140)
    page = press(open_page("quiz"), "Play with drawn faces")
    (task,) = queue.waiting()
    finish(task)
    (task.directory / "result.json").unlink()
    (task.directory / "attempts" / "0" / "error.txt").write_text("The disk is full.")
    assert "The disk is full" in rerun(page).error[0].value
    press(page, "Play with drawn faces")
    assert len(queue.waiting()) == 1


def test_a_dataset_with_other_images_of_the_same_name_is_explained(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    table = pd.read_csv(run.predictions_file("val")).assign(path="another.png")
    table.to_csv(run.predictions_file("val"), index=False)
    page = open_page("quiz")
    assert "has none of the images" in page.error[0].value
    assert [button.label for button in page.button] == ["Play with drawn faces"]
