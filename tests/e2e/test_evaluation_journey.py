"""From a cell of the confusion matrix to the images in it, in a browser."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from fer_core import runs
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation import feature_map
from fer_core.evaluation.feature_map import PCA, FaceMap, map_file, save_map
from fer_core.evaluation.slices import cut, slice_columns
from fer_core.expressions import EXPRESSIONS
from fer_core.runs import records
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import task as tasks
from fer_core.vision import images
from tests.e2e.browsing import (
    MAP,
    MATRIX,
    chart_at_rest,
    labels,
    open_page,
    press_in_chart,
    settled,
    stand_still,
    tiles,
)
from tests.e2e.serving import Server
from tests.pages.conftest import predictions

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PER_PAGE = 9  # images
ROW = 35  # pixels of a row of a table
HEAP = 5  # images beside the origin of the map, the first one on it
# Where that is on the map, as shares of its surface.
HEAP_PLACE = """() => {
    const { xaxis, yaxis } = [...document.querySelectorAll('.js-plotly-plot')].at(-1)._fullLayout;
    return [xaxis.l2p(0) / xaxis._length, yaxis.l2p(0) / yaxis._length];
}"""
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
    answers = feature_map.digest(run.predictions_file("val"))
    return FaceMap(np.arange(count), points, PCA, (0.5, 0.2), answers, "2026-03-01T12:30:00")


@pytest.fixture(scope="module")
def run(server: Server) -> Run:
    """A run with answers to a dataset."""
    return write_run(draw_dataset("faces", count=840))


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


def press_cell(page: "Page", truth: str, answered: str, said: "Locator") -> None:
    """Presses in a corner of the cell, not on the number in its middle."""
    across = (EXPRESSIONS.index(answered) + 0.8) / len(EXPRESSIONS)
    down = (EXPRESSIONS.index(truth) + 0.8) / len(EXPRESSIONS)
    press_in_chart(page, MATRIX, across, down, said)


def shown_as(truth: str, answered: str) -> str:
    """Returns the label of an image in the gallery."""
    return truth if truth == answered else f"{truth} → {answered}"


def test_clicking_a_cell_shows_the_images_of_the_cell(page: "Page", address: str, run: Run) -> None:
    dataset, table = open_dataset("faces"), run.predictions("val")
    assert table is not None
    open_page(page, f"{address}/evaluate?run={run.id}")
    for truth, answered in CELLS:
        cell = expected(table, truth, answered)
        assert len(cell) > PER_PAGE
        press_cell(page, truth, answered, page.get_by_text(f"{len(cell)} images of {truth} "))
        labels(page, [shown_as(truth, answered)] * PER_PAGE)
        tiles(page, jpegs(dataset, cell.iloc[:PER_PAGE]))
    settled(page)
    page.get_by_role("button", name="Page 2", exact=True).click()
    tiles(page, jpegs(dataset, cell.iloc[PER_PAGE : 2 * PER_PAGE]))


def test_clicking_the_worst_slice_shows_its_images(page: "Page", address: str, run: Run) -> None:
    dataset, table = open_dataset("faces"), run.predictions("val")
    assert table is not None
    right, sure = rightness(table)
    order = np.lexsort((np.where(right, sure, -sure), right))
    column = slice_columns(table, dataset).column("brightness")
    codes = cut(column).codes
    worst = int(np.argmin([right[codes == code].mean() for code in range(3)]))
    images = table.iloc[order[codes[order] == worst]]
    open_page(page, f"{address}/evaluate?run={run.id}")
    page.locator("[class*=st-key-show-slices] label").first.click()
    page.get_by_role("combobox", name="Slice by").click()
    page.get_by_role("option", name="brightness").click()
    page.get_by_text("The largest gap by brightness").wait_for()
    settled(page)
    press_first_row(page, page.get_by_text(f"{len(images)} images in "))
    tiles(page, jpegs(dataset, images.iloc[:PER_PAGE]), last=True)


def press_first_row(page: "Page", said: "Locator") -> None:
    """Presses the name of the worst slice: the table is drawn on a canvas."""
    canvas = page.locator("[class*=st-key-slice-table] canvas").first
    stand_still(canvas)
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 40, box["y"] + 1.5 * ROW)
    said.wait_for()


def test_faces_are_selected_on_the_map_by_click_and_by_lasso(
    page: "Page", address: str, run: Run
) -> None:
    dataset, table = open_dataset("faces"), run.predictions("val")
    assert table is not None
    heap = table[:HEAP]
    open_page(page, f"{address}/evaluate?run={run.id}")
    page.locator("[class*=st-key-show-map] label").first.click()
    chart_at_rest(page, MAP)
    chosen = page.locator(".tile img").nth(PER_PAGE)
    press_in_chart(page, MAP, *page.evaluate(HEAP_PLACE), chosen)
    tiles(page, jpegs(dataset, heap[:1]), last=True)
    settled(page)
    page.locator("[class*=st-key-map-drag]").get_by_role("radio").nth(1).click()
    draw_around_heap(page)
    right, sure = rightness(heap)
    order = np.lexsort((np.where(right, sure, -sure), right))
    tiles(page, jpegs(dataset, heap.iloc[order]), last=True)
    page.get_by_text(re.compile(f"^{HEAP} images, {HEAP - right.sum()} ")).wait_for()


def draw_around_heap(page: "Page") -> None:
    surface = chart_at_rest(page, MAP, clicks="event")
    box, (across, down) = surface.bounding_box(), page.evaluate(HEAP_PLACE)
    assert box is not None
    left, top = box["x"] + across * box["width"], box["y"] + down * box["height"]
    page.mouse.move(left - 20, top - 20)
    page.mouse.down()
    for side, height in ((80, -20), (80, 20), (-20, 20), (-20, -20)):
        page.mouse.move(left + side, top + height, steps=5)
    page.mouse.up()
