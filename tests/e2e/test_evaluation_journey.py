"""From a cell of the confusion matrix to the images in it, in a browser."""

import base64
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from fer_core import runs
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation import feature_map as face_map
from fer_core.evaluation.feature_map import PCA, FaceMap, map_file, save_map
from fer_core.expressions import EXPRESSIONS
from fer_core.runs import records
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import task as tasks
from fer_core.vision import images
from tests.e2e.conftest import PATIENCE, serve
from tests.pages.conftest import predictions

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PER_PAGE = 9  # images
HEAP = 5  # images beside the origin of the map, the first one on it
# Where that is in the window.
HEAP_PLACE = """() => {
    const plot = [...document.querySelectorAll('.js-plotly-plot')].pop();
    const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
    return [box.x + xaxis._offset + xaxis.l2p(0), box.y + yaxis._offset + yaxis.l2p(0)];
}"""
CLICKS = """clicks => [...document.querySelectorAll('.js-plotly-plot')].pop()
    ._fullLayout.clickmode === clicks"""  # what Streamlit sets after the chart is drawn
# Where the confusion matrix is, brought into the window first; nothing while it is not drawn.
MATRIX_PLACE = """() => {
    const area = document.querySelector('[data-testid="stPlotlyChart"] .nsewdrag');
    area?.scrollIntoView({ block: 'center' });
    const box = area?.getBoundingClientRect();
    return box ? [box.x, box.y, box.width, box.height] : null;
}"""
# Whether a point is chosen in the browser.
PRESSED = """[...document.querySelectorAll('.js-plotly-plot')].pop()
    ._fullData.some((trace) => trace.selectedpoints?.length)"""
# All pictures of all galleries.
TILES = """[...document.querySelectorAll('*')].flatMap((one) => one.shadowRoot ?
    [...one.shadowRoot.querySelectorAll('.tile img')] : [])"""
CELLS = [("happy", "sad"), ("fear", "surprise"), ("neutral", "neutral")]


def write_run(dataset: Dataset) -> Run:
    """A finished run with an answer to every drawn face; wrong are those after the class's own."""
    run = Run(tasks.new_directory(paths.runs_root(), "cnn_classic_faces"))
    write_json(
        run.directory / "config.json",
        RECIPES["cnn_classic"].config.to_dict() | {"dataset": dataset.name},
    )
    counts = {split: [40] * 7 for split in ("train", "val")}
    record = {"class_names": list(EXPRESSIONS), "counts": counts}
    write_json(run.directory / "dataset.json", record)
    (run.directory / "model.keras").write_bytes(b"not really a model")
    keys = dataset.index[["path", "row", "expression"]].sample(frac=1, random_state=3)
    table = predictions(len(keys), 0.6)
    table = table.assign(**keys.reset_index(drop=True).astype({"row": "str"}).fillna({"row": ""}))
    runs.save_predictions(run, "val", table)
    runs.save_result(run, records.Result(records.COMPLETED, 1, 0, 1.1, 0.6))
    save_map(map_file(run, dataset.name, "val", PCA), two_heaps(run, len(table)))
    return run


def two_heaps(run: Run, count: int) -> FaceMap:
    """A map on which the first answers lie beside its origin, all others in the far corner."""
    points = np.tile(np.float32([[1, 1]]), (count, 1))
    points[:HEAP] = [[0.02 * number, 0] for number in range(HEAP)]
    answers = face_map.digest(run.predictions_file("val"))
    return FaceMap(np.arange(count), points, PCA, (0.5, 0.2), answers, "2026-03-01T12:30:00")


@pytest.fixture(scope="module")
def home(new_home: Callable[[], Path]) -> Iterator[Path]:
    """A workspace with a data set and a run's answers to it."""
    folder = new_home()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FER_HOME", str(folder))
        write_run(draw_dataset("faces", count=840))
    yield folder


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with serve(home) as address:
        yield address


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_HOME", str(home))


def expected(table: pd.DataFrame, truth: str, answered: str) -> pd.DataFrame:
    """The cell's answers, worked out from the file: the surest first, of right ones the last."""
    shares = table.filter(regex="^p_").to_numpy()
    answers = np.array(EXPRESSIONS)[shares.argmax(axis=1)]
    found = table.assign(sure=shares.max(axis=1))
    found = found[(table["expression"] == truth) & (answers == answered)]
    return found.sort_values("sure", ascending=truth == answered, kind="stable")


