"""Faces that are detected once for all tests of the page."""

import numpy as np
import pytest

from fer_core.vision.detection import FaceDetector

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
