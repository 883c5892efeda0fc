"""Finds faces with MTCNN."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from fer_core.vision.image_pyramid import build_pyramid
from fer_core.vision.images import Box, check_rgb, crop_face, resize
from fer_core.vision.mtcnn import WINDOW, Cascade
from fer_core.vision.mtcnn_networks import PATCH

MIN_CONFIDENCE = 0.9  # default; the last network's probability that a box holds a face
_WORKING_FACE = 20  # pixels of the smallest face, in the reduced image that is searched
_OVERLAP = 0.7  # share of the smaller of two boxes; above it they hold the same face
_NONE = np.empty((0, 15), np.float32)


@dataclass(frozen=True)
class Landmarks:
    """Points of a face, (x, y) in pixels; left and right as seen in the image."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A detected face. Its box may extend beyond the image."""

    box: Box
    landmarks: Landmarks
    confidence: float  # the detector's, in [0, 1]

    @property
    def tilt(self) -> float:
        """Clockwise rotation of the line through the eyes, in degrees."""
        (x, y), (right_x, right_y) = self.landmarks.left_eye, self.landmarks.right_eye
        return math.degrees(math.atan2(right_y - y, right_x - x))


def min_face_size(height: int, width: int, requested: int | None = None) -> int:
    """Returns the size in pixels of the smallest faces that are searched for in an image.

    The default is 1/32 of the longer side, and at least 20 pixels. A requested size is raised to
    1/128 of the longer side, since time and memory grow with the square, and to 12 pixels.
    """
    longer = max(height, width)
    return max(WINDOW, longer // 128, requested or max(_WORKING_FACE, longer // 32))


class FaceDetector:
    """MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package. Thread-safe.

    The package's own pipeline loses faces when a minimum size is set, and silently accepts
    invalid input as an image without faces.
    """

    def __init__(self) -> None:
        self._cascade = Cascade()

    def detect(
        self,
        image: np.ndarray,
        smallest_face: int | None = None,
        confidence: float = MIN_CONFIDENCE,
    ) -> list[Face]:
        """Returns the faces of an image from left to right.

        Args:
            image: uint8 RGB, (height, width, 3).
            smallest_face: minimum size in pixels of this image; see `min_face_size`.
            confidence: minimum confidence of the detector, in [0, 1].

        Raises:
            FerError: the image is not uint8 RGB.
        """
        check_rgb(image)
        height, width = image.shape[:2]
        smallest = min_face_size(height, width, smallest_face)
        factor = min(1.0, _WORKING_FACE / smallest)
        reduced = _reduce(image, max(1, round(height * factor)), max(1, round(width * factor)))
        sheets = build_pyramid(reduced, WINDOW / (smallest * factor))
        located = self._cascade.find(reduced, sheets) if len(sheets.places) else _NONE
        inside = _is_center_inside(located, reduced.shape)
        located = _suppress_overlaps(located[inside & (located[:, 4] >= confidence)])
        scale = width / reduced.shape[1], height / reduced.shape[0]
        return sorted((_face(row, scale) for row in located), key=lambda face: face.box.x)

    def follow(
        self, image: np.ndarray, boxes: Sequence[Box], confidence: float = MIN_CONFIDENCE
    ) -> list[Face | None]:
        """Locates the faces of the previous frame in the next one; None where one is lost.

        Runs the last network only, and only near the boxes: many times faster than `detect`, which
        is still needed now and then to find new faces and those that moved far.

        Args:
            image: uint8 RGB, (height, width, 3).
            boxes: where the faces were, in pixels; the results are in the same order.
            confidence: minimum confidence of the detector, in [0, 1].

        Raises:
            FerError: the image is not uint8 RGB.
        """
        check_rgb(image)
        squares = _enclosing_squares(boxes)
        inside = np.flatnonzero(_is_center_inside(squares, image.shape))
        faces: list[Face | None] = [None] * len(boxes)
        if len(inside):
            patches = np.stack([_patch(image, square) for square in squares[inside]])
            rows = np.column_stack([self._cascade.refine(patches, squares[inside]), inside])
            rows = rows[_is_center_inside(rows, image.shape) & (rows[:, 4] >= confidence)]
            for row in _suppress_overlaps(rows):
                faces[int(row[-1])] = _face(row[:-1], (1.0, 1.0))
        return faces


def _reduce(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrinks an image; halving a large one first takes a third of the time."""
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        halves = image.shape[0] // 2, image.shape[1] // 2
        image = resize(image[: 2 * halves[0], : 2 * halves[1]], *halves)
    return resize(image, height, width)


def _enclosing_squares(boxes: Sequence[Box]) -> np.ndarray:
    """Returns squares (n, 4) in whole pixels with the centers and longer sides of boxes."""
    x, y, width, height = np.array([astuple(box) for box in boxes], float).reshape(-1, 4).T
    sides = np.maximum(1, np.maximum(width, height))
    corners = np.rint([x + (width - sides) / 2, y + (height - sides) / 2])
    return np.column_stack([*corners, *(corners + sides)])


def _patch(image: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Crops a square of the image to the input of the last network, uint8 (48, 48, 3)."""
    left, top, right, bottom = square.astype(int).tolist()
    return resize(crop_face(image, Box(left, top, right - left, bottom - top)), PATCH, PATCH)


def _is_center_inside(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Tells which boxes have their center inside the image; others have nothing to crop."""
    centers = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return ((centers >= 0) & (centers < shape[1::-1])).all(axis=1)


def _suppress_overlaps(located: np.ndarray) -> np.ndarray:
    """Drops each box that overlaps a better one by more than `_OVERLAP` of the smaller box.

    Returns the remaining rows by descending confidence, which is column 4.
    """
    located = located[np.argsort(-located[:, 4], kind="stable")]
    low, high = located[:, None, :2], located[:, None, 2:4]
    sides = np.minimum(high, located[:, 2:4]) - np.maximum(low, located[:, :2])
    areas = np.prod(located[:, 2:4] - located[:, :2], axis=1)
    shared = np.prod(np.maximum(0, sides), axis=2)
    overlaps = shared > _OVERLAP * np.minimum(areas[:, None], areas)
    kept: list[int] = []
    for position in range(len(located)):
        if not overlaps[position, kept].any():
            kept.append(position)
    return located[kept]


def _face(located: np.ndarray, scale: tuple[float, float]) -> Face:
    """Returns the face of a row, scaled to the original image, in plain Python numbers."""
    x, y, right, bottom = (round(value) for value in (located[:4] * (scale * 2)).tolist())
    landmarks = (tuple(point) for point in (located[5:].reshape(2, 5).T * scale).tolist())
    return Face(Box(x, y, right - x, bottom - y), Landmarks(*landmarks), float(located[4]))
