"""The map of the faces on the Evaluate page."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core import evaluation
from fer_core.evaluation import feature_map
from fer_core.evaluation.feature_map import PCA, FaceMap, map_file, save_map
from fer_core.runs.run import Run
from fer_core.tasks import queue
from pages.components.evaluate.feature_map import chosen_rows
from tests.pages.conftest import PageOpener, RunFactory, drawn_run, press, rerun

SWITCH = "Show the feature map"


def draw(run: Run, images: int = 140) -> None:
    """A map of the first images that the run has answered."""
    points = np.random.default_rng(0).random((images, 2)).astype("float32")
    print_of_it = feature_map.digest(run.predictions_file("val"))
    drawn = FaceMap(np.arange(images), points, PCA, (0.31, 0.2), print_of_it, "2026-03-01T12:30:00")
    save_map(map_file(run, "drawn", "val", PCA), drawn)


def show(page: AppTest) -> AppTest:
    next(switch for switch in page.toggle if switch.label == SWITCH).set_value(True)
    return rerun(page)


def captions(page: AppTest) -> str:
    return " ".join(caption.value for caption in page.caption)


def test_a_map_is_requested_and_can_be_stopped(
    open_page: PageOpener, finished_run: RunFactory, no_supervisor: None
) -> None:
    run = drawn_run(finished_run)
    page = open_page("evaluate")
    assert not [button for button in page.button if button.label == "Compute the map"]
    page = press(show(page), "Compute the map")
    (task,) = queue.waiting("map")
    assert task.request is not None
    asked = {"run": run.id, "dataset": "drawn", "split": "val", "method": "pca"}
    assert task.request.arguments == asked
    assert "Waiting in the queue …" in [bar.proto.text for bar in page.get("progress")]
    page = press(page, "Stop computing the map")
    assert not queue.waiting("map")
    assert [button for button in rerun(page).button if button.label == "Compute the map"]


def test_a_map_says_how_much_variance_it_explains(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    draw(run)
    page = show(open_page("evaluate"))
    said = captions(page)
    assert "**140** images. PCA: the two axes explain 31% and 20% of the variance" in said
    assert "Computed on 01 March 2026 at 12:30." in said
    figures = [json.loads(chart.proto.spec)["data"] for chart in page.get("plotly_chart")]
    names = {trace.get("name") for trace in figures[-1]}
    assert {"angry", "angry, wrong"} <= names
    assert any("Click a point" in message.value for message in page.info)


@pytest.mark.parametrize(
    ("most", "says"),
    [
        (90, "**90** of 140 images: a random sample, stratified by expression."),
        (40_000, "**90** of 140 images: the others are not in the dataset anymore."),
    ],
)
def test_a_map_of_fewer_images_says_why(
    open_page: PageOpener,
    finished_run: RunFactory,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    says: str,
) -> None:
    monkeypatch.setattr(feature_map, "MAX_MAP_IMAGES", most)
    monkeypatch.setattr(evaluation, "MAX_MAP_IMAGES", most)
    draw(drawn_run(finished_run), 90)
    assert says in captions(show(open_page("evaluate")))


def test_a_map_of_outdated_predictions_is_not_shown(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    draw(run)
    with run.predictions_file("val").open("a") as file:
        file.write("\n")
    page = show(open_page("evaluate"))
    assert any("predictions have changed" in warning.value for warning in page.warning)
    assert [button for button in page.button if button.label == "Compute the map"]


def test_points_of_the_figure_are_rows_of_the_predictions() -> None:
    rows = [np.array([4, 7, 9]), np.array([2, 3])]
    points = [{"curve_number": 1, "point_index": 0}, {"curve_number": 0, "point_index": 2}]
    assert chosen_rows([*points, points[0]], rows).tolist() == [2, 9]
    assert chosen_rows([], rows).tolist() == []


def test_a_damaged_map_is_said_to_be_one_and_can_be_computed_again(
    open_page: PageOpener, finished_run: RunFactory, no_supervisor: None
) -> None:
    run = drawn_run(finished_run)
    draw(run)
    map_file(run, "drawn", "val", PCA).write_bytes(b"PK")
    page = show(open_page("evaluate"))
    assert any("val-pca.npz" in warning.value for warning in page.warning)
    press(page, "Compute the map")
    assert queue.waiting("map")
