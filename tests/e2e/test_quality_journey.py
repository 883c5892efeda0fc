"""From leaks in a data set to the mistakes of a network that was trained without them."""

import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from fer_core import runs
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation.calibration import with_temperature
from fer_core.evaluation.metrics import predicted
from fer_core.runs.run import Run
from fer_core.runs.run_data import corrections_of
from tests.e2e.browsing import open_page, press, settled, tiles
from tests.e2e.serving import Server
from tests.e2e.test_evaluation_journey import PER_PAGE, expected, jpegs, press_cell

if TYPE_CHECKING:
    from playwright.sync_api import Page

LEAKS = 4


@pytest.fixture
def dataset(server: Server, address: str) -> Dataset:
    """Drawn faces, of which the first training faces are among those of validation too."""
    drawn = draw_dataset("drawn", count=280)
    images = server.home / "with-leaks"
    shutil.copytree(drawn.root, images)
    drawn.delete()
    for source in sorted(images.glob("train/*/*.jpg"))[::11][:LEAKS]:
        shutil.copyfile(source, images / "val" / source.parent.name / f"copy-{source.name}")
    return import_source(images, "faces")


def test_leaks_found_by_the_scan_are_excluded_from_a_run(
    page: "Page", address: str, dataset: Dataset
) -> None:
    open_page(page, f"{address}/datasets?dataset=faces")
    leave_out_leaks(page)
    assert set(dataset.saved_corrections.excluded.values()) == {"Leaks: validation in training"}
    assert set(dataset.saved_corrections.excluded) == set(dataset.keys(leaked(dataset)))
    open_page(page, f"{address}/train?dataset=faces")
    run = train(page)
    assert corrections_of(run) == dataset.saved_corrections
    assert run.counts["train"].sum() == len(dataset.select("train")) - LEAKS
    open_page(page, f"{address}/evaluate?run={run.id}")
    look_at_the_largest_mistake(page, run, dataset)


def leaked(dataset: Dataset) -> list[int]:
    """Training images whose files are among those of validation, by their bytes."""
    content = dataset.index["content"]
    known = set(content.iloc[dataset.select("val")])
    train = dataset.select("train")
    return train[content.iloc[train].isin(known)].tolist()


def leave_out_leaks(page: "Page") -> None:
    """On the tab Quality, after a look at all images."""
    page.get_by_role("tab", name="Quality").click()
    page.get_by_role("button", name="Scan images").click()
    leaks = page.get_by_text(re.compile(f"^Leaks: validation in training · {LEAKS}$"))
    leaks.wait_for()
    exclude = page.get_by_role("button", name=f"Exclude {LEAKS} images")
    press(leaks, exclude)
    press(exclude, page.get_by_text(f"{LEAKS} images excluded").first)


def train(page: "Page") -> Run:
    """Two epochs with the corrections, until they have ended."""
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    press(page.get_by_text("Settings", exact=True), epochs)
    settled(page)
    epochs.fill("2")
    page.get_by_text("Use corrections", exact=True).click()
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(f"With corrections: {LEAKS} images excluded.").wait_for()
    page.get_by_text("completed", exact=True).wait_for()
    (run,) = [run for run in runs.list_runs() if not run.is_pretrained]
    return run


def look_at_the_largest_mistake(page: "Page", run: Run, dataset: Dataset) -> None:
    """A click on its cell shows the images that the run's predictions name, in their order."""
    table = run.predictions("val")
    assert table is not None and not table["leaked"].any()
    calibration = run.calibration()
    table = with_temperature(table, calibration.temperature if calibration else 1.0)
    truth, answered = largest_mistake(table)
    cell = expected(table, truth, answered)
    press_cell(page, truth, answered, page.get_by_text(f"{len(cell)} images of {truth} "))
    tiles(page, jpegs(dataset, cell.iloc[:PER_PAGE]))


def largest_mistake(table: pd.DataFrame) -> tuple[str, str]:
    """True expression and answer of the cell beside the diagonal that has most images."""
    wrong = table.assign(predicted=predicted(table))
    wrong = wrong[wrong["predicted"] != wrong["expression"]]
    cells = wrong.groupby(["expression", "predicted"]).size()
    truth, answered = cells.index[int(np.argmax(cells.to_numpy()))]
    return str(truth), str(answered)
