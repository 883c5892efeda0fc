"""Detection where it is needed, following in between; and where one shot ends."""

from collections.abc import Sequence

import numpy as np
import pytest
from skimage import data

from fer_core.vision.detection import Face, Landmarks
from fer_core.vision.images import Box
from fer_core.vision.video_detection import CutDetector, FaceFollower

IMAGE = np.zeros((48, 64, 3), np.uint8)


def face(x: int) -> Face:
    return Face(Box(x, 0, 10, 10), Landmarks((0, 0), (0, 0), (0, 0), (0, 0), (0, 0)), 0.99)


class Detector:
    """Finds what it is told to, and notes how it was asked."""

    def __init__(self, there: Sequence[int]) -> None:
        self.there = list(there)
        self.asked: list[str] = []
        self.settings: tuple = ()

    def detect(self, image, smallest_face=None, confidence=0.9):
        self.asked.append("detect")
        self.settings = (smallest_face, confidence)
        return [face(x) for x in self.there]

    def follow(self, image, boxes, confidence=0.9):
        self.asked.append("follow")
        return [face(box.x) if box.x in self.there else None for box in boxes]


def test_new_faces_are_detected_twice_a_second() -> None:
    detector = Detector([5])
    follower = FaceFollower(detector)
    for frame in range(11):
        assert len(follower.find(IMAGE, frame / 10)) == 1
    follows = ["follow"] * 4
    assert detector.asked == ["detect", *follows, "detect", *follows, "detect"]


def test_a_lost_face_triggers_detection_in_the_same_frame() -> None:
    detector = Detector([5, 30])
    follower = FaceFollower(detector)
    follower.find(IMAGE, 0.0)
    detector.there = [5]
    assert [one.box.x for one in follower.find(IMAGE, 0.04)] == [5]
    assert detector.asked == ["detect", "follow", "detect"]


def test_without_faces_detection_runs_every_tenth_of_a_second() -> None:
    detector = Detector([])
    follower = FaceFollower(detector)
    for frame in range(10):
        assert follower.find(IMAGE, frame / 40) == []
    assert detector.asked == ["detect"] * 3  # at 0, 0.1 and 0.2 s


def test_a_cut_ends_all_tracks() -> None:
    detector = Detector([5])
    follower = FaceFollower(detector)
    follower.find(IMAGE, 0.0)
    follower.find(IMAGE, 0.04, after_cut=True)
    assert detector.asked == ["detect", "detect"]


def test_detection_uses_the_chosen_settings() -> None:
    detector = Detector([5])
    FaceFollower(detector, smallest_face=33, confidence=0.7).find(IMAGE, 0.0)
    assert detector.settings == (33, 0.7)


@pytest.fixture
def shots() -> tuple[np.ndarray, np.ndarray]:
    return data.astronaut(), data.coffee()[:400, :512]


def cuts(*images: np.ndarray) -> list[bool]:
    each = CutDetector()
    return [each.is_cut(image) for image in images]


def test_a_new_image_is_a_cut_and_a_moved_one_is_not(shots) -> None:
    astronaut, coffee = shots
    moved = np.roll(astronaut, (10, 20), axis=(0, 1))
    assert cuts(astronaut, moved, coffee, coffee, astronaut) == [False, False, True, False, True]


def test_a_flash_is_no_cut(shots) -> None:
    astronaut = shots[0]
    flash = np.minimum(astronaut.astype(int) + 60, 255).astype(np.uint8)
    assert cuts(astronaut, flash, astronaut // 3) == [False, False, False]


def test_fading_to_black_is_one_cut(shots) -> None:
    black = np.zeros_like(shots[0])
    noise = np.random.default_rng(0).integers(0, 3, black.shape, dtype=np.uint8)
    assert cuts(shots[0], black, noise, black) == [False, True, False, False]


def test_motion_before_a_plain_background_is_no_cut(shots) -> None:
    frames = []
    for left in (0, 150, 300):
        frame = np.full((300, 512, 3), 128, np.uint8)
        frame[50:250, left : left + 200] = shots[0][20:220, 130:330]
        frames.append(frame)
    assert cuts(*frames) == [False, False, False]
