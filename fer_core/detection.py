"""Faces, by MTCNN."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import keras
import mtcnn
import numpy as np
import tensorflow as tf
from mtcnn.stages import StageONet, StagePNet, StageRNet

from fer_core.images import Box, check_rgb, crop_face, resize

CONFIDENCE = 0.9  # a face that the last network is less sure of is none
_WORKING_FACE = 20  # pixels of the smallest face in the reduced image that is searched
_WINDOW, _STRIDE = 12, 2  # pixels; how the first network walks over a level of the pyramid
_BORDER = 4  # pixels of gray around a level: faces that the image cuts off are found, too
_SCALE_STEP, _LAST = 0.709, 9  # between levels, half the area; pixels of the smallest level
_PROPOSED, _REFINED = 0.6, 0.7  # least confidence of the first two networks


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


def smallest_sought(height: int, width: int, wished: int | None = None) -> int:
    """The size in pixels from which on faces are sought in an image of a given size.

    Unless wished otherwise 1/32 of the longer side, at least 20. Never less than 1/128 of it,
    since time and memory grow with the square, nor less than 12.
    """
    longer = max(height, width)
    return max(_WINDOW, longer // 128, wished or max(_WORKING_FACE, longer // 32))


class FaceDetector:
    """MTCNN (Zhang et al. 2016) by the trained networks of the `mtcnn` package.

    May be shared by threads. The package's own pipeline loses faces when a smallest size is set,
    and takes wrong input for a photo without faces.
    """

    def __init__(self) -> None:
        # Absolute: bare names are looked for in the current directory first, and unpickled.
        weights = Path(mtcnn.__file__).resolve().parent / "assets" / "weights"
        self._propose = _compiled(StagePNet(weights=str(weights / "pnet.lz4")).model)
        self._refine = _compiled(StageRNet(weights=str(weights / "rnet.lz4")).model)
        self._locate = _compiled(StageONet(weights=str(weights / "onet.lz4")).model)

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
        reduced = resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
        pixels = (reduced.astype(np.float32) - 127.5) / 128
        boxes = self._proposed(pixels, smallest * factor)
        boxes = self._refined(pixels, boxes) if len(boxes) else boxes
        located = self._located(pixels, boxes, confidence) if len(boxes) else boxes
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
        known = np.array([astuple(box) for box in boxes], float).reshape(-1, 4)
        squares = _squares(np.column_stack([known[:, :2], known[:, :2] + known[:, 2:]]))
        inside = np.flatnonzero(_centred_in(squares, image.shape))
        found: list[Face | None] = [None] * len(boxes)
        if len(inside):
            patches = np.stack([_patch(image, square) for square in squares[inside]])
            rows = np.column_stack([self._read(patches, squares[inside]), inside])
            rows = rows[_centred_in(rows, image.shape) & (rows[:, 4] >= confidence)]
            for row in _distinct(rows, 0.7, of_the_smaller=True):
                found[int(row[-1])] = _face(row[:-1], (1.0, 1.0))
        return found

    def _proposed(self, pixels: np.ndarray, smallest: float) -> np.ndarray:
        """Squares that may hold a face, from every level of the pyramid."""
        found = [np.empty((0, 5), np.float32)]
        for level in _pyramid(pixels, smallest):
            offsets, faces = (out.numpy()[0] for out in self._propose(level[None]))
            rows, columns = np.nonzero(faces[..., 1] > _PROPOSED)
            corners = np.stack([columns, rows, columns, rows], axis=1) * _STRIDE - _BORDER
            windows = corners + np.array([0, 0, _WINDOW, _WINDOW], np.float32)
            boxes = _moved(windows, offsets[rows, columns])
            inner = np.array(level.shape[1::-1]) - 2 * _BORDER
            boxes *= np.tile(pixels.shape[1::-1] / inner, 2)
            found.append(_distinct(np.column_stack([boxes, faces[rows, columns, 1]]), 0.5))
        return _squares(_distinct(np.concatenate(found), 0.7))

    def _refined(self, pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """What the second network keeps of the proposals, as squares nearer to the faces."""
        offsets, faces = (out.numpy() for out in self._refine(_patches(pixels, boxes, 24)))
        boxes = np.column_stack([_moved(boxes, offsets), faces[:, 1]])
        return _squares(_distinct(boxes[boxes[:, 4] > _REFINED], 0.7))

    def _located(self, pixels: np.ndarray, boxes: np.ndarray, confidence: float) -> np.ndarray:
        """Faces as `_read` gives them."""
        located = self._read(_patches(pixels, boxes, 48), boxes)
        inside = _centred_in(located, pixels.shape)
        return _distinct(located[inside & (located[:, 4] >= confidence)], 0.7, True)

    def _read(self, patches: np.ndarray | tf.Tensor, squares: np.ndarray) -> np.ndarray:
        """What the last network says of patches of 48 pixels a side.

        (n, 15): x1, y1, x2, y2, confidence, then x and then y of the five landmarks.
        """
        offsets, landmarks, faces = (out.numpy() for out in self._locate(patches))
        sides = squares[:, 2:3] - squares[:, :1]
        points = np.repeat(squares[:, :2], 5, axis=1) + sides * landmarks
        return np.column_stack([_moved(squares, offsets), faces[:, 1], points])


def _compiled(model: keras.Model) -> Callable[..., list[tf.Tensor]]:
    """The network as one TensorFlow function, traced once for inputs of every size."""
    signature = [tf.TensorSpec((None, None, None, 3), tf.float32)]
    return tf.function(lambda pixels: model(pixels, training=False), input_signature=signature)


def _pyramid(pixels: np.ndarray, smallest: float) -> Iterator[np.ndarray]:
    """The image in sizes in which faces from the smallest on are as large as the window."""
    height, width = pixels.shape[:2]
    scale = _WINDOW / smallest
    while min(height, width) * scale >= _LAST:
        level = resize(pixels, round(height * scale), round(width * scale))
        yield np.pad(level, ((_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0)))
        scale *= _SCALE_STEP


def _patches(pixels: np.ndarray, boxes: np.ndarray, size: int) -> tf.Tensor:
    """The boxes' pixels, (n, size, size, 3); beyond the border they are mid-gray."""
    last = np.maximum(np.array(pixels.shape[:2]) - 1, 1)
    corners, indices = boxes[:, [1, 0, 3, 2]] / np.tile(last, 2), np.zeros(len(boxes), int)
    return tf.image.crop_and_resize(pixels[None], corners, indices, (size, size))


