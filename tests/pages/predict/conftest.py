"""A run whose model answers, and faces that are detected once for all tests of the page."""

import keras
import numpy as np
import pytest

from fer_core.expressions import EXPRESSIONS
from fer_core.models import architectures as models
from fer_core.runs.run import Run
from fer_core.vision.detection import FaceDetector
from tests.pages.conftest import RunFactory

DETECT = FaceDetector.detect
_FACES: dict[tuple, list] = {}


@pytest.fixture(autouse=True)
def detected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remembers the faces of every picture, since most tests upload the same few."""
    monkeypatch.setattr(FaceDetector, "detect", _detect)


def _detect(detector: FaceDetector, image: np.ndarray, *options: object) -> list:
    key = (image.shape, hash(image.tobytes()), *options)
    if key not in _FACES:
        _FACES[key] = DETECT(detector, image, *options)
    return list(_FACES[key])


def save_model(run: Run, seed: int) -> None:
    """Saves an untrained model that makes predictions."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((48, 48, 1))
    small = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(inputs))
    flat = keras.layers.Flatten()(small)
    outputs = keras.layers.Dense(len(EXPRESSIONS), activation="softmax")(flat)
    models.save_model(keras.Model(inputs, outputs), run.directory / "model.keras")


@pytest.fixture
def run(finished_run: RunFactory) -> Run:
    """A finished run with an untrained model."""
    run = finished_run()
    save_model(run, seed=0)
    return run
