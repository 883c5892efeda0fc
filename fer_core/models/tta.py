"""Several views of the same faces, whose answers are averaged."""

from collections.abc import Iterator

import keras
import numpy as np

from fer_core.models.architectures import Images, images_at_once, predict

COUNT = 10
_SHIFT = 1 / 24  # of height and width: two pixels of 48
_DIRECTIONS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def tta_crops(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Ten views of images (n, height, width, channels): five places, each mirrored too.

    The ten crops of Krizhevsky and others, "ImageNet Classification with Deep Convolutional Neural
    Networks", 2012, but shifted: a face fills its image, and what is beyond an edge repeats it.
    """
    height, width = pixels.shape[1:3]
    down, right = max(1, round(height * _SHIFT)), max(1, round(width * _SHIFT))
    padded = np.pad(pixels, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
    for vertical, horizontal in _DIRECTIONS:
        top, left = down * (1 + vertical), right * (1 + horizontal)
        view = padded[:, top : top + height, left : left + width]
        yield view
        yield view[:, :, ::-1]


def predict_tta(model: keras.Model, pixels: Images) -> np.ndarray:
    """The mean probabilities over all views, float32 (n, classes), for uint8 pixels."""
    size = images_at_once(model.input_shape[1:3])
    done = [np.zeros((0, model.output_shape[-1]), "float32")]
    for start in range(0, len(pixels), size):
        answers = [predict(model, view) for view in tta_crops(pixels[start : start + size])]
        done.append(np.mean(answers, axis=0, dtype="float32"))
    return np.concatenate(done)
