"""Runs the three networks of MTCNN in a single TensorFlow function."""

from collections.abc import Iterator
from pathlib import Path

import mtcnn
import numpy as np
import tensorflow as tf
from mtcnn.utils.tensorflow import load_weights

from fer_core.vision.image_pyramid import SHEETS, Sheets

WINDOW = 12  # pixels a side of the input of the first network
PATCH = 48  # pixels a side of the input of the last network
_REFINED_PATCH = 24
_STRIDE = 2
_PROPOSED, _REFINED = 0.6, 0.7  # minimum confidences of the first two networks
_MAX_PROPOSALS = 2000  # more would take over 200 MB


class Cascade:
    """MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package. Thread-safe.

    Its functions are traced once, for images of every size.
    """

    def __init__(self) -> None:
        self._first, self._second, self._third = (_weights(name) for name in ("p", "r", "o"))
        sheet = tf.TensorSpec((None, None, 3), tf.uint8)
        self._find = tf.function(
            self._search,
            input_signature=[sheet, [sheet] * SHEETS, tf.TensorSpec((None, 7), tf.float32)],
            autograph=False,
        )
        self._refine = tf.function(
            lambda patches: self._output_network(_normalize(patches)),
            input_signature=[tf.TensorSpec((None, PATCH, PATCH, 3), tf.uint8)],
            autograph=False,
        )

    def find(self, image: np.ndarray, sheets: Sheets) -> np.ndarray:
        """Returns face candidates of a uint8 RGB image and its pyramid, in the format of `refine`.

        A face may occur several times.
        """
        squares, *outputs = self._find(image, sheets.sheets, sheets.places)
        return _to_rows(squares.numpy(), *(output.numpy() for output in outputs))

    def refine(self, patches: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Runs the last network on patches, uint8 (n, 48, 48, 3), cut from squares (n, 4).

        Squares are x1, y1, x2, y2. Returns (n, 15): x1, y1, x2, y2, the confidence, then x and then
        y of the five landmarks, in the pixels of the squares.
        """
        return _to_rows(squares, *(output.numpy() for output in self._refine(patches)))

    def _search(
        self, image: tf.Tensor, sheets: list[tf.Tensor], places: tf.Tensor
    ) -> list[tf.Tensor]:
        """Returns the input squares of the last network, and its outputs."""
        proposed = [self._proposal_network(n, sheet, places) for n, sheet in enumerate(sheets)]
        boxes, logits, groups = (tf.concat(parts, 0) for parts in zip(*proposed, strict=True))
        # Within a level first, where neighboring windows see almost the same: an offset per level
        # keeps boxes of different levels apart.
        offset = tf.cast(groups, tf.float32)[:, None] * 1e5
        kept = _suppress(boxes + offset, logits, 0.5)
        boxes, logits = tf.gather(boxes, kept), tf.gather(logits, kept)
        squares = _at_least_one(_squares(tf.gather(boxes, _suppress(boxes, logits, 0.7))))
        pixels = _normalize(image)
        offsets, logits = self._refinement_network(_crop(pixels, squares, _REFINED_PATCH))
        likely = tf.where(logits > _logit(_REFINED))[:, 0]
        boxes = tf.gather(_shift(squares, offsets), likely)
        kept = _suppress(boxes, tf.gather(logits, likely), 0.7)
        squares = _at_least_one(_squares(tf.gather(boxes, kept)))
        return [squares, *self._output_network(_crop(pixels, squares, PATCH))]

    def _proposal_network(
        self, number: int, sheet: tf.Tensor, places: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns boxes in the image, their logits, and the pyramid level of each."""
        layers = iter(self._first)
        x = _convolve(_normalize(sheet)[None], layers)
        x = tf.nn.max_pool2d(x, 2, 2, "SAME")
        x = _convolve(_convolve(x, layers), layers)
        kernel, bias, kernel_of_two, bias_of_two = layers
        offsets = tf.nn.conv2d(x, kernel, 1, "VALID")[0] + bias
        # With two classes the softmax is the sigmoid of the difference.
        kernel, bias = (part[..., 1:] - part[..., :1] for part in (kernel_of_two, bias_of_two))
        logits = (tf.nn.conv2d(x, kernel, 1, "VALID") + bias)[0, ..., 0]
        cells = tf.where(logits > _logit(_PROPOSED))
        corners = tf.cast(cells[:, ::-1] * _STRIDE, tf.float32)
        windows = tf.concat([corners, corners + WINDOW], 1)
        # A window belongs to the level that contains it; windows across two levels are dropped.
        on_sheet = places[:, 0] == number
        contained = (windows[:, None, :2] >= places[:, 1:3]) & (
            windows[:, None, 2:] <= places[:, 3:5]
        )
        inside = on_sheet & tf.reduce_all(contained, 2)
        valid = tf.where(tf.reduce_any(inside, 1))[:, 0]
        group = tf.argmax(tf.cast(tf.gather(inside, valid), tf.int32), 1)
        place, cells = tf.gather(places, group), tf.gather(cells, valid)
        return (
            _to_image(_shift(tf.gather(windows, valid), tf.gather_nd(offsets, cells)), place),
            tf.gather_nd(logits, cells),
            group,
        )

    def _refinement_network(self, patches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns offsets (n, 4) and logits (n,) of patches (n, 24, 24, 3)."""
        layers = iter(self._second)
        x = tf.nn.max_pool2d(_convolve(patches, layers), 3, 2, "SAME")
        x = tf.nn.max_pool2d(_convolve(x, layers), 3, 2, "VALID")
        x = _dense(_flatten(_convolve(x, layers)), layers)
        offsets, logits = x @ next(layers) + next(layers), x @ next(layers) + next(layers)
        return offsets, logits[:, 1] - logits[:, 0]

    def _output_network(self, patches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns offsets (n, 4), landmarks (n, 10), confidences (n,) of patches (n, 48, 48, 3)."""
        layers = iter(self._third)
        x = tf.nn.max_pool2d(_convolve(patches, layers), 3, 2, "SAME")
        x = tf.nn.max_pool2d(_convolve(x, layers), 3, 2, "VALID")
        x = tf.nn.max_pool2d(_convolve(x, layers), 2, 2, "SAME")
        x = _dense(_flatten(_convolve(x, layers)), layers)
        offsets, landmarks, logits = (x @ next(layers) + next(layers) for _ in range(3))
        return offsets, landmarks, tf.sigmoid(logits[:, 1] - logits[:, 0])


def _weights(name: str) -> list[tf.Tensor]:
    # An absolute path: bare names are searched in the current directory first, and unpickled.
    path = Path(mtcnn.__file__).resolve().parent / "assets" / "weights" / f"{name}net.lz4"
    return [tf.constant(weights) for weights in load_weights(str(path))]


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _normalize(pixels: tf.Tensor) -> tf.Tensor:
    return (tf.cast(pixels, tf.float32) - 127.5) / 128


def _convolve(x: tf.Tensor, layers: Iterator[tf.Tensor]) -> tf.Tensor:
    x = tf.nn.bias_add(tf.nn.conv2d(x, next(layers), 1, "VALID"), next(layers))
    return _prelu(x, next(layers))


def _dense(x: tf.Tensor, layers: Iterator[tf.Tensor]) -> tf.Tensor:
    return _prelu(x @ next(layers) + next(layers), next(layers))


def _prelu(x: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x) + tf.reshape(slopes, [-1]) * tf.minimum(x, 0.0)


def _flatten(x: tf.Tensor) -> tf.Tensor:
    """Flattens with columns before rows, as the weights were trained."""
    return tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (-1, x.shape[1] * x.shape[2] * x.shape[3]))


def _crop(pixels: tf.Tensor, boxes: tf.Tensor, size: int) -> tf.Tensor:
    """Crops boxes to (n, size, size, 3); pixels beyond the image are mid-gray."""
    last = tf.cast(tf.maximum(tf.shape(pixels)[:2] - 1, 1), tf.float32)
    corners = tf.gather(boxes, [1, 0, 3, 2], axis=1) / tf.tile(last, [2])
    indices = tf.zeros(tf.shape(boxes)[0], tf.int32)
    return tf.image.crop_and_resize(pixels[None], corners, indices, (size, size))


def _to_image(boxes: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Converts boxes from sheet to image coordinates."""
    corners = places[:, 1:3] + 4
    return (boxes - tf.tile(corners, [1, 2])) * tf.tile(places[:, 5:], [1, 2])


def _shift(boxes: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Moves the corners of boxes by shares of their width and height."""
    return boxes + offsets * tf.tile(boxes[:, 2:] - boxes[:, :2], [1, 2])


def _squares(boxes: tf.Tensor) -> tf.Tensor:
    """Returns squares (n, 4) centered on the boxes, as large as their longer side."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = tf.reduce_max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    return tf.concat([centers - halves, centers + halves], 1)


def _at_least_one(squares: tf.Tensor) -> tf.Tensor:
    """Returns the squares, or one outside the image: TensorFlow cannot convolve empty batches."""
    outside = tf.constant([[-200.0, -200.0, -100.0, -100.0]])
    return tf.concat([squares, outside], 0)[: tf.maximum(1, tf.shape(squares)[0])]


def _suppress(boxes: tf.Tensor, scores: tf.Tensor, overlap: float) -> tf.Tensor:
    """Returns positions, best first, of the boxes left by non-maximum suppression."""
    return tf.image.non_max_suppression(boxes, scores, _MAX_PROPOSALS, overlap)


def _to_rows(
    squares: np.ndarray, offsets: np.ndarray, landmarks: np.ndarray, confidences: np.ndarray
) -> np.ndarray:
    """Returns the outputs of the last network in pixels, (n, 15); see `Cascade.refine`."""
    sides = squares[:, 2:] - squares[:, :2]
    points = np.repeat(squares[:, :2], 5, axis=1) + np.repeat(sides, 5, axis=1) * landmarks
    return np.column_stack([squares + offsets * np.tile(sides, 2), confidences, points])
