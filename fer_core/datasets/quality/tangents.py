"""Tells how well one image explains another if it may be turned, zoomed and shifted a little."""

from functools import cache

import numpy as np

from fer_core.datasets.quality.sketches import COARSE_SIDE as SIDE
from fer_core.datasets.quality.sketches import blurring, coarse, equalized

_SMALL = 12  # pixels per side
_BASIS = 6
_FADE = 0.24 * _SMALL  # sigma of the window, in pixels
_CONTRAST = (
    5.0  # sigma of the neighborhood whose mean and contrast are evened out, in sketch pixels
)
# Poses that are tried: degrees, zoom, and shift in x and y in sketch pixels. Between them, what a
# further turn, zoom or shift does to an image is nearly linear.
_POSES = (
    *((0, 1.0, 0.0, 0.0), (-8, 1.0, 0.0, 0.0), (8, 1.0, 0.0, 0.0)),
    *((0, 0.89, 0.0, 0.0), (0, 1.12, 0.0, 0.0), (0, 1.0, 2.7, 0.0), (0, 1.0, -2.7, 0.0)),
    *((0, 1.0, x, y) for x in (-1.35, 1.35) for y in (-2.34, 2.34)),
)


def evened(sketches: np.ndarray) -> np.ndarray:
    """Evens out brightness and contrast within uint8 sketches: float32 (n, 32, 32)."""
    blur = blurring(_CONTRAST, SIDE)
    images = equalized(coarse(sketches)).astype(np.float32)
    images -= blur @ images @ blur.T
    contrast = np.sqrt(blur @ images**2 @ blur.T)
    contrast += 0.1 * images.std(axis=(1, 2), keepdims=True) + 1e-3
    return images / contrast


def tangents(images: np.ndarray) -> np.ndarray:
    """Returns bases of what evened images become when they are turned, zoomed, shifted slightly.

    Simard, LeCun and Denker 1993, "Efficient pattern recognition using a new transformation
    distance". Also of their copies in each of the poses.

    Returns:
        float32 (n, len(_POSES), _BASIS, _SMALL²), orthonormal.
    """
    y, x = np.mgrid[:_SMALL, :_SMALL].astype(np.float32) - np.float32((_SMALL - 1) / 2)
    bases = []
    for angle, zoom, right, down in _POSES:
        turned = _turned(images, angle) if angle else images
        small = _sampling(down, zoom) @ turned @ _sampling(right, zoom).T
        dy, dx = np.gradient(small, axis=(1, 2))
        basis = (np.ones_like(small), small, dx, dy, x * dy - y * dx, x * dx + y * dy)
        bases.append(np.stack(basis, axis=1) * _window())
    stacked = np.stack(bases, axis=1).reshape(len(images), len(_POSES), _BASIS, -1)
    stacked /= np.linalg.norm(stacked, axis=3, keepdims=True) + 1e-6
    gram = stacked @ stacked.swapaxes(2, 3) + 1e-4 * np.eye(_BASIS, dtype=np.float32)
    return np.linalg.inv(np.linalg.cholesky(gram)) @ stacked


def _turned(images: np.ndarray, angle: float) -> np.ndarray:
    import cv2

    center = (SIDE - 1) / 2
    matrix = cv2.getRotationMatrix2D((center, center), angle, 1)
    border = cv2.BORDER_REPLICATE
    return np.stack(
        [cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=border) for image in images]
    )


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
    shares: np.ndarray = (parts**2).reshape(len(_POSES), _BASIS, -1).sum(axis=1).max(axis=0)
    return shares


def _window() -> np.ndarray:
    fade = np.exp(-(((np.arange(_SMALL) - (_SMALL - 1) / 2) / _FADE) ** 2) / 2)
    return np.outer(fade, fade).astype(np.float32)


@cache
def _sampling(shift: float = 0.0, zoom: float = 1.0) -> np.ndarray:
    """Returns the matrix (_SMALL, SIDE) that scales an axis down, after a zoom and a shift."""
    scale = SIDE / _SMALL
    centers = (np.arange(_SMALL) - (_SMALL - 1) / 2) * scale / zoom + (SIDE - 1) / 2 - shift
    weights = np.exp(-(((centers[:, None] - np.arange(SIDE)) / (0.45 * scale)) ** 2) / 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
