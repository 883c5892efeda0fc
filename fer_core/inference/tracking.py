"""Faces followed from frame to frame, their probabilities smoothed over time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from fer_core.errors import FerError
from fer_core.vision import Box

TIME_CONSTANT = 0.5  # seconds
PATIENCE = 1.0  # seconds
# Of two boxes of one face: the distance of their centres as a share of their size, and the natural
# logarithm of the ratio of their sizes, together at most this. Boxes side by side are at 1.
_FARTHEST = 1.0


@dataclass(frozen=True)
class Tracked:
    """A face in a frame, known from the frames before or new."""

    number: int  # from 1; the same in all frames of one face, and never given again
    box: Box
    probabilities: np.ndarray  # float, (classes,): of this frame alone
    smoothed: np.ndarray  # float, (classes,): of this frame and those before it; their sum is 1
    since: float  # seconds: when the face was first seen


class Tracker:
    """Gives the faces of one film or camera their numbers; for frames in the order of time.

    A face is the one of an earlier frame that is nearest in place and size, all faces taken
    together. One that is missed keeps its number if it comes back, near where it was, within the
    patience. What is kept does not grow with the number of frames. Not to be shared by threads.
    """

    def __init__(self, time_constant: float = TIME_CONSTANT, patience: float = PATIENCE) -> None:
        """Makes a tracker that has seen nothing.

        Args:
            time_constant: seconds after which 63 % (1 - 1/e) of a change show in the smoothed
                probabilities, however many frames there were; 0 does not smooth.
            patience: seconds for which a face that is missed is remembered.

        Raises:
            FerError: one of them is negative or no number.
        """
        for name, value in (("time_constant", time_constant), ("patience", patience)):
            if not value >= 0:
                raise FerError(f"`{name}` must be 0 seconds or more. Received: {value}")
        self.time_constant = time_constant
        self.patience = patience
        self._known: dict[int, _Known] = {}
        self._last_number = 0
        self._seconds = -math.inf

    def update(
        self, seconds: float, boxes: Sequence[Box], probabilities: np.ndarray
    ) -> list[Tracked]:
        """The faces of the next frame with their numbers, in the order of the boxes.

        Args:
            seconds: when the frame was taken, from any beginning.
            boxes: in pixels, in the same scale in all frames.
            probabilities: (len(boxes), classes), as the classifier gives them.

        Raises:
            FerError: the time is before that of the last frame, or there is not one row of
                probabilities for every box.
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
        numbers = self._numbers(boxes)
        return [
            self._note(number, box, row)
            for number, box, row in zip(numbers, boxes, probabilities, strict=True)
        ]

    def forget(self) -> None:
        """Takes the faces to come for new ones, as after a cut; numbers go on."""
        self._known.clear()

    def _numbers(self, boxes: Sequence[Box]) -> list[int]:
        """A number for every box: of the known face that it is, or a new one."""
        found: dict[int, int] = {}
        if self._known and boxes:
            known = list(self._known)
            apart = _apart([self._known[number].box for number in known], boxes)
            # What is too far apart costs no more than no pair at all.
            rows, columns = linear_sum_assignment(np.minimum(apart, _FARTHEST))
            near = apart[rows, columns] < _FARTHEST
            found = {int(c): known[r] for r, c in zip(rows[near], columns[near], strict=True)}
        return [found.get(position) or self._new_number() for position in range(len(boxes))]

    def _new_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _note(self, number: int, box: Box, probabilities: np.ndarray) -> Tracked:
        before = self._known.get(number)
        since, smoothed = self._seconds, probabilities
        if before is not None:
            since = before.since
            kept = self._kept(self._seconds - before.seen)
            smoothed = kept * before.smoothed + (1 - kept) * probabilities
        self._known[number] = _Known(box, smoothed, self._seconds, since)
        return Tracked(number, box, probabilities, smoothed, since)

    def _kept(self, passed: float) -> float:
        """How much of the past is left after so many seconds, in [0, 1]."""
        return math.exp(-passed / self.time_constant) if self.time_constant else 0.0


@dataclass(frozen=True)
class _Known:
    """What is remembered of a face."""

    box: Box
    smoothed: np.ndarray
    seen: float  # seconds: when it was last seen
    since: float


def _apart(known: Sequence[Box], boxes: Sequence[Box]) -> np.ndarray:
    """How unlike each two boxes are in place and size, (known, boxes); 0 where they are equal."""
    one, other = _places(known)[:, None], _places(boxes)[None]
    distance = np.hypot(*np.moveaxis(one[..., :2] - other[..., :2], -1, 0))
    return distance / np.sqrt(one[..., 2] * other[..., 2]) + np.abs(
        np.log(one[..., 2] / other[..., 2])
    )


def _places(boxes: Sequence[Box]) -> np.ndarray:
    """Centre x, centre y, and the geometric mean of the sides: (boxes, 3)."""
    sides = [(box.x, box.y, max(1, box.width), max(1, box.height)) for box in boxes]
    x, y, width, height = np.array(sides, float).T
    return np.column_stack([x + width / 2, y + height / 2, np.sqrt(width * height)])
