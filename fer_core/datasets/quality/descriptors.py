"""Describes images so that copies which were turned, zoomed, shifted or mirrored stay close."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fer_core.datasets.quality.sketches import COARSE_SIDE as SIDE
from fer_core.datasets.quality.sketches import coarse, equalized

DIMENSIONS = 32  # of the even and of the odd part
_FREQUENCIES = 10  # per axis, of the cosine transform
_WAVES = 7  # per axis and sign, of the spectrum that does not change if the image is shifted
_RADII, _ANGLES, _ORDERS = 14, 32, 9  # of the spectrum that does not change if it is turned
_SAMPLE = 300  # images that the projection is fitted with, in each of the states below
_CENTER = (SIDE - 1) / 2


@dataclass(frozen=True)
class Descriptors:
    """Holds unit vectors of images in two parts, `even` and `odd`.

    A mirrored image has the same even part and −1 × the odd.
    """

    even: np.ndarray  # float32 (n, DIMENSIONS)
    odd: np.ndarray  # likewise

    def similarities(self, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
        """Computes the cosines of images of both slices: as they are, and with one mirrored."""
        even = self.even[rows] @ self.even[columns].T
        odd = self.odd[rows] @ self.odd[columns].T
        return even + odd, np.subtract(even, odd, out=even)


def describe(sketches: np.ndarray, places: np.ndarray) -> Descriptors:
    """Describes the sketches at those places.

    Features that barely change when an image is turned, zoomed or shifted are projected on the
    directions in which different images differ most, relative to what these changes do (linear
    discriminant analysis, fitted with a sample of the images).
    """
    step = max(1, len(places) // 2000)
    sample = coarse(sketches[places[::step][:2000]])
    means, projections = _fit(sample)
    even = np.empty((len(places), DIMENSIONS), np.float32)
    odd = np.empty_like(even)
    for start in range(0, len(places), 4096):
        piece = slice(start, start + 4096)
        parts = _features(coarse(sketches[places[piece]]))
        even[piece], odd[piece] = (
            (part - mean) @ projection
            for part, mean, projection in zip(parts, means, projections, strict=True)
        )
    lengths = np.sqrt((even**2).sum(axis=1) + (odd**2).sum(axis=1))[:, None]
    lengths = np.maximum(lengths, 1e-6)
    return Descriptors(even / lengths, odd / lengths)


def _fit(sample: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns the mean and the projection of the even and of the odd features."""
    changed = sample[:: max(1, len(sample) // _SAMPLE)][:_SAMPLE]
    originals = _features(changed)
    states = [_features(state) for state in _states(changed)]
    means, projections = [], []
    for number, part in enumerate(_features(sample)):
        within = np.concatenate([state[number] - originals[number] for state in states])
        # Odd features have no mean: each image could as well be mirrored.
        means.append(part.mean(axis=0) * (1 - number))
        projections.append(_discriminant(part - means[-1], within))
    return means, projections


def _discriminant(between: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Returns the projection with the largest ratio of variances; within has the variance 1."""
    scatter = within.T.astype(np.float64) @ within / len(within)
    total = between.T.astype(np.float64) @ between / len(between)
    level = np.trace(total) / len(total)
    scatter += np.diag(1e-3 * np.diag(total) + 1e-6 * level)
    whiten = np.linalg.inv(np.linalg.cholesky(scatter))
    _, directions = np.linalg.eigh(whiten @ total @ whiten.T)
    return (whiten.T @ directions[:, ::-1][:, :DIMENSIONS]).astype(np.float32)


def _states(sketches: np.ndarray) -> list[np.ndarray]:
    """Returns the images turned, zoomed, shifted and blurred, with their borders filled in."""
    import cv2

    poses = [(angle, 1.0, 0.0, 0.0) for angle in (-15, -8, 8, 15)]
    poses += [(0, zoom, 0.0, 0.0) for zoom in (0.87, 1.15)]
    poses += [(0, 1.0, x, y) for x, y in ((3, 3), (-3, 3), (3, -3), (-3, -3), (2, 0), (0, -2))]
    borders = (cv2.BORDER_REFLECT, cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)
    states = [np.stack([cv2.GaussianBlur(image, (0, 0), 1.3) for image in sketches])]
    for number, (angle, zoom, x, y) in enumerate(poses):
        matrix = cv2.getRotationMatrix2D((_CENTER, _CENTER), angle, zoom)
        matrix[:, 2] += np.array([x, y])
        states.append(
            np.stack(
                [
                    cv2.warpAffine(
                        image, matrix, (SIDE, SIDE), borderMode=borders[(number + place) % 3]
                    )
                    for place, image in enumerate(sketches)
                ]
            )
        )
    return states


def _features(sketches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the even and the odd features, float32, of uint8 sketches."""
    import cv2

    images, count = equalized(sketches).astype(np.float32), len(sketches)
    windowed = _windowed(images)
    cosines = _cosines() @ windowed @ _cosines().T
    spectrum = np.sqrt(np.abs(_waves()[_WAVES:] @ windowed @ _waves().T))
    mirrored = spectrum[:, :, ::-1]
    grid = _polar_grid()
    rings = np.stack([cv2.remap(image, *grid, cv2.INTER_LINEAR) for image in images])
    rings -= rings.mean(axis=(1, 2), keepdims=True)
    orders = np.sqrt(np.abs(np.fft.rfft(rings, axis=1)[:, :_ORDERS]))
    even = (cosines[:, :, ::2], (spectrum + mirrored)[:, :, _WAVES:], orders)
    odd = (cosines[:, :, 1::2], (spectrum - mirrored)[:, 1:, _WAVES + 1 :])
    return _joined(even, count), _joined(odd, count)


def _joined(parts: tuple[np.ndarray, ...], count: int) -> np.ndarray:
    """Joins the features of each image: float32 (count, features)."""
    return np.concatenate([part.reshape(count, -1) for part in parts], axis=1).astype(np.float32)


def _windowed(images: np.ndarray) -> np.ndarray:
    """Subtracts the mean and fades out the borders, which copies have filled in."""
    fade = np.exp(-(((np.arange(SIDE) - _CENTER) / (SIDE / 3)) ** 2) / 2)
    window = np.outer(fade, fade).astype(np.float32)
    means = np.einsum("nij,ij->n", images, window / window.sum())
    return (images - means[:, None, None]) * window


@cache
def _cosines() -> np.ndarray:
    angles = np.pi / (2 * SIDE) * np.outer(np.arange(_FREQUENCIES), 2 * np.arange(SIDE) + 1)
    return np.cos(angles).astype(np.float32)


@cache
def _waves() -> np.ndarray:
    frequencies = 0.75 * np.arange(-_WAVES, _WAVES + 1)
    places = np.arange(SIDE) - _CENTER
    return np.exp(-2j * np.pi / SIDE * np.outer(frequencies, places)).astype(np.complex64)


@cache
def _polar_grid() -> tuple[np.ndarray, np.ndarray]:
    """Returns x and y of pixels on rings around the center, (_ANGLES, _RADII)."""
    angles = 2 * np.pi / _ANGLES * np.arange(_ANGLES)
    radii = np.arange(_RADII) + 0.5
    x, y = _CENTER + np.outer(np.cos(angles), radii), _CENTER + np.outer(np.sin(angles), radii)
    return x.astype(np.float32), y.astype(np.float32)
