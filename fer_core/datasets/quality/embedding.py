"""Embeds images so that copies which were turned, zoomed, shifted or mirrored stay close."""

from functools import cache
from pathlib import Path

import numpy as np

from fer_core.datasets.quality.sketches import coarse, equalized
from fer_core.onnx_graphs import Session

DIMENSIONS = 64
# Of `tests/benchmarks/train_embedding.py`: three million multiplications an image, 100,000 weights.
NETWORK = Path(__file__).with_name("embedding.onnx")
_AT_ONCE = 512  # images


def embed(sketches: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns unit vectors, float32 (n, DIMENSIONS), of the uint8 sketches at those places."""
    vectors = np.empty((len(places), DIMENSIONS), np.float32)
    for start in range(0, len(places), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        images = equalized(coarse(sketches[places[piece]]))
        vectors[piece] = _network().run(images[:, None], "vectors")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(lengths, 1e-6)
    return unit


@cache
def _network() -> Session:
    return Session(NETWORK.read_bytes())