def rightness(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Which answers are right, and how sure each is."""
    shares = table.filter(regex="^p_").to_numpy()
    right = np.array(EXPRESSIONS)[shares.argmax(axis=1)] == table["expression"].to_numpy()
    return right, shares.max(axis=1)


def jpegs(dataset: Dataset, rows: pd.DataFrame) -> list[bytes]:
    """The pictures of these rows as the gallery is sent them."""
    position = {path: number for number, path in enumerate(dataset.index["path"])}
    return [images.encode(dataset.image(position[path]), "JPEG") for path in rows["path"]]


def click_cell(page: "Page", truth: str, answered: str, said: "Locator") -> None:
    """Presses in a corner of the cell, not on the number in its middle, until that is said.

    A chart that is still being laid out is drawn anew, and takes no click.
    """
    across = (EXPRESSIONS.index(answered) + 0.8) / len(EXPRESSIONS)
    down = (EXPRESSIONS.index(truth) + 0.8) / len(EXPRESSIONS)
    deadline = time.monotonic() + PATIENCE
    while not said.is_visible():
        assert time.monotonic() < deadline
        left, top, width, height = standing_still(page, MATRIX_PLACE)
        page.mouse.click(left + across * width, top + down * height)
        pressed = time.monotonic()
        while not said.is_visible() and time.monotonic() < pressed + 5:  # a second press undoes one
            page.wait_for_timeout(100)


def standing_still(page: "Page", place: str) -> list[float]:
    """What a script says of a place in the window, once it says the same twice."""
    found, before = page.evaluate(place), None
    deadline = time.monotonic() + PATIENCE
    while found is None or found != before:
        assert time.monotonic() < deadline
        page.wait_for_timeout(300)
        found, before = page.evaluate(place), found
    return found


def shown(page: "Page") -> list[bytes]:
    """The pictures in the gallery, as JPEG files."""
    sources = page.locator(".tile img").evaluate_all("all => all.map((one) => one.src)")
    return [base64.b64decode(source.partition(",")[2]) for source in sources]


@pytest.mark.usefixtures("at_home")
def test_a_click_on_a_cell_shows_the_images_that_the_predictions_name(
    page: "Page", address: str
) -> None:
    (run,) = [run for run in runs.list_runs() if not run.is_pretrained]
    dataset, table = open_dataset("faces"), run.predictions("val")
    assert table is not None
    page.goto(f"{address}/evaluate?run={run.id}")
    page.get_by_role("heading", name="Scores per expression").wait_for()
    page.locator(".tile img").first.wait_for()
    for truth, answered in CELLS:
        cell = expected(table, truth, answered)
        assert len(cell) > PER_PAGE
        what = "predicted correctly" if truth == answered else f"predicted as {answered}"
        said = page.get_by_text(re.compile(f"{len(cell)} images of {truth} {what}"))
        click_cell(page, truth, answered, said)
        page.wait_for_function(
            "label => [...document.querySelectorAll('*')].flatMap((one) => one.shadowRoot ?"
            " [...one.shadowRoot.querySelectorAll('.tile .label')] : [])"
            ".every((one) => one.textContent === label)",
            arg=truth if truth == answered else f"{truth} → {answered}",
        )
        assert shown(page) == jpegs(dataset, cell.iloc[:PER_PAGE])
    page.get_by_role("button", name="Page 2", exact=True).click()
    last = jpegs(dataset, cell.iloc[PER_PAGE : 2 * PER_PAGE])
    page.wait_for_function(
        "source => [...document.querySelectorAll('*')].some((one) => one.shadowRoot &&"
        " one.shadowRoot.querySelector('.tile img')?.src.endsWith(source))",
        arg=base64.b64encode(last[0]).decode(),
    )
    assert shown(page) == last


@pytest.mark.usefixtures("at_home")
def test_a_face_is_pressed_on_the_map_and_many_are_drawn_around(page: "Page", address: str) -> None:
    (run,) = [run for run in runs.list_runs() if not run.is_pretrained]
    dataset, table = open_dataset("faces"), run.predictions("val")
    assert table is not None
    heap = table[:HEAP]
    page.goto(f"{address}/evaluate?run={run.id}")
    page.get_by_text("Show the feature map").click()
    page.get_by_text("Click a point to see its face").wait_for()
    press_heap(page)
    page.wait_for_function(f"{TILES}.length === {PER_PAGE} + 1")
    assert shown(page)[-1:] == jpegs(dataset, heap[:1])
    page.get_by_text("Lasso points", exact=True).click()
    page.get_by_text("Click a point to see its face").wait_for()
    across, down = heap_on_screen(page, "event")
    page.mouse.move(across - 20, down - 20)
    page.mouse.down()
    for side, height in ((80, -20), (80, 20), (-20, 20), (-20, -20)):
        page.mouse.move(across + side, down + height, steps=5)
    page.mouse.up()
    right, sure = rightness(heap)
    page.get_by_text(f"{HEAP} images, {HEAP - right.sum()} of them predicted wrong").wait_for()
    page.wait_for_function(f"{TILES}.length === {PER_PAGE + HEAP}")
    order = np.lexsort((np.where(right, sure, -sure), right))
    assert shown(page)[-HEAP:] == jpegs(dataset, heap.iloc[order])


def press_heap(page: "Page") -> None:
    """Presses the point at the origin; again, where the chart was still being laid out."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(PRESSED):
        assert time.monotonic() < deadline
        across, down = heap_on_screen(page, "event+select")
        page.mouse.move(across - 20, down - 20)
        page.mouse.move(across, down, steps=4)
        page.locator(".hovertext").wait_for()
        page.wait_for_timeout(500)
        page.mouse.click(across, down, delay=50)
        page.wait_for_timeout(500)


def heap_on_screen(page: "Page", clicks: str) -> tuple[float, float]:
    """Where the heap of the map lies, once that stands still and takes clicks for what they are."""
    chart = page.get_by_test_id("stPlotlyChart").last
    chart.locator(".nsewdrag").first.wait_for()
    page.wait_for_function(CLICKS, arg=clicks)
    chart.scroll_into_view_if_needed()
    across, down = standing_still(page, HEAP_PLACE)
    return across, down
