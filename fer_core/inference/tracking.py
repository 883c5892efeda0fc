"""Tracks faces from frame to frame and smooths their probabilities over time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from fer_core.errors import FerError
from fer_core.evaluation import label_or_abstain
from fer_core.vision import Box

if TYPE_CHECKING:
    from fer_core.vision import Face

TIME_CONSTANT = 0.5  # seconds
PATIENCE = 1.0  # seconds
# Two boxes may belong to the same face if the distance of their centers, as a share of their size,
# plus the natural logarithm of the ratio of their sizes is below this. Boxes side by side are at 1.
_MAX_DISTANCE = 1.0


@dataclass(frozen=True)
class TrackedFace:
    """Holds a face in a frame, with its number and its smoothed probabilities."""

    number: int  # from 1; the same in all frames of a face, and never reused
    box: Box
    probabilities: np.ndarray  # float, (classes,): of this frame only
    smoothed: np.ndarray  # float, (classes,): over this frame and earlier ones; they sum to 1
    since: float  # seconds: when the face first appeared
    is_doubtful: bool = False  # in this frame: see `vision.Face`
    is_blurred: bool = False  # in this frame: see `Recognition`

    @property
    def is_weak(self) -> bool:
        """Tells whether the face is doubtful or blurred, so that no answer is sure."""
        return self.is_doubtful or self.is_blurred

    def answer(self, class_names: Sequence[str], threshold: float) -> str:
        """Returns the expression by the smoothed probabilities, or "not sure".

        As for a photo, a face that is doubtful or blurred gets no other answer.
        """
        smoothed = dict(zip(class_names, self.smoothed.tolist(), strict=True))
        return label_or_abstain(smoothed, threshold, is_weak=self.is_weak)


@dataclass(frozen=True)
class FrameFaces:
    """Holds the faces that were found in a frame."""

    faces: Sequence["Face"]
    probabilities: np.ndarray  # float, (faces, classes)
    blurred: Sequence[bool]


class Tracker:
    """Numbers the faces of one video or camera, for frames in order of time. Not thread-safe.

    Matches faces with those of earlier frames by place and size, minimizing the total distance. A
    missed face keeps its number if it reappears near its last place within the patience. Memory
    does not grow with the number of frames.
    """

    def __init__(self, time_constant: float = TIME_CONSTANT, patience: float = PATIENCE) -> None:
        """Starts without faces.

        Args:
            time_constant: seconds after which the smoothed probabilities show 63 % (1 - 1/e) of a
                change, at any frame rate; 0 turns smoothing off.
            patience: seconds for which a missed face is remembered.

        Raises:
            FerError: an argument is negative or NaN.
        """
        for name, value in (("time_constant", time_constant), ("patience", patience)):
            if not value >= 0:
                raise FerError(f"`{name}` must be 0 seconds or more. Received: {value}")
        self.time_constant = time_constant
        self.patience = patience
        self._known: dict[int, _KnownFace] = {}
        self._last_number = 0
        self._seconds = -math.inf

    def update(
        self, seconds: float, boxes: Sequence[Box], probabilities: np.ndarray
    ) -> list[TrackedFace]:
        """Returns the faces of the next frame with their numbers, in the order of the boxes.

        Args:
            seconds: time of the frame, from any origin.
            boxes: in pixels, at the same scale in all frames.
            probabilities: of the classifier, (len(boxes), classes).

        Raises:
            FerError: the time is before the last frame's, or the number of rows differs from the
                number of boxes.
        """
        if not seconds >= self._seconds:
            raise FerError(
                f"A frame must not be earlier than the last, at {self._seconds} s. "
                f"Received: {seconds} s"
            )
        if len(boxes) != len(probabilities):
            raise FerError(
                f"There must be a row of probabilities for each of {len(boxes)} boxes. "
                f"Received: {len(probabilities)}"
            )
        self._seconds = seconds
        self._known = {
            number: known
            for number, known in self._known.items()
            if seconds - known.seen <= self.patience
        }
        numbers = self._match(boxes)
        return [
            self._update_face(number, box, row)
            for number, box, row in zip(numbers, boxes, probabilities, strict=True)
        ]

    def follow(self, seconds: float, found: FrameFaces) -> list[TrackedFace]:
        """Returns the faces of the next frame with their numbers; see `update`."""
        tracked = self.update(seconds, [face.box for face in found.faces], found.probabilities)
        return [
            replace(each, is_doubtful=face.is_doubtful, is_blurred=is_blurred)
            for each, face, is_blurred in zip(tracked, found.faces, found.blurred, strict=True)
        ]

    def forget(self) -> None:
        """Forgets all faces, as after a cut; numbering continues."""
        self._known.clear()

    def _match(self, boxes: Sequence[Box]) -> list[int]:
        """Returns a number for each box: of the known face that it matches, or a new one."""
        matched: dict[int, int] = {}
        if self._known and boxes:
            known = list(self._known)
            distances = _distances([self._known[number].box for number in known], boxes)
            # Pairs beyond the limit cost as much as no pair.
            rows, columns = linear_sum_assignment(np.minimum(distances, _MAX_DISTANCE))
            near = distances[rows, columns] < _MAX_DISTANCE
            matched = {int(c): known[r] for r, c in zip(rows[near], columns[near], strict=True)}
        return [matched.get(position) or self._new_number() for position in range(len(boxes))]

    def _new_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _update_face(self, number: int, box: Box, probabilities: np.ndarray) -> TrackedFace:
        known = self._known.get(number)
        since, smoothed = self._seconds, probabilities
        if known is not None:
            since = known.since
            weight = self._past_weight(self._seconds - known.seen)
            smoothed = weight * known.smoothed + (1 - weight) * probabilities
        self._known[number] = _KnownFace(box, smoothed, self._seconds, since)
        return TrackedFace(number, box, probabilities, smoothed, since)

    def _past_weight(self, elapsed: float) -> float:
        """Returns the weight of earlier frames, in [0, 1], after some seconds."""
        return math.exp(-elapsed / self.time_constant) if self.time_constant else 0.0


@dataclass(frozen=True)
class _KnownFace:
    """Holds the state of a face between frames."""

    box: Box
    smoothed: np.ndarray
    seen: float  # seconds: when it last appeared
    since: float


def _distances(known: Sequence[Box], boxes: Sequence[Box]) -> np.ndarray:
    """Returns distances in place and size, (known, boxes); 0 for equal boxes."""
    one, other = _centers_and_sizes(known)[:, None], _centers_and_sizes(boxes)[None]
    distance = np.hypot(*np.moveaxis(one[..., :2] - other[..., :2], -1, 0))
    return distance / np.sqrt(one[..., 2] * other[..., 2]) + np.abs(
        np.log(one[..., 2] / other[..., 2])
    )


def _centers_and_sizes(boxes: Sequence[Box]) -> np.ndarray:
    """Returns center x, center y and the geometric mean of the sides, (boxes, 3)."""
    sides = [(box.x, box.y, max(1, box.width), max(1, box.height)) for box in boxes]
    x, y, width, height = np.array(sides, float).T
    return np.column_stack([x + width / 2, y + height / 2, np.sqrt(width * height)])
