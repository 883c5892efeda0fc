"""Equalizes, scales down and blurs sketches of images."""

import numpy as np

from fer_core.datasets.quality.measures import SIDE

COARSE_SIDE = 32  # pixels: enough to choose pairs, and half the work of a whole sketch


def coarse(sketches: np.ndarray) -> np.ndarray:
    """Scales uint8 sketches (n, SIDE, SIDE) down to COARSE_SIDE."""
    import cv2

    size = (COARSE_SIDE, COARSE_SIDE)
    scaled = np.empty((len(sketches), *size), np.uint8)
    for sketch, result in zip(sketches, scaled, strict=True):
        cv2.resize(sketch, size, result, interpolation=cv2.INTER_AREA)
    return scaled


def equalized(sketches: np.ndarray) -> np.ndarray:
    """Equalizes the histogram of each uint8 image."""
    import cv2

    results = np.empty_like(sketches)
    for sketch, result in zip(sketches, results, strict=True):
        cv2.equalizeHist(sketch, result)
    return results


def gaussian(sigma: float, size: int = SIDE) -> np.ndarray:
    """Returns the matrix (size, size) that blurs along an axis; its rows sum to 1 or less.

    Pixels outside count as 0.
    """
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    wide = np.exp(-(np.arange(-4 * size, 4 * size + 1) ** 2) / (2 * max(sigma, 1e-3) ** 2))
    kernel: np.ndarray = np.exp(-(distance**2) / (2 * max(sigma, 1e-3) ** 2)) / wide.sum()
    return kernel.astype(np.float32)


def blurring(sigma: float, size: int = SIDE) -> np.ndarray:
    """Returns the same for pixels outside that continue those at the border."""
    kernel = gaussian(sigma, size)
    normalized: np.ndarray = kernel / kernel.sum(axis=1, keepdims=True)
    return normalized
