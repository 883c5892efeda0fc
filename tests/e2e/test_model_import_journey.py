"""From a model of another program to an expression, in a browser."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from PIL import Image
from skimage import data

from fer_core.datasets.synthetic import draw_dataset, random_face
from fer_core.expressions import EXPRESSIONS
from fer_core.runs import list_runs
from fer_core.vision import face_pixels
from tests.e2e.browsing import ANSWER, open_page, press, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIDE = 24
NAMES = sorted(EXPRESSIONS)  # as Keras's folder readers sort them


@pytest.fixture
def foreign_model(tmp_path: Path) -> Path:
    """A dense layer, fitted to drawn faces, as Keras 2.3 saved it."""
    random = np.random.default_rng(0)
    labels = np.arange(1_400) % len(NAMES)
    faces = [random_face(NAMES[label], random) for label in labels]
    pixels = np.stack([face_pixels(face, (SIDE, SIDE), 1) for face in faces])
    pixels = 1 - pixels / 255  # as some tutorials do
    inputs = np.column_stack([pixels.reshape(len(pixels), -1), np.ones(len(pixels))])
    targets = 8 * (np.eye(len(NAMES))[labels] - 1 / len(NAMES))
    fitted = np.linalg.solve(inputs.T @ inputs + 30 * np.eye(inputs.shape[1]), inputs.T @ targets)
    layers = [
        {
            "class_name": "Flatten",
            "config": {"name": "flatten", "batch_input_shape": [None, SIDE, SIDE, 1]},
        },
        {
            "class_name": "Dense",
            "config": {"name": "dense", "units": len(NAMES), "activation": "softmax"},
        },
    ]
    file = tmp_path / "last_year.h5"
    with h5py.File(file, "w") as root:
        config = {"class_name": "Sequential", "config": {"name": "course", "layers": layers}}
        root.attrs["model_config"] = json.dumps(config).encode()
        root.attrs["keras_version"] = b"2.3.1"
        groups = root.create_group("model_weights")
        groups.attrs["layer_names"] = [b"flatten", b"dense"]
        groups.create_group("flatten").attrs["weight_names"] = np.array([], "S1")
        dense = groups.create_group("dense")
        dense.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        dense["dense/kernel:0"] = fitted[:-1].astype("float32")
        dense["dense/bias:0"] = fitted[-1].astype("float32")
    return file


def test_a_foreign_model_is_imported_as_proposed_and_predicts(
    page: "Page", address: str, foreign_model: Path, tmp_path: Path
) -> None:
    draw_dataset("drawn", 210, seed=1)
    photo = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(photo)

    open_page(page, f"{address}/predict")
    page.get_by_role("link", name="Import a model").click()
    page.get_by_text("Labeled faces to try it on").wait_for()
    page.locator("input[type=file]").set_input_files(foreign_model)
    page.get_by_text("last_year.h5").first.wait_for()
    take = page.get_by_role("button", name="Import with these", exact=True)
    press(page.get_by_role("button", name="Inspect the file"), take)
    page.get_by_text(f"Classes: {', '.join(NAMES)}").first.wait_for()
    settled(page)
    predict = page.get_by_role("link", name="Predict with it")
    press(take, predict)
    (run,) = [run for run in list_runs() if run.is_imported]
    assert list(run.class_names) == NAMES
    assert run.imported is not None
    assert run.imported.scaling == "inverted"

    predict.click()
    page.get_by_text("Recognize facial expressions").wait_for()
    page.locator("input[type=file]").set_input_files(photo)
    page.get_by_text(ANSWER).wait_for()
