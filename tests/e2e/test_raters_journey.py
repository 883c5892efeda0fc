"""Ten faces labeled by two raters with the keyboard, and their kappa, in a browser."""

from typing import TYPE_CHECKING

from fer_core.datasets import raters
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from tests.e2e.browsing import open_page, settled, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_two_raters_label_faces_by_keys_and_see_their_kappa(page: "Page", address: str) -> None:
    dataset = draw_dataset("faces", count=70)
    raters.draw_sample(dataset, "first", 10)
    open_page(page, f"{address}/datasets?dataset=faces")
    page.get_by_role("tab", name="Raters").click()
    answers = raters.answers_for(dataset.class_names)
    labels = {key: answers.index(name) for key, name in labels_of(dataset).items()}
    label(page, dataset, "anna", labels)
    page.keyboard.press("u")  # the last one was a slip
    page.get_by_text("Face 10 of 10 · 9 answered").wait_for()
    page.keyboard.press("9")
    page.get_by_text("All faces of the sample have an answer").wait_for()
    wait_until(lambda: "cannot tell" in votes(dataset, "anna").values())
    page.set_viewport_size({"width": 400, "height": 860})
    label(page, dataset, "bob", labels)
    settled(page)
    page.get_by_role("radio", name="Agreement").click()
    page.get_by_text("Cohen's kappa").first.wait_for()
    found = raters.agreement(dataset, raters.read_ratings(dataset))
    page.get_by_text(f"{found.fleiss.value:.3f}").first.wait_for()
    assert 0.8 < found.fleiss.value < 1  # they differ on one face


def labels_of(dataset: Dataset) -> dict[tuple[str, int | None], str]:
    """Returns the label of each image."""
    keys = dataset.keys(range(len(dataset.index)))
    return dict(zip(keys, dataset.index["expression"], strict=True))


def votes(dataset: Dataset, rater: str) -> dict[tuple[str, int | None], str]:
    return dict(raters.read_rater(dataset, rater).answers)


def label(page: "Page", dataset: Dataset, rater: str, labels: dict) -> None:
    """Answers all ten faces as fast as the keys can be pressed, each by its label."""
    field = page.get_by_label("Rater", exact=True)
    settled(page)
    field.fill(rater)
    field.press("Enter")
    page.get_by_text("Face 1 of 10 · 0 answered").wait_for()
    page.locator(".annotator:focus").wait_for()
    order = raters.read_sample(dataset, "first").order_for(rater, "first")
    for key in order:
        page.keyboard.press(str(1 + labels[key]))
    page.get_by_text("All faces of the sample have an answer").wait_for()
    wait_until(lambda: len(votes(dataset, rater)) == 10, "all votes to be saved")
    assert votes(dataset, rater) == {key: labels_of(dataset)[key] for key in order}
