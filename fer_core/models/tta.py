"""Test-time augmentation (TTA): averages the predictions for ten crops of each image."""

from collections.abc import Iterator

import numpy as np

from fer_core.models.prediction import Images, Model, predict, prediction_batch_size

CROPS = 10
_SHIFT = 1 / 24  # of height and width: two pixels of 48
_DIRECTIONS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def tta_crops(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Yields ten crops of images (n, height, width, channels): five positions, each also mirrored.

    Follows Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks",
    2012, but shifts by two of 48 pixels and replicates the border, as a face fills its image.
    """
    height, width = pixels.shape[1:3]
    down, right = max(1, round(height * _SHIFT)), max(1, round(width * _SHIFT))
    padded = np.pad(pixels, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
    for vertical, horizontal in _DIRECTIONS:
        top, left = down * (1 + vertical), right * (1 + horizontal)
        crop = padded[:, top : top + height, left : left + width]
        yield crop
        yield crop[:, :, ::-1]


def predict_tta(model: Model, pixels: Images) -> np.ndarray:
    """Returns the mean probabilities over all crops, float32 (n, classes), for uint8 pixels."""
    size = prediction_batch_size(model.input_shape[1:3])
    batches = [np.zeros((0, model.output_shape[-1]), "float32")]
    for start in range(0, len(pixels), size):
        crops = tta_crops(pixels[start : start + size])
        probabilities = [predict(model, crop) for crop in crops]
        batches.append(np.mean(probabilities, axis=0, dtype="float32"))
    return np.concatenate(batches)
