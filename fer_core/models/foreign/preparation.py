"""Defines what becomes of pixels before a foreign model takes them."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from fer_core.errors import FerError

_Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Numbers = Annotated[tuple[_Number, ...], Meta(min_length=1, max_length=3)]
EPSILON = 1e-6  # added to the variance of an image that is standardized; it may be of one color


@dataclass(frozen=True)
class Preparation:
    """Holds the steps from RGB or gray pixels in [0, 255] to the input of a model, in their order.

    Raises:
        FerError: the numbers are neither one nor as many as there are channels.
    """

    bgr: bool = False  # the channels in reverse order
    scale: _Numbers = (1.0,)  # factor, for all channels or for each
    offset: _Numbers = (0.0,)  # that is added then
    standardized: bool = False  # each image with mean 0 and standard deviation 1, at the end

    def __post_init__(self) -> None:
        for numbers in (self.scale, self.offset):
            if len(numbers) not in (1, 3):
                raise FerError(
                    f"There must be one number for all channels, or three. Received: {numbers}"
                )

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Returns float32 (n, height, width, channels) for pixels of that shape in [0, 255]."""
        prepared = (pixels[..., ::-1] if self.bgr else pixels).astype(np.float32)
        prepared = prepared * np.asarray(self.scale, np.float32) + np.asarray(
            self.offset, np.float32
        )
        if not self.standardized:
            return prepared
        axes = (1, 2, 3)
        centered = prepared - prepared.mean(axes, keepdims=True)
        return centered / np.sqrt((centered**2).mean(axes, keepdims=True) + np.float32(EPSILON))


def as_probabilities(outputs: np.ndarray, *, are_scores: bool) -> np.ndarray:
    """Returns probabilities (n, classes), float32, for the outputs of a model.

    Args:
        are_scores: whether the outputs are any numbers, of which a softmax makes probabilities;
            else they are not negative, and divided by their sum.
    """
    outputs = outputs.astype(np.float32)
    if are_scores:
        outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), 1e-12)


def look_like_scores(outputs: np.ndarray, last_operator: str) -> bool:
    """Tells whether outputs (n, classes) are to be made probabilities by a softmax.

    Args:
        last_operator: of the network; a sigmoid gives a probability for each class by itself.
    """
    if last_operator in ("Sigmoid", "HardSigmoid", "LOGISTIC"):
        return False
    sums_to_one = np.abs(outputs.sum(axis=1) - 1).max() < 0.02  # those of int8 are rounded
    return not (sums_to_one and outputs.min() >= 0)
