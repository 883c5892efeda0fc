"""A cross-validation by subjects, from the switch on the Train page to its result."""

import re
from typing import TYPE_CHECKING

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import fold_results, list_experiments
from tests.e2e.browsing import open_page, press, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_three_folds_of_subjects_are_trained_and_pooled(page: "Page", address: str) -> None:
    draw_dataset("faces", count=140, subjects=10)
    open_page(page, f"{address}/train")
    page.get_by_text("Cross-validation: a run for each fold").click()
    folds = page.get_by_role("spinbutton", name="Folds", exact=True)
    folds.fill("3")
    folds.press("Enter")
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.fill("1")
    press(
        page.get_by_role("button", name="Plan the folds"),
        page.get_by_text(re.compile("9 subjects with 126 images")),
    )
    press(
        page.get_by_role("button", name="Start 3 runs"),
        page.get_by_text("The experiment has been queued."),
    )
    page.get_by_role("link", name="Open it on the Runs page").click()
    page.get_by_text("Pooled predictions on 126 images").wait_for()
    (experiment,) = list_experiments()
    found = fold_results(experiment)
    page.get_by_text(f"{found.scores.accuracy.value:.1%}").first.wait_for()
    assert len(found.done) == 3 and found.scores.clusters == 9
