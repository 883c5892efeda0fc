"""Faces, by MTCNN."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from fer_core.vision.image_pyramid import lay_out
from fer_core.vision.images import Box, check_rgb, crop_face, resize
from fer_core.vision.mtcnn import PATCH, WINDOW, Cascade

CONFIDENCE = 0.9  # a face that the last network is less sure of is none
_WORKING_FACE = 20  # pixels of the smallest face in the reduced image that is searched
_OVERLAP = 0.7  # of the smaller of two boxes: above they are of one face
_NONE = np.empty((0, 15), np.float32)


@dataclass(frozen=True)
class Landmarks:
    """Points of a face, (x, y) in pixels; left and right as they are in the picture."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A detected face. At the border of the image its box may leave it."""

    box: Box
    landmarks: Landmarks
    confidence: float  # of the detector, in [0, 1]

    @property
    def tilt(self) -> float:
        """Degrees by which the face leans clockwise in the picture, as the eyes say."""
        (x, y), (right_x, right_y) = self.landmarks.left_eye, self.landmarks.right_eye
        return math.degrees(math.atan2(right_y - y, right_x - x))


def smallest_sought(height: int, width: int, wished: int | None = None) -> int:
    """The size in pixels from which on faces are sought in an image of a given size.

    Unless wished otherwise 1/32 of the longer side, at least 20. Never less than 1/128 of it,
    since time and memory grow with the square, nor less than 12.
    """
    longer = max(height, width)
    return max(WINDOW, longer // 128, wished or max(_WORKING_FACE, longer // 32))


class FaceDetector:
    """MTCNN (Zhang et al. 2016) by the trained networks of the `mtcnn` package.

    May be shared by threads. The package's own pipeline loses faces when a smallest size is set,
    and takes wrong input for a photo without faces.
    """

    def __init__(self) -> None:
        self._cascade = Cascade()

    def detect(
        self, image: np.ndarray, smallest_face: int | None = None, confidence: float = CONFIDENCE
    ) -> list[Face]:
        """The faces of an image, uint8 RGB of shape (height, width, 3), from left to right.

        Args:
            smallest_face: in pixels of this image; see `smallest_sought`.
            confidence: least confidence of the detector, in [0, 1].

        Raises:
            ValueError: the image is not uint8 RGB.
        """
        check_rgb(image)
        height, width = image.shape[:2]
        smallest = smallest_sought(height, width, smallest_face)
        factor = min(1.0, _WORKING_FACE / smallest)
        reduced = _shrunk(image, max(1, round(height * factor)), max(1, round(width * factor)))
        sheets = lay_out(reduced, WINDOW / (smallest * factor))
        located = self._cascade.find(reduced, sheets) if len(sheets.places) else _NONE
        inside = _centred_in(located, reduced.shape)
        located = _distinct(located[inside & (located[:, 4] >= confidence)])
        scale = width / reduced.shape[1], height / reduced.shape[0]
        return sorted((_face(row, scale) for row in located), key=lambda face: face.box.x)

    def follow(
        self, image: np.ndarray, boxes: Sequence[Box], confidence: float = CONFIDENCE
    ) -> list[Face | None]:
        """The faces of these boxes in the frame that comes next; None where one is lost.

        The last network alone looks, and near the boxes only: many times quicker than `detect`,
        which is still needed now and then, for faces that are new or moved far.

        Args:
            image: uint8 RGB, (height, width, 3).
            boxes: where the faces were, in pixels; the answers are in their order.
            confidence: least confidence of the detector, in [0, 1].

        Raises:
            ValueError: the image is not uint8 RGB.
        """
        check_rgb(image)
        squares = _squares(boxes)
        inside = np.flatnonzero(_centred_in(squares, image.shape))
        found: list[Face | None] = [None] * len(boxes)
        if len(inside):
            patches = np.stack([_patch(image, square) for square in squares[inside]])
            rows = np.column_stack([self._cascade.look(patches, squares[inside]), inside])
            rows = rows[_centred_in(rows, image.shape) & (rows[:, 4] >= confidence)]
            for row in _distinct(rows):
                found[int(row[-1])] = _face(row[:-1], (1.0, 1.0))
        return found


def _shrunk(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The image in a smaller size; large ones are halved first, which takes a third of the time."""
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        halves = image.shape[0] // 2, image.shape[1] // 2
        image = resize(image[: 2 * halves[0], : 2 * halves[1]], *halves)
    return resize(image, height, width)


def _squares(boxes: Sequence[Box]) -> np.ndarray:
    """Squares (n, 4) in whole pixels, with the longer side of each box, around its centre."""
    x, y, width, height = np.array([astuple(box) for box in boxes], float).reshape(-1, 4).T
    sides = np.maximum(1, np.maximum(width, height))
    corners = np.rint([x + (width - sides) / 2, y + (height - sides) / 2])
    return np.column_stack([*corners, *(corners + sides)])


def _patch(image: np.ndarray, square: np.ndarray) -> np.ndarray:
    """A square of the photo as the last network takes it, uint8 (48, 48, 3)."""
    left, top, right, bottom = square.astype(int).tolist()
    return resize(crop_face(image, Box(left, top, right - left, bottom - top)), PATCH, PATCH)


def _centred_in(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Whether the centres of boxes are in an image; outside there is nothing to crop."""
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return ((centres >= 0) & (centres < shape[1::-1])).all(axis=1)


def _distinct(located: np.ndarray) -> np.ndarray:
    """The rows, best first, without boxes of which a better one covers more than 7 tenths.

    Or that cover so much of a better, smaller one. Column 4 is the confidence.
    """
    located = located[np.argsort(-located[:, 4], kind="stable")]
    low, high = located[:, None, :2], located[:, None, 2:4]
    sides = np.minimum(high, located[:, 2:4]) - np.maximum(low, located[:, :2])
    areas = np.prod(located[:, 2:4] - located[:, :2], axis=1)
    shared = np.prod(np.maximum(0, sides), axis=2)
    alike = shared > _OVERLAP * np.minimum(areas[:, None], areas)
    kept: list[int] = []
    for position in range(len(located)):
        if not alike[position, kept].any():
            kept.append(position)
    return located[kept]


def _face(located: np.ndarray, scale: tuple[float, float]) -> Face:
    """The record of a located face, in pixels of the original image and Python's own numbers."""
    x, y, right, bottom = (round(value) for value in (located[:4] * (scale * 2)).tolist())
    landmarks = (tuple(point) for point in (located[5:].reshape(2, 5).T * scale).tolist())
    return Face(Box(x, y, right - x, bottom - y), Landmarks(*landmarks), float(located[4]))
