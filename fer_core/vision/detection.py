"""Finds faces with MTCNN, and looks at each of them again."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from fer_core.vision.image_pyramid import build_pyramid
from fer_core.vision.images import Box, check_rgb, crop_face, resize
from fer_core.vision.mtcnn import WINDOW, Cascade
from fer_core.vision.mtcnn_networks import PATCH

# Chosen on 179 photos of crowds, people, animals, rooms and machines. Of the 370 faces among what
# the cascade proposes there, told apart by eye, 356 are found, and no other box (by one look of at
# least 0.9: 353, and 5). The most confident box without a face had 0.82. Faces that the cascade
# does not propose are not counted; `tests/benchmarks/face_counts.py` has photos with all marked.
MIN_CONFIDENCE = 0.85  # default; the mean probability that a box holds a face
SURE_CONFIDENCE = 0.95  # less likely boxes are doubtful: they may not hold a face
_CANDIDATE = 0.5  # minimum confidence at the first look, for a second one
_WORKING_FACE = 20  # pixels of the smallest face, in the reduced image that is searched
# Shares of the smaller of two boxes above which they hold the same face: first to spare a second
# look, then for good. Two faces of a crowd share up to 0.25, two boxes on a face at least 0.45.
_SAME_PLACE, _OVERLAP = 0.7, 0.35
_SHIFT = 5  # pixels of the last network's input, about a tenth of the face
_LOOKS = 4  # mirrored, and shifted four ways
_NONE = np.empty((0, 15), np.float32)


@dataclass(frozen=True)
class Landmarks:
    """Holds the points of a face, (x, y) in pixels; left and right as seen in the image."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth_left: tuple[float, float]
    mouth_right: tuple[float, float]


@dataclass(frozen=True)
class Face:
    """Holds a detected face, or a whole picture of one. Its box may extend beyond the image."""

    box: Box
    landmarks: Landmarks | None  # None for a whole picture
    confidence: float  # the detector's, in [0, 1]; NaN for a whole picture, which it did not see

    @classmethod
    def whole(cls, image: np.ndarray) -> "Face":
        """Returns a whole image, (height, width, 3), as a face that was cropped already."""
        return cls(Box(0, 0, image.shape[1], image.shape[0]), None, math.nan)

    @property
    def is_whole(self) -> bool:
        """Tells whether this is a whole picture rather than a detected face."""
        return self.landmarks is None

    @property
    def is_doubtful(self) -> bool:
        """Tells whether the box may well not hold a face."""
        return self.confidence < SURE_CONFIDENCE

    @property
    def tilt(self) -> float:
        """Returns the clockwise rotation of the eyes' line in degrees; 0 for a whole picture."""
        if self.landmarks is None:
            return 0.0
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
    """Runs MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package. Thread-safe.

    The package's own pipeline loses faces when a minimum size is set, and silently accepts
    invalid input as an image without faces.

    The last network checks each box of the cascade again, shifted and mirrored: a face stays one,
    while what resembles one by chance, such as furniture or cloth, does so in one place only.
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
            confidence: minimum confidence of the detector, in [0, 1]; the mean over all looks.

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
        located = _suppress_overlaps(located[inside & (located[:, 4] >= _CANDIDATE)], _SAME_PLACE)
        located[:, 4] = self._mean_confidence(image, reduced, located)
        located = _suppress_overlaps(located[located[:, 4] >= confidence], _OVERLAP)
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
            for row in _suppress_overlaps(rows, _OVERLAP):
                faces[int(row[-1])] = _face(row[:-1], (1.0, 1.0))
        return faces

    def _mean_confidence(
        self, image: np.ndarray, reduced: np.ndarray, located: np.ndarray
    ) -> np.ndarray:
        """Returns the mean confidence (n,) of the first look at each box and of `_LOOKS` more.

        Boxes are in pixels of the reduced image.
        """
        if not len(located):
            return located[:, 4]
        patches = np.concatenate([_looks(image, reduced, row[:4]) for row in located])
        again = self._cascade.refine(patches, np.repeat(located[:, :4], _LOOKS, axis=0))[:, 4]
        return np.column_stack([located[:, 4], again.reshape(-1, _LOOKS)]).mean(axis=1)


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


def _looks(image: np.ndarray, reduced: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Crops a box of the reduced image, mirrored and shifted left, right, up and down.

    A box that is small there is cropped from the original image, which is sharper. Returns inputs
    of the last network, uint8 (`_LOOKS`, 48, 48, 3).
    """
    side = PATCH + 2 * _SHIFT
    source = reduced if max(corners[2:] - corners[:2]) >= side else image
    x, y, right, bottom = corners * (source.shape[1] / reduced.shape[1])
    ((left, top, end, _),) = _enclosing_squares([Box(x, y, right - x, bottom - y)]).astype(int)
    square = Box(left, top, end - left, end - left)
    wide = resize(crop_face(source, square, 2 * _SHIFT / PATCH), side, side)[:, ::-1]
    starts = ((_SHIFT, 0), (_SHIFT, 2 * _SHIFT), (0, _SHIFT), (2 * _SHIFT, _SHIFT))  # row, column
    return np.stack([wide[row : row + PATCH, column : column + PATCH] for row, column in starts])


def _is_center_inside(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Tells which boxes have their center inside the image; others have nothing to crop."""
    centers = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return ((centers >= 0) & (centers < shape[1::-1])).all(axis=1)


def _suppress_overlaps(located: np.ndarray, most: float) -> np.ndarray:
    """Drops each box that shares more than `most` of the smaller box with a better one.

    Returns the remaining rows by descending confidence, which is column 4.
    """
    located = located[np.argsort(-located[:, 4], kind="stable")]
    low, high = located[:, None, :2], located[:, None, 2:4]
    sides = np.minimum(high, located[:, 2:4]) - np.maximum(low, located[:, :2])
    areas = np.prod(located[:, 2:4] - located[:, :2], axis=1)
    shared = np.prod(np.maximum(0, sides), axis=2)
    overlaps = shared > most * np.minimum(areas[:, None], areas)
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
