"""The three networks of MTCNN, one after the other in a single TensorFlow function."""

from collections.abc import Iterator
from pathlib import Path

import mtcnn
import numpy as np
import tensorflow as tf
from mtcnn.utils.tensorflow import load_weights

from fer_core.vision.image_pyramid import SHEETS, Sheets

WINDOW = 12  # pixels a side; what the first network looks at
PATCH = 48  # pixels a side; what the last network looks at
_REFINED_PATCH = 24
_STRIDE = 2
_PROPOSED, _REFINED = 0.6, 0.7  # least confidence of the first two networks
_MOST = 2000  # proposals: more would take more than 200 MB


class Cascade:
    """MTCNN (Zhang et al. 2016) with the trained weights of the `mtcnn` package.

    Its functions are traced once, for photos of every size. May be shared by threads.
    """

    def __init__(self) -> None:
        self._first, self._second, self._third = (_weights(name) for name in ("p", "r", "o"))
        sheet = tf.TensorSpec((None, None, 3), tf.uint8)
        self._find = tf.function(
            self._search,
            input_signature=[sheet, [sheet] * SHEETS, tf.TensorSpec((None, 7), tf.float32)],
            autograph=False,
        )
        self._look = tf.function(
            lambda patches: self._last(_normal(patches)),
            input_signature=[tf.TensorSpec((None, PATCH, PATCH, 3), tf.uint8)],
            autograph=False,
        )

    def find(self, image: np.ndarray, sheets: Sheets) -> np.ndarray:
        """What may be faces in a uint8 RGB image that was laid out on sheets, as `read` gives it.

        One face is still there several times.
        """
        squares, *outputs = self._find(image, sheets.sheets, sheets.places)
        return _placed(squares.numpy(), *(output.numpy() for output in outputs))

    def look(self, patches: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """What the last network says of patches, uint8 (n, 48, 48, 3), of these squares.

        Squares are (n, 4): x1, y1, x2, y2. Returns (n, 15): x1, y1, x2, y2, the confidence, then x
        and then y of the five landmarks, all in the squares' pixels.
        """
        return _placed(squares, *(output.numpy() for output in self._look(patches)))

    def _search(
        self, image: tf.Tensor, sheets: list[tf.Tensor], places: tf.Tensor
    ) -> list[tf.Tensor]:
        """The squares that the last network looked at, and what it says of them."""
        proposed = [self._proposed(n, sheet, places) for n, sheet in enumerate(sheets)]
        boxes, logits, groups = (tf.concat(parts, 0) for parts in zip(*proposed, strict=True))
        # Within a size first: there neighbours see almost the same.
        apart = tf.cast(groups, tf.float32)[:, None] * 1e5
        kept = _distinct(boxes + apart, logits, 0.5)
        boxes, logits = tf.gather(boxes, kept), tf.gather(logits, kept)
        squares = _some(_squares(tf.gather(boxes, _distinct(boxes, logits, 0.7))))
        pixels = _normal(image)
        offsets, logits = self._middle(_patches(pixels, squares, _REFINED_PATCH))
        likely = tf.where(logits > _logit(_REFINED))[:, 0]
        boxes = tf.gather(_moved(squares, offsets), likely)
        kept = _distinct(boxes, tf.gather(logits, likely), 0.7)
        squares = _some(_squares(tf.gather(boxes, kept)))
        return [squares, *self._last(_patches(pixels, squares, PATCH))]

    def _proposed(
        self, number: int, sheet: tf.Tensor, places: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Boxes in the image, their logits and the number of the size that each was found in."""
        layers = iter(self._first)
        x = _convolved(_normal(sheet)[None], layers)
        x = tf.nn.max_pool2d(x, 2, 2, "SAME")
        x = _convolved(_convolved(x, layers), layers)
        kernel, bias, kernel_of_two, bias_of_two = layers
        offsets = tf.nn.conv2d(x, kernel, 1, "VALID")[0] + bias
        # Of two classes the softmax is the sigmoid of the difference.
        kernel, bias = (part[..., 1:] - part[..., :1] for part in (kernel_of_two, bias_of_two))
        logits = (tf.nn.conv2d(x, kernel, 1, "VALID") + bias)[0, ..., 0]
        where = tf.where(logits > _logit(_PROPOSED))
        corners = tf.cast(where[:, ::-1] * _STRIDE, tf.float32)
        windows = tf.concat([corners, corners + WINDOW], 1)
        # A window belongs to the picture that it lies in; none where it lies in two.
        here = places[:, 0] == number
        lies = (windows[:, None, :2] >= places[:, 1:3]) & (windows[:, None, 2:] <= places[:, 3:5])
        inside = here & tf.reduce_all(lies, 2)
        known = tf.where(tf.reduce_any(inside, 1))[:, 0]
        group = tf.argmax(tf.cast(tf.gather(inside, known), tf.int32), 1)
        place, at = tf.gather(places, group), tf.gather(where, known)
        return (
            _on_image(_moved(tf.gather(windows, known), tf.gather_nd(offsets, at)), place),
            tf.gather_nd(logits, at),
            group,
        )

    def _middle(self, patches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Offsets (n, 4) and logits (n,) of patches (n, 24, 24, 3)."""
        layers = iter(self._second)
        x = tf.nn.max_pool2d(_convolved(patches, layers), 3, 2, "SAME")
        x = tf.nn.max_pool2d(_convolved(x, layers), 3, 2, "VALID")
        x = _dense(_flat(_convolved(x, layers)), layers)
        offsets, logits = x @ next(layers) + next(layers), x @ next(layers) + next(layers)
        return offsets, logits[:, 1] - logits[:, 0]

    def _last(self, patches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Offsets (n, 4), landmarks (n, 10) and confidences (n,) of patches (n, 48, 48, 3)."""
        layers = iter(self._third)
        x = tf.nn.max_pool2d(_convolved(patches, layers), 3, 2, "SAME")
        x = tf.nn.max_pool2d(_convolved(x, layers), 3, 2, "VALID")
        x = tf.nn.max_pool2d(_convolved(x, layers), 2, 2, "SAME")
        x = _dense(_flat(_convolved(x, layers)), layers)
        offsets, landmarks, logits = (x @ next(layers) + next(layers) for _ in range(3))
        return offsets, landmarks, tf.sigmoid(logits[:, 1] - logits[:, 0])


def _weights(name: str) -> list[tf.Tensor]:
    # Absolute: bare names are looked for in the current directory first, and unpickled.
    path = Path(mtcnn.__file__).resolve().parent / "assets" / "weights" / f"{name}net.lz4"
    return [tf.constant(weights) for weights in load_weights(str(path))]


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _normal(pixels: tf.Tensor) -> tf.Tensor:
    return (tf.cast(pixels, tf.float32) - 127.5) / 128


def _convolved(x: tf.Tensor, layers: Iterator[tf.Tensor]) -> tf.Tensor:
    x = tf.nn.bias_add(tf.nn.conv2d(x, next(layers), 1, "VALID"), next(layers))
    return _rectified(x, next(layers))


def _dense(x: tf.Tensor, layers: Iterator[tf.Tensor]) -> tf.Tensor:
    return _rectified(x @ next(layers) + next(layers), next(layers))


def _rectified(x: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x) + tf.reshape(slopes, [-1]) * tf.minimum(x, 0.0)


def _flat(x: tf.Tensor) -> tf.Tensor:
    """As the weights were trained, with columns before rows."""
    return tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (-1, x.shape[1] * x.shape[2] * x.shape[3]))


def _patches(pixels: tf.Tensor, boxes: tf.Tensor, size: int) -> tf.Tensor:
    """The boxes' pixels, (n, size, size, 3); beyond the border they are mid-gray."""
    last = tf.cast(tf.maximum(tf.shape(pixels)[:2] - 1, 1), tf.float32)
    corners = tf.gather(boxes, [1, 0, 3, 2], axis=1) / tf.tile(last, [2])
    indices = tf.zeros(tf.shape(boxes)[0], tf.int32)
    return tf.image.crop_and_resize(pixels[None], corners, indices, (size, size))


def _on_image(boxes: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Boxes on a sheet in pixels of the image."""
    corners = places[:, 1:3] + 4
    return (boxes - tf.tile(corners, [1, 2])) * tf.tile(places[:, 5:], [1, 2])


def _moved(boxes: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Boxes whose corners are moved by shares of their width and height."""
    return boxes + offsets * tf.tile(boxes[:, 2:] - boxes[:, :2], [1, 2])


def _squares(boxes: tf.Tensor) -> tf.Tensor:
    """Squares (n, 4) with the longer side of each box, around its centre."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = tf.reduce_max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    return tf.concat([centres - halves, centres + halves], 1)


def _some(squares: tf.Tensor) -> tf.Tensor:
    """The squares, or one outside the image: TensorFlow cannot convolve a batch of none."""
    outside = tf.constant([[-200.0, -200.0, -100.0, -100.0]])
    return tf.concat([squares, outside], 0)[: tf.maximum(1, tf.shape(squares)[0])]


def _distinct(boxes: tf.Tensor, scores: tf.Tensor, overlap: float) -> tf.Tensor:
    """Positions of the boxes, best first, that overlap no better one by more than a share."""
    return tf.image.non_max_suppression(boxes, scores, _MOST, overlap)


def _placed(
    squares: np.ndarray, offsets: np.ndarray, landmarks: np.ndarray, confidences: np.ndarray
) -> np.ndarray:
    sides = squares[:, 2:] - squares[:, :2]
    points = np.repeat(squares[:, :2], 5, axis=1) + np.repeat(sides, 5, axis=1) * landmarks
    return np.column_stack([squares + offsets * np.tile(sides, 2), confidences, points])
