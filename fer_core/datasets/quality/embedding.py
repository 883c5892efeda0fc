"""Embeds images so that copies which were turned, zoomed, shifted or mirrored stay close."""

from functools import cache
from pathlib import Path

import numpy as np

from fer_core.datasets.quality.sketches import coarse, equalized
from fer_core.onnx_graphs import Session
from fer_core.storage import release_pages

DIMENSIONS = 64
# Of `tests/benchmarks/train_embedding.py`: three million multiplications an image, 100,000 weights.
NETWORK = Path(__file__).with_name("embedding.onnx")
_AT_ONCE = 512  # images
# What this many images share does not tell them apart: of pictures that are no faces, 3 in 1,000
# pairs would be alike, and 1 in 10,000 are without it. Of faces it is little. If it is more than
# this (the squared length of the mean), most are copies of one image, such as a video of a still
# face, and it is all they have.
_MANY, _MOST_SHARED = 1000, 0.5


def embed(sketches: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns unit vectors, float32 (n, DIMENSIONS), of the uint8 sketches at those places."""
    vectors = np.empty((len(places), DIMENSIONS), np.float32)
    for start in range(0, len(places), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        images = equalized(coarse(sketches[places[piece]]))
        vectors[piece] = _network().run(images[:, None], "vectors")
        release_pages(sketches)
    unit = _of_unit_length(vectors)
    mean = unit.mean(axis=0) if len(unit) >= _MANY else np.zeros(DIMENSIONS, np.float32)
    return _of_unit_length(unit - mean) if mean @ mean < _MOST_SHARED else unit


def _of_unit_length(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(lengths, 1e-6)
    return unit


@cache
def _network() -> Session:
    return Session(NETWORK.read_bytes())
