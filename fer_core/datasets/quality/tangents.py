"""Tells how well one image explains another if it may be turned, zoomed and shifted a little."""

from functools import cache

import numpy as np

from fer_core.datasets.quality.alignment import blurring, equalized
from fer_core.datasets.quality.measures import SIDE

_SMALL = 12  # pixels per side
_BASIS = 6
_FADE = 0.24 * _SMALL  # sigma of the window, in pixels
_CONTRAST = (
    5.0  # sigma of the neighborhood whose mean and contrast are evened out, in sketch pixels
)
# Sketch pixels, x and y: a shift of more than 2 pixels is too long to be linear.
_SHIFTS = ((0.0, 0.0), (2.1, 2.1), (2.1, -2.1), (-2.1, 2.1), (-2.1, -2.1))


def evened(sketches: np.ndarray) -> np.ndarray:
    """Evens out brightness and contrast within uint8 sketches: float32 (n, SIDE, SIDE)."""
    blur = blurring(_CONTRAST)
    images = equalized(sketches).astype(np.float32)
    images -= blur @ images @ blur.T
    contrast = np.sqrt(blur @ images**2 @ blur.T)
    contrast += 0.1 * images.std(axis=(1, 2), keepdims=True) + 1e-3
    return images / contrast


def tangents(images: np.ndarray) -> np.ndarray:
    """Returns bases of what evened images become when they are turned, zoomed, shifted slightly.

    Simard, LeCun and Denker 1993, "Efficient pattern recognition using a new transformation
    distance". Also of their shifted copies.

    Returns:
        float32 (n, len(_SHIFTS), _BASIS, _SMALL²), orthonormal.
    """
    y, x = np.mgrid[:_SMALL, :_SMALL].astype(np.float32) - np.float32((_SMALL - 1) / 2)
    bases = []
    for shift in _SHIFTS:
        down, right = _sampling(shift[1]), _sampling(shift[0]).T
        small = down @ images @ right
        dy, dx = np.gradient(small, axis=(1, 2))
        basis = (np.ones_like(small), small, dx, dy, x * dy - y * dx, x * dx + y * dy)
        bases.append(np.stack(basis, axis=1) * _window())
    stacked = np.stack(bases, axis=1).reshape(len(images), len(_SHIFTS), _BASIS, -1)
    stacked /= np.linalg.norm(stacked, axis=3, keepdims=True) + 1e-6
    gram = stacked @ stacked.swapaxes(2, 3) + 1e-4 * np.eye(_BASIS, dtype=np.float32)
    return np.linalg.inv(np.linalg.cholesky(gram)) @ stacked


def targets(images: np.ndarray) -> np.ndarray:
    """Returns evened images as unit vectors without their mean: float16 (n, _SMALL, _SMALL)."""
    window = _window()
    small = (_sampling() @ images @ _sampling().T) * window
    constant = window / np.linalg.norm(window)
    small -= np.einsum("nij,ij->n", small, constant)[:, None, None] * constant
    lengths = np.linalg.norm(small, axis=(1, 2), keepdims=True)
    return (small / np.maximum(lengths, 1e-6)).astype(np.float16)


def explained(basis: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Returns which share of the variance of targets one image's tangents explain, in [0, 1]."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    parts = basis.reshape(-1, flat.shape[1]) @ flat.T
    shares: np.ndarray = (parts**2).reshape(len(_SHIFTS), _BASIS, -1).sum(axis=1).max(axis=0)
    return shares


def _window() -> np.ndarray:
    fade = np.exp(-(((np.arange(_SMALL) - (_SMALL - 1) / 2) / _FADE) ** 2) / 2)
    return np.outer(fade, fade).astype(np.float32)


@cache
def _sampling(shift: float = 0.0) -> np.ndarray:
    """Returns the matrix (_SMALL, SIDE) that scales an axis down, after a shift in pixels."""
    scale = SIDE / _SMALL
    centers = (np.arange(_SMALL) + 0.5) * scale - 0.5 - shift
    weights = np.exp(-(((centers[:, None] - np.arange(SIDE)) / (0.45 * scale)) ** 2) / 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
