"""Faces keep their numbers; probabilities follow in time. Values worked out by hand."""

import math

import numpy as np
import pytest

from fer_core.inference.tracking import Tracker
from fer_core.vision.images import Box
from tests.inference.found_faces import frame_faces

HAPPY, SAD = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def at(x: int, y: int = 100, side: int = 100) -> Box:
    return Box(x, y, side, side)


def numbers(tracker: Tracker, seconds: float, *boxes: Box) -> list[int]:
    rows = np.tile(HAPPY, (len(boxes), 1))
    return [face.number for face in tracker.update(seconds, boxes, rows)]


def test_a_face_keeps_its_number_while_it_moves() -> None:
    tracker = Tracker()
    assert numbers(tracker, 0.0, at(0), at(400)) == [1, 2]
    # The order of the boxes does not matter.
    assert numbers(tracker, 0.1, at(380), at(30)) == [2, 1]
    assert numbers(tracker, 0.2, at(60), at(360), at(800)) == [1, 2, 3]


def test_a_jump_by_more_than_its_size_makes_a_new_face() -> None:
    tracker = Tracker()
    assert numbers(tracker, 0.0, at(0)) == [1]
    assert numbers(tracker, 0.1, at(99)) == [1]
    assert numbers(tracker, 0.2, at(199)) == [2]


def test_a_change_of_size_makes_a_new_face() -> None:
    tracker = Tracker()
    assert numbers(tracker, 0.0, at(0, 0, 100)) == [1]
    assert numbers(tracker, 0.1, at(-50, -50, 200)) == [1]  # ln 2 = 0.69
    assert numbers(tracker, 0.2, at(-250, -250, 600)) == [2]  # ln 3 = 1.10


def test_faces_are_matched_by_the_smallest_total_distance() -> None:
    tracker = Tracker()
    assert numbers(tracker, 0.0, at(0), at(60)) == [1, 2]
    # Both have moved by 50: the first is now nearer to where the second was.
    assert numbers(tracker, 0.1, at(50), at(110)) == [1, 2]


def test_a_briefly_missed_face_keeps_its_number() -> None:
    tracker = Tracker(patience=1.0)
    assert numbers(tracker, 0.0, at(0), at(400)) == [1, 2]
    for tenth in range(1, 10):
        assert numbers(tracker, tenth / 10, at(0)) == [1]
    assert numbers(tracker, 1.0, at(0), at(420)) == [1, 2]


def test_numbers_are_not_reused() -> None:
    tracker = Tracker(patience=1.0)
    assert numbers(tracker, 0.0, at(0)) == [1]
    assert numbers(tracker, 0.5) == []
    assert numbers(tracker, 1.1, at(0)) == [2]


def test_a_cut_gives_all_faces_new_numbers() -> None:
    tracker = Tracker()
    assert numbers(tracker, 0.0, at(0)) == [1]
    tracker.forget()
    assert numbers(tracker, 0.1, at(0)) == [2]


@pytest.mark.parametrize("frames", [1, 5, 30, 240])
def test_smoothing_does_not_depend_on_the_frame_rate(frames: int) -> None:
    tracker = Tracker(time_constant=0.5)
    tracker.update(0.0, [at(0)], HAPPY[None])
    for frame in range(1, frames + 1):
        (face,) = tracker.update(0.5 * frame / frames, [at(0)], SAD[None])
    # One time constant after the change 1/e is left of what was before.
    assert face.smoothed == pytest.approx([1 / math.e, 1 - 1 / math.e])
    assert face.probabilities == pytest.approx(SAD)
    assert face.since == 0.0


def test_smoothed_probabilities_start_at_the_first_frame_and_sum_to_one() -> None:
    tracker = Tracker(time_constant=2.0)
    (face,) = tracker.update(7.0, [at(0)], np.array([[0.3, 0.7]], np.float32))
    assert face.smoothed == pytest.approx([0.3, 0.7])
    for second in range(8, 60):
        (face,) = tracker.update(second, [at(0)], np.array([[0.6, 0.4]], np.float32))
        assert face.smoothed.sum() == pytest.approx(1)
    assert face.smoothed == pytest.approx([0.6, 0.4])


def test_each_face_is_smoothed_separately() -> None:
    tracker = Tracker(time_constant=0.1)
    tracker.update(0.0, [at(0), at(400)], np.array([HAPPY, SAD]))
    left, right = tracker.update(0.1, [at(0), at(400)], np.array([HAPPY, HAPPY]))
    assert left.smoothed == pytest.approx([1, 0])
    assert right.smoothed == pytest.approx([1 - 1 / math.e, 1 / math.e])


def test_without_a_time_constant_nothing_is_smoothed() -> None:
    tracker = Tracker(time_constant=0)
    tracker.update(0.0, [at(0)], HAPPY[None])
    (face,) = tracker.update(0.0, [at(0)], SAD[None])
    assert face.smoothed == pytest.approx(SAD)


def test_a_box_without_area_is_allowed() -> None:
    assert numbers(Tracker(), 0.0, Box(0, 0, 0, 0), at(0)) == [1, 2]


def test_the_trackers_memory_does_not_grow() -> None:
    tracker = Tracker(patience=0.5)
    for frame in range(1000):
        numbers(tracker, frame / 10, at(1000 * frame))
    assert len(tracker._known) <= 6


def test_frames_out_of_order_are_refused() -> None:
    tracker = Tracker()
    numbers(tracker, 1.0, at(0))
    with pytest.raises(ValueError, match=r"not be earlier than the last, at 1.0 s. Received: 0.9"):
        numbers(tracker, 0.9, at(0))
    with pytest.raises(ValueError, match="Received: nan"):
        numbers(tracker, math.nan, at(0))


def test_as_many_boxes_as_probabilities_are_required() -> None:
    with pytest.raises(ValueError, match="each of 2 boxes. Received: 1"):
        Tracker().update(0.0, [at(0), at(400)], HAPPY[None])


def test_a_weak_face_is_not_sure_in_its_frame_alone() -> None:
    tracker, row = Tracker(), np.array([[0.9, 0.1]])
    (blurred,) = tracker.follow(0.0, frame_faces([at(0)], row, is_blurred=True))
    assert blurred.answer(("happy", "sad"), 0.5) == "not sure"
    assert blurred.answer(("happy", "sad"), 0.0) == "happy"
    (doubtful,) = tracker.follow(0.1, frame_faces([at(0)], row, confidence=0.9))
    assert doubtful.is_doubtful and doubtful.answer(("happy", "sad"), 0.5) == "not sure"
    (sure,) = tracker.follow(0.2, frame_faces([at(0)], row))
    assert sure.answer(("happy", "sad"), 0.5) == "happy" and sure.number == 1


@pytest.mark.parametrize("name", ["time_constant", "patience"])
@pytest.mark.parametrize("value", [-0.1, math.nan])
def test_an_invalid_time_constant_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be 0 seconds or more. Received: {value}"):
        Tracker(**{name: value})
