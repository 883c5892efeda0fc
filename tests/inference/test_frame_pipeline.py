"""A camera's faces; the detector and the classifier are the tests' own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fer_core.inference.frame_pipeline import FramePipeline, LivePipeline
from fer_core.vision.detection import Face, Landmarks
from fer_core.vision.images import Box

IMAGE = np.zeros((480, 640, 3), np.uint8)
EYES = Landmarks((120, 130), (140, 130), (130, 140), (122, 150), (138, 150))
FACE = Face(Box(100, 100, 60, 80), EYES, 0.99)


class Detector:
    """Finds one face, wherever it is looked for; counts how it was asked."""

    def __init__(self) -> None:
        self.detected = self.followed = 0

    def detect(self, image: np.ndarray, *settings: object) -> list[Face]:
        self.detected += 1
        return [FACE]

    def follow(self, image: np.ndarray, boxes: Sequence[Box], *settings: object) -> list[Face]:
        self.followed += 1
        return [FACE] * len(boxes)


class Classifier:
    class_names = ("happy", "sad")
    margin = 0.2

    def pixels(self, image: np.ndarray) -> np.ndarray:
        return image[:1, :1]

    def is_blurred(self, pixels: np.ndarray) -> bool:
        return True

    def predict_pixels(self, pixels: Sequence[np.ndarray]) -> np.ndarray:
        return np.tile(np.float32([0.75, 0.25]), (len(pixels), 1))


def look(seconds_a_frame: float, frames: int) -> Detector:
    detector, classifier = Detector(), Classifier()
    pipeline = LivePipeline(FramePipeline(*_untyped(detector, classifier)))
    for frame in range(frames):
        found = pipeline(IMAGE, 1000 + frame * seconds_a_frame)
        assert list(found.faces) == [FACE] and list(found.blurred) == [True]
        assert found.probabilities == pytest.approx(np.array([[0.75, 0.25]]))
    return detector


def _untyped(*values: object) -> Any:
    return values


def test_faces_are_detected_twice_a_second_and_tracked_in_between() -> None:
    detector = look(seconds_a_frame=0.05, frames=41)
    assert (detector.detected, detector.followed) == (
        pytest.approx(5, abs=1),
        pytest.approx(36, abs=1),
    )


def test_a_slow_machine_does_not_detect_in_every_frame() -> None:
    detector = look(seconds_a_frame=1.0, frames=11)
    assert detector.detected <= 3


def test_a_frame_without_faces_gives_no_rows() -> None:
    detector, classifier = Detector(), Classifier()
    detector.detect = lambda image, *settings: []  # type: ignore[method-assign]
    pipeline = LivePipeline(FramePipeline(*_untyped(detector, classifier)))
    found = pipeline(IMAGE, 0.0)
    assert not found.faces and found.probabilities.shape == (0, 2)