def _patch(image: np.ndarray, square: np.ndarray) -> np.ndarray:
    """A square of the photo as the last network takes it, float32 (48, 48, 3)."""
    left, top, right, bottom = np.rint(square).astype(int).tolist()
    box = Box(left, top, max(1, right - left), max(1, bottom - top))
    return (resize(crop_face(image, box), 48, 48).astype(np.float32) - 127.5) / 128


def _centred_in(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Whether the centres of boxes are in an image; outside there is nothing to crop."""
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return ((centres >= 0) & (centres < shape[1::-1])).all(axis=1)


def _moved(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Boxes whose corners are moved by shares of their width and height."""
    return boxes[:, :4] + offsets * np.tile(boxes[:, 2:4] - boxes[:, :2], 2)


def _squares(boxes: np.ndarray) -> np.ndarray:
    """Squares (n, 4) with the longer side of each box, around its centre."""
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    halves = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.column_stack([centres - halves, centres + halves])


def _distinct(boxes: np.ndarray, overlap: float, of_the_smaller: bool = False) -> np.ndarray:
    """The boxes, best first, without those that overlap a better one by more than a share.

    The share is of their union, or of the smaller of the two. Column 4 is the confidence.
    """
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    areas = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    kept, left = [], np.arange(len(boxes))
    while len(left):
        best, rest = left[0], left[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        shared = np.prod(np.maximum(0, np.minimum(boxes[best, 2:4], boxes[rest, 2:4]) - corner), 1)
        one, other = areas[best], areas[rest]
        whole = np.minimum(one, other) if of_the_smaller else one + other - shared
        left = rest[shared <= overlap * whole]
    return boxes[kept]


def _face(located: np.ndarray, scale: tuple[float, float]) -> Face:
    """The record of a located face, in pixels of the original image and Python's own numbers."""
    x, y, right, bottom = (round(value) for value in (located[:4] * (scale * 2)).tolist())
    landmarks = (tuple(point) for point in (located[5:].reshape(2, 5).T * scale).tolist())
    return Face(Box(x, y, right - x, bottom - y), Landmarks(*landmarks), float(located[4]))
