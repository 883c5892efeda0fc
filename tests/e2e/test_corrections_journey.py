"""From a face that is left out to a run that is asked for without it, in a browser."""

from typing import TYPE_CHECKING

from fer_core import runs
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.run_data import corrections_of
from tests.e2e.browsing import open_page, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_corrections_are_shown_on_all_pages_and_used_in_a_run(page: "Page", address: str) -> None:
    dataset = draw_dataset("faces", count=140)
    open_page(page, f"{address}/datasets?dataset=faces")
    page.get_by_role("tab", name="Faces", exact=True).click()
    settled(page)
    page.get_by_role("button", name="Original order").click()
    settled(page)
    page.locator("[class*=st-key-split-faces]").get_by_role("radio").nth(1).click()  # train
    page.get_by_text("112 images", exact=True).wait_for()
    settled(page)
    decide(page)
    excluded, relabeled = (
        dataset.saved_corrections.excluded,
        dataset.saved_corrections.relabeled,
    )
    first, second = dataset.keys(dataset.select("train")[:2])
    assert (excluded, relabeled) == ({first: "half a face"}, {second: "surprise"})
    page.get_by_text("1 image excluded, 1 relabeled").first.wait_for()
    page.locator("button.tile.faded").wait_for()
    page.get_by_text("angry → surprise").wait_for()
    start(page, address)
    (run,) = runs.list_runs()
    assert run.config.overlay and corrections_of(run) == dataset.saved_corrections


def decide(page: "Page") -> None:
    """Leaves the first face out, calls the next one surprise, and closes the dialog."""
    page.get_by_role("button", name="angry").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason for excluding it").fill("half a face")
    dialog.get_by_role("button", name="Exclude").click()
    dialog.get_by_text("Excluded: half a face").wait_for()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text("2 of 112").wait_for()
    dialog.get_by_text("surprise", exact=True).click()
    dialog.get_by_text("angry → surprise").wait_for()
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")


def start(page: "Page", address: str) -> None:
    """Asks for a run with the corrections, and sees that it says so."""
    open_page(page, f"{address}/train?dataset=faces")
    page.get_by_text("Images with corrections: Training 111 instead of 112").wait_for()
    page.get_by_text("Use corrections", exact=True).click()
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("With corrections: 1 image excluded, 1 relabeled.").wait_for()
