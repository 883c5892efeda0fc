"""A cross-validation by subjects, from the switch on the Train page to its report."""

import re
from functools import partial
from typing import TYPE_CHECKING

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import Experiment, fold_results, list_experiments
from tests.e2e.browsing import download, open_page, press, settled, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page


def has_finished(experiment: Experiment, fold: int) -> bool:
    return fold_results(experiment).folds[fold].predictions is not None


def test_three_folds_of_subjects_become_one_report(page: "Page", address: str) -> None:
    draw_dataset("faces", count=140, subjects=10)
    open_page(page, f"{address}/train")
    page.get_by_text("Cross-validation: a run for each fold").click()
    folds = page.get_by_role("spinbutton", name="Folds", exact=True)
    folds.fill("3")
    folds.press("Enter")
    settled(page)
    page.get_by_text("Settings", exact=True).click()
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    epochs.wait_for()
    settled(page)
    epochs.fill("1")
    press(
        page.get_by_role("button", name="Plan the folds"),
        page.get_by_text(re.compile("9 subjects with 126 images")),
    )
    page.get_by_text(", 1 epoch each").wait_for()
    press(
        page.get_by_role("button", name="Start 3 runs"),
        page.get_by_text("The experiment has been queued."),
    )
    page.get_by_role("link", name="Open it on the Runs page").click()
    (experiment,) = list_experiments()
    for fold in range(3):  # patience for each, since each loads TensorFlow
        wait_until(partial(has_finished, experiment, fold), f"fold {fold + 1}")
    page.get_by_text("Pooled predictions on 126 images of 9 subjects").wait_for()
    scores = fold_results(experiment).scores
    page.get_by_text(f"{scores.accuracy.value:.1%}").first.wait_for()
    assert scores.clusters == 9
    page.get_by_text("finished", exact=True).wait_for()
    settled(page)
    report = download(page, "Report (HTML)", f"{experiment.id}-report.html")
    assert f"{scores.accuracy.value:.1%}" in report.read_text(encoding="utf-8")
