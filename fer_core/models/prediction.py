"""Predicts the classes of many images in batches, by Keras or by onnxruntime."""

from typing import Any, Protocol

import numpy as np

from fer_core.errors import FerError


class Images(Protocol):
    """Describes many images, or their features; a slice of it is an array."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


class Model(Protocol):
    """Predicts the classes of images: a Keras model, or an `OnnxModel`."""

    name: str

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """Returns (None, height, width, channels); for the head of a Keras model, features."""

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """Returns (None, classes)."""

    def predict_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Returns probabilities (n, classes) of float32 pixels in [0, 255]."""


def prediction_batch_size(image_size: tuple[int, int]) -> int:
    """Returns the batch size for predicting images of (height, width).

    256 for 48×48 pixels, which takes about 100 MB of memory, and fewer for larger images.
    """
    height, width = image_size
    return max(1, min(256, 256 * 48 * 48 // (height * width)))


def predict(model: Model, pixels: Images, batch_size: int | None = None) -> np.ndarray:
    """Returns probabilities, float32 (n, classes), for uint8 pixels (n, height, width, channels).

    Works in batches, so that `pixels` may be a memory map larger than memory. For the head of a
    model `pixels` are features (n, …).

    Raises:
        FerError: an answer is NaN or infinite; finite weights may be too large to compute with.
    """
    if batch_size is None:
        takes_images = len(model.input_shape) == 4
        batch_size = prediction_batch_size(model.input_shape[1:3]) if takes_images else 256
    batches = [np.zeros((0, model.output_shape[-1]), "float32")]
    for start in range(0, len(pixels), batch_size):
        batch = pixels[start : start + batch_size].astype("float32")
        batches.append(model.predict_on_batch(batch))  # 1 ms of overhead; `predict` has 34
    answers = np.concatenate(batches)
    if not np.isfinite(answers).all():
        raise FerError(
            f"The answers of the model {model.name} must be finite numbers. Received: NaN or "
            "infinity. Its weights are damaged, or its learning rate was too large."
        )
    return answers
