"""From a source to a dataset by way of its preview, in a browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_core.datasets.registry import list_datasets, open_dataset
from fer_core.datasets.synthetic.random_faces import random_face
from fer_core.tasks.task import list_tasks
from fer_core.vision.images import face_pixels
from tests.datasets.trees import write_tree
from tests.e2e.browsing import PATIENCE, labels, open_page, press, settled, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

FERPLUS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")  # from 0
FACES = 70


def write_pixels(file: Path) -> Path:
    """Draws a table of pixels like FER2013's, but with FER+'s class numbers."""
    rows = ["emotion,pixels"]
    for number in range(FACES):
        face = random_face(FERPLUS[number % 7], np.random.default_rng(number))
        pixels = face_pixels(face, (48, 48), channels=1)
        rows.append(f"{number % 7},{' '.join(map(str, pixels.ravel()))}")
    file.write_text("\n".join(rows), encoding="utf-8")
    return file


def preview(page: "Page", address: str, source: Path) -> None:
    open_page(page, f"{address}/datasets")
    path = page.get_by_role("textbox", name="Path of a folder")
    if list_datasets():  # of another journey: the forms are in a dialog
        press(page.get_by_role("button", name="Add dataset"), path)
    path.fill(str(source))
    settled(page)
    page.get_by_role("button", name="Preview").click()


def test_a_table_in_the_order_of_ferplus_is_seen_through_and_added_rightly(
    page: "Page", address: str, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    preview(page, address, write_pixels(tmp_path / "pixels.csv"))
    first = page.get_by_role("combobox", name="0 · 10 images")
    take = page.get_by_role("button", name="Use FER+'s numbering")
    take.wait_for()  # the model has answered
    expect(first).to_have_value("angry")
    press(take, take, "detached")
    expect(first).to_have_value("neutral", timeout=PATIENCE * 1000)
    faces = page.get_by_role("tab", name="Faces", exact=True)
    press(page.get_by_role("button", name="Add the dataset"), faces)
    faces.click()
    settled(page)
    page.get_by_role("button", name="Original order").click()
    means = [f"{name} · 10" for name in open_dataset("pixels").class_names]
    labels(page, [*(FERPLUS[number % 7] for number in range(40)), *means])


def test_a_folder_of_persons_is_not_taken_for_classes(
    page: "Page", address: str, tmp_path: Path
) -> None:
    preview(page, address, write_tree(tmp_path / "persons", {"S005": 3, "S010": 3}))
    page.get_by_text("neither expressions nor class numbers").wait_for()
    assert page.get_by_role("button", name="Add the dataset").count() == 0
    cancel = page.get_by_role("button", name="Cancel")
    press(cancel, cancel, "detached")
    assert "persons" not in [dataset.name for dataset in list_datasets()]
    # Its process may just be ending.
    wait_until(lambda: not any(task.state.is_active for task in list_tasks("preview")))
