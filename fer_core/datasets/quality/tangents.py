"""Estimates for pairs of faces how one moved against the other, and how alike they then are.

Each face is described by its low frequencies and by how these change when it is scaled, turned or
shifted a little (Simard and others 1993, "Efficient pattern recognition using a new transformation
distance"). The step between two faces is estimated from both sides, and each goes half the way, so
that the error grows with the cube of the step only (Malis 2004, "Improving vision-based control
using efficient second-order minimization techniques"). No pixel is moved: a pair takes 25 short
products, and mirrored no more of them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fer_core.datasets.quality.alignment import THIRD
from fer_core.datasets.quality.sketches import blurring

_SMOOTHING = 0.8  # sigma in pixels
_WEIGHT = 0.35  # sigma in sides: what counts is in the middle
_FREQUENCIES = 7  # per axis
_RIDGE = 1e-3  # relative: for faces that are the same after a small turn
_LEAST_GAIN = 0.2
_AT_ONCE = 4096  # images: bounds memory
_MIRRORED = np.array([1, -1, 1, 1, -1], np.float32)  # the sign of each vector of a mirrored face


@dataclass(frozen=True)
class Tangents:
    """Holds for each image the vectors of the face and its changes, and their products.

    Attributes:
        vectors: float16 (n, 5, frequencies): the face, of unit length, shifted in x and in y,
            scaled, turned; the last in steps of the image's side. Even frequencies come first.
        products: of the vectors with each other, float32 (n, 5, 5).
        inverses: of the products.
    """

    vectors: np.ndarray
    products: np.ndarray
    inverses: np.ndarray


def described(images: np.ndarray) -> Tangents:
    """Describes uint8 images (n, THIRD, THIRD)."""
    pieces = [_described(images[at : at + _AT_ONCE]) for at in range(0, len(images), _AT_ONCE)]
    return Tangents(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))


def _described(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flat = images.reshape(len(images), -1).astype(np.float32)
    vectors = (flat @ _linear_maps()).reshape(len(images), 5, -1)
    vectors /= np.maximum(np.linalg.norm(vectors[:, 0], axis=1), 1e-6)[:, None, None]
    rounded = vectors.astype(np.float16)
    vectors = rounded.astype(np.float32)
    products = vectors @ vectors.swapaxes(1, 2)
    ridge = _RIDGE * products.trace(axis1=1, axis2=2) / 5 + 1e-9
    inverses = np.linalg.inv(products + ridge[:, None, None] * np.eye(5))
    return rounded, products, inverses.astype(np.float32)


def compared(of: Tangents, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, ...]:
    """Estimates the step between each pair of images.

    Returns:
        Whether the second image of each pair is more alike mirrored; their correlation then, when
        each went half the way; and the pose of the second one, see `alignment._align`.
    """
    one, other = (of.vectors[each].astype(np.float32) for each in (first, second))
    even = _evens()
    even_products = one[:, :, :even] @ other[:, :, :even].swapaxes(1, 2)
    odd_products = one[:, :, even:] @ other[:, :, even:].swapaxes(1, 2)
    own = (of.products[first], of.products[second])
    inverse = (of.inverses[first], of.inverses[second])
    plain = _halfway(even_products + odd_products, own, inverse)
    signs = _MIRRORED[:, None] * _MIRRORED
    mirrored = _halfway(
        (even_products - odd_products) * _MIRRORED,
        (own[0], own[1] * signs),
        (inverse[0], inverse[1] * signs),
    )
    is_mirrored = mirrored[0] > plain[0]
    correlation = np.maximum(mirrored[0], plain[0])
    return is_mirrored, correlation, np.where(is_mirrored[:, None], mirrored[1], plain[1])


def _halfway(
    products: np.ndarray,
    own: tuple[np.ndarray, np.ndarray],
    inverse: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the correlation of each pair when both went half the way, and the pose."""
    there = np.einsum("nij,nj->ni", inverse[0], products[:, :, 0])
    back = np.einsum("nij,nj->ni", inverse[1], products[:, 0])
    there, back = (each[:, 1:] / np.maximum(each[:, :1], _LEAST_GAIN) for each in (there, back))
    step = (there - back) / 2
    one, other = np.ones((2, len(step), 5), np.float32)
    one[:, 1:], other[:, 1:] = step / 2, -step / 2
    squares = _form(one, own[0], one) * _form(other, own[1], other)
    correlation = _form(one, products, other) / np.sqrt(np.maximum(squares, 1e-12))
    return correlation, -step[:, [2, 3, 0, 1]] / THIRD


def _form(one: np.ndarray, matrices: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the bilinear form of each pair of vectors."""
    return np.einsum("ni,nij,nj->n", one, matrices, other)


@cache
def _linear_maps() -> np.ndarray:
    """Returns the matrix (pixels, 5 × frequencies) from images to their vectors."""
    blur = blurring(_SMOOTHING, THIRD)
    slope = np.zeros((THIRD, THIRD), np.float32)
    inner = np.arange(1, THIRD - 1)
    slope[inner, inner + 1], slope[inner, inner - 1] = 0.5, -0.5
    still = np.diag(np.isin(np.arange(THIRD), inner)).astype(np.float32)
    place = np.arange(THIRD) - (THIRD - 1) / 2
    x, y = np.tile(place, THIRD) / THIRD, np.repeat(place, THIRD) / THIRD
    images = np.kron(still @ blur, still @ blur)
    across, down = np.kron(still @ blur, slope @ blur), np.kron(slope @ blur, still @ blur)
    changes = np.stack([
        images,
        across,
        down,
        x[:, None] * across + y[:, None] * down,
        x[:, None] * down - y[:, None] * across,
    ])  # fmt: skip
    weight = np.exp(-(x**2 + y**2) / (2 * _WEIGHT**2)) * np.kron(still.diagonal(), still.diagonal())
    changes = changes * weight[:, None]
    constant = weight / np.linalg.norm(weight)
    changes -= constant[:, None] * (constant @ changes)[:, None]
    maps = _cosines() @ changes  # (5, frequencies, pixels)
    return np.ascontiguousarray(maps.transpose(2, 0, 1).reshape(THIRD**2, -1), np.float32)


@cache
def _cosines() -> np.ndarray:
    """Returns the lowest frequencies in two dimensions, (frequencies, pixels), even ones first."""
    count = THIRD - 2
    places = np.arange(THIRD) - 0.5
    waves = np.cos(np.pi / count * places * np.arange(_FREQUENCIES)[:, None])
    waves[:, [0, -1]] = 0
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    order = np.argsort(np.arange(_FREQUENCIES) % 2, kind="stable")
    return np.einsum("ux,vy->uvyx", waves[order], waves).reshape(_FREQUENCIES**2, -1)


def _evens() -> int:
    """Returns how many frequencies are the same in a mirrored image."""
    return _FREQUENCIES * ((_FREQUENCIES + 1) // 2)
