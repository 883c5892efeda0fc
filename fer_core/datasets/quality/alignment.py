"""Decides whether two faces are the same photo by aligning them and comparing each part."""

from collections.abc import Callable
from functools import cache

import numpy as np

from fer_core.datasets.quality.measures import SIDE

# Two images are one photo if, once aligned, every window of the face correlates by at least ...
MIN_LOCAL_CORRELATION = 0.88
# ... and none has moved by more than this many pixels of the sketch: a smile moves the corners of
# the mouth. If one image is sharper than the other, by up to the blur between them more. Measured
# by `tests/benchmarks/near_duplicates.py`.
MAX_DISPLACEMENT = 0.45
_MIN_CORRELATION = 0.92  # of the faces as a whole after the first steps: others are given up

_STEPS = (4, 3)  # of Gauss-Newton, before and after giving up
_SMOOTHING = 0.7  # sigma in pixels of the sketch, against noise and resampling
_WINDOW = 2.0  # sigma of a window: a mouth or an eye is 6 to 8 pixels wide
# Added to a window's contrast, for skin has none: a share of that of the face's smoothest windows
# (of all windows, the edge of the head would hide a dark face's mouth), and noise.
_FLOOR, _NOISE = 0.3, 2.0
_FACE = (slice(7, 26), slice(7, 25))  # where windows are centered; borders are often filled in
_MIN_COVERED = 0.6  # share of a window that is inside both images
_CLIPPED = (2, 253)  # gray levels beyond which pixels are clipped
_BLURS = (0.5, 0.7, 0.9, 1.1, 1.4, 1.7, 2.1)  # sigmas tried on the sharper image
_EQUALLY_SHARP = 0.05  # difference of the logarithms of the sharpness
_MAX_STEP = np.array([0.15, 0.15, 0.1, 0.1])
_MAX_POSE = np.array([0.35, 0.45, 0.2, 0.2])  # scale − 1, sine, shift in sides of the image
_DIAGONAL = np.arange(6)

_CENTRAL = slice(4, SIDE - 4)
_Y, _X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
_IS_INNER = _X**2 + _Y**2 < 14.0**2  # corners are often filled in


Mean = Callable[[np.ndarray], np.ndarray]  # over each window of the face


def gaussian(sigma: float, size: int = SIDE) -> np.ndarray:
    """Returns the matrix (size, size) that blurs along an axis; its rows sum to 1 or less.

    Pixels outside count as 0.
    """
    distance = np.subtract.outer(np.arange(size), np.arange(size))
    wide = np.exp(-(np.arange(-4 * size, 4 * size + 1) ** 2) / (2 * max(sigma, 1e-3) ** 2))
    kernel: np.ndarray = np.exp(-(distance**2) / (2 * max(sigma, 1e-3) ** 2)) / wide.sum()
    return kernel.astype(np.float32)


def blurring(sigma: float) -> np.ndarray:
    """Returns the same for pixels outside that continue those at the border."""
    kernel = gaussian(sigma)
    normalized: np.ndarray = kernel / kernel.sum(axis=1, keepdims=True)
    return normalized


def equalized(sketches: np.ndarray) -> np.ndarray:
    """Equalizes the histogram of each uint8 image."""
    import cv2

    return np.stack([cv2.equalizeHist(sketch) for sketch in sketches])


def find_same(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Aligns each pair and compares them window by window.

    Args:
        first: uint8 sketches (n, SIDE, SIDE).
        second: likewise, already mirrored where a pair is to be compared so.

    Returns:
        Whether each pair is one photo, and the correlation of the aligned images.
    """
    if not len(first):
        return np.zeros(0, bool), np.zeros(0, np.float32)
    one, other = _equally_clipped(first, second)
    small, small_other = _halved(one), _halved(other)
    poses = _align(small, small_other, np.zeros((len(one), 4)), _STEPS[0])
    correlation = _correlation(small, _warp(small_other, poses))
    is_same = correlation >= _MIN_CORRELATION
    if is_same.any():
        poses = _align(one[is_same], other[is_same], poses[is_same], _STEPS[1])
        agrees, correlation[is_same] = _compare(first[is_same], second[is_same], poses)
        is_same[is_same] = agrees
    return is_same, correlation


def _compare(
    first: np.ndarray, second: np.ndarray, poses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which pairs agree everywhere once aligned, and the correlation of each."""
    one = first.astype(np.float32)
    other = _warp(second.astype(np.float32), poses)
    covered = _warp(np.ones_like(one), poses, outside=0.0)
    for pair in zip(one, other, covered, strict=True):
        _give_one_histogram(*pair)
    one, other, blur = _equally_sharp(_smooth(one), _smooth(other))
    lowest, displacement = _local(one, other, covered)
    agrees = lowest >= MIN_LOCAL_CORRELATION
    agrees &= displacement <= MAX_DISPLACEMENT * np.sqrt(1 + blur**2)
    return agrees, _correlation(one, other)


def _equally_clipped(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equalizes and smooths images; what is clipped in one of a pair is clipped in the other."""
    inner = np.stack([first[:, _IS_INNER], second[:, _IS_INNER]])
    low = 255 * (inner <= _CLIPPED[0]).mean(axis=2).max(axis=0)
    high = 255 - 255 * (inner >= _CLIPPED[1]).mean(axis=2).max(axis=0)
    low, high = (each.astype(np.uint8)[:, None, None] for each in (low, np.maximum(low, high)))
    one, other = (np.clip(equalized(images), low, high) for images in (first, second))
    return _smooth(one), _smooth(other)


def _smooth(images: np.ndarray) -> np.ndarray:
    blur = blurring(_SMOOTHING)
    smooth: np.ndarray = blur @ images.astype(np.float32) @ blur.T
    return smooth


def _give_one_histogram(one: np.ndarray, other: np.ndarray, covered: np.ndarray) -> None:
    """Changes the gray levels of two images so that both have the mean of their histograms.

    So neither brightness nor contrast nor equalization makes a difference. As many pixels as are
    clipped in one image are clipped in the other too.
    """
    inside = _IS_INNER & (covered > 0.99)
    images = np.stack([one[inside], other[inside]]).astype(np.uint8)
    if not images.size:
        return
    ordered = np.sort(images, axis=1)
    count = images.shape[1]
    low = int((images <= _CLIPPED[0]).sum(axis=1).max())
    high = count - 1 - int((images >= _CLIPPED[1]).sum(axis=1).max())
    low, high = min(low, count - 1), max(high, low, 0)
    high = min(high, count - 1)
    for image, levels in zip((one, other), ordered, strict=True):
        np.clip(image, levels[low], levels[high], out=image)
    ordered = np.clip(ordered, ordered[:, [low]], ordered[:, [high]])
    sums = np.concatenate([[0.0], np.cumsum(ordered.mean(axis=0))])
    for image, levels in zip((one, other), ordered, strict=True):
        ends = np.searchsorted(levels, np.arange(257), side="left")
        known = np.flatnonzero(np.diff(ends))
        means = np.diff(sums[ends])[known] / np.diff(ends)[known]
        image[:] = np.interp(image, known, means)


def _align(one: np.ndarray, other: np.ndarray, poses: np.ndarray, steps: int) -> np.ndarray:
    """Improves the similarity transforms that map pixels of `one` to those of `other`.

    By Gauss-Newton; the gain and the offset between the images are estimated along with them.

    Args:
        poses: (n, 4): scale × cosine − 1, scale × sine, shift in x and y in sides of the image.
    """
    x, y, weight, central = _grid(one.shape[1])
    target = (one[central] * weight).reshape(len(one), -1, 1)
    for _ in range(steps):
        moved = _warp(other, poses)
        around = moved[:, central[1].start - 1 : central[1].stop + 1][:, :, central[2]]
        down = (around[:, 2:] - around[:, :-2]) * (weight / 2)
        around = moved[:, central[1]][:, :, central[2].start - 1 : central[2].stop + 1]
        across = (around[:, :, 2:] - around[:, :, :-2]) * (weight / 2)
        jacobian = np.empty((len(one), 6, *weight.shape), np.float32)
        jacobian[:, 0], jacobian[:, 1] = across * x + down * y, down * x - across * y
        jacobian[:, 2], jacobian[:, 3] = across, down
        jacobian[:, 4], jacobian[:, 5] = moved[central] * weight, weight
        jacobian = jacobian.reshape(len(one), 6, -1)
        normal = jacobian @ jacobian.swapaxes(1, 2)
        normal[:, _DIAGONAL, _DIAGONAL] = normal[:, _DIAGONAL, _DIAGONAL] * (1 + 1e-4) + 1e-3
        solution = np.linalg.solve(normal, jacobian @ target)[:, :, 0]
        step = solution[:, :4] / np.maximum(solution[:, 4:5], 0.2)
        step[:, 2:] /= one.shape[1]
        poses = _composed(poses, np.clip(step, -_MAX_STEP, _MAX_STEP))
    return poses


@cache
def _grid(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[slice, slice, slice]]:
    """Returns x and y in pixels from the center, weights, and where the central pixels are."""
    central = slice(side // 8, side - side // 8)
    y, x = np.mgrid[:side, :side][:, central, central].astype(np.float32) - (side - 1) / 2
    weight = np.exp(-(x**2 + y**2) / (4 * (side / 4) ** 2))  # squared by least squares
    return x, y, weight, (slice(None), central, central)


def _composed(poses: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Returns the transforms that apply `steps` first."""
    rotation, step = poses[:, 0] + 1 + 1j * poses[:, 1], steps[:, 0] + 1 + 1j * steps[:, 1]
    shift = rotation * (steps[:, 2] + 1j * steps[:, 3]) + poses[:, 2] + 1j * poses[:, 3]
    rotation = rotation * step
    parts = (rotation.real - 1, rotation.imag, shift.real, shift.imag)
    return np.clip(np.stack(parts, axis=1), -_MAX_POSE, _MAX_POSE)


def _warp(images: np.ndarray, poses: np.ndarray, outside: float | None = None) -> np.ndarray:
    """Samples float32 images at transformed pixels; outside is the border's color or a value."""
    import cv2

    side, center = images.shape[1], (images.shape[1] - 1) / 2
    cosine, sine = poses[:, 0] + 1, poses[:, 1]
    matrices = np.empty((len(poses), 2, 3))
    matrices[:, 0, 0], matrices[:, 0, 1] = cosine, -sine
    matrices[:, 1, 0], matrices[:, 1, 1] = sine, cosine
    matrices[:, 0, 2] = center + poses[:, 2] * side - center * (cosine - sine)
    matrices[:, 1, 2] = center + poses[:, 3] * side - center * (cosine + sine)
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped, size = np.empty_like(images), (side, side)
    for image, matrix, result in zip(images, matrices, warped, strict=True):
        cv2.warpAffine(image, matrix, size, result, flags, border, outside or 0.0)
    return warped


def _equally_sharp(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blurs the sharper image of each pair; returns both, and the sigma of that blur in pixels."""
    sharpness = _sharpness(one), _sharpness(other)
    swap = (sharpness[0] < sharpness[1])[:, None, None]
    sharp, soft = np.where(swap, other, one), np.where(swap, one, other)
    wanted, best = np.minimum(*sharpness), sharp.copy()
    smallest = np.log(np.maximum(*sharpness) / wanted)
    sigmas = np.zeros(len(one), np.float32)
    for sigma, blur in _blurs():
        places = np.flatnonzero(smallest > _EQUALLY_SHARP)
        blurred = blur @ sharp[places] @ blur.T
        difference = np.abs(np.log(_sharpness(blurred) / wanted[places]))
        closer = difference < smallest[places]
        chosen = places[closer]
        best[chosen], smallest[chosen], sigmas[chosen] = blurred[closer], difference[closer], sigma
    return np.where(swap, soft, best), np.where(swap, best, soft), sigmas


@cache
def _blurs() -> list[tuple[float, np.ndarray]]:
    return [(sigma, blurring(sigma)) for sigma in _BLURS]


def _sharpness(images: np.ndarray) -> np.ndarray:
    """Returns the energy of the gradient relative to that of the image, per image."""
    central = images[:, _CENTRAL, _CENTRAL]
    energy = (np.diff(central, axis=1) ** 2).mean((1, 2)) + (np.diff(central, axis=2) ** 2).mean(
        (1, 2)
    )
    return (energy + 1e-3) / (central.var((1, 2)) + 1e-3)


def _halved(images: np.ndarray) -> np.ndarray:
    halves = images[:, ::2] + images[:, 1::2]
    return (halves[:, :, ::2] + halves[:, :, 1::2]) / 4


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Computes Pearson's correlation of the central pixels of each pair: in [-1, 1]."""
    central = _grid(one.shape[1])[3]
    parts = [images[central].reshape(len(images), -1) for images in (one, other)]
    one, other = (pixels - pixels.mean(axis=1, keepdims=True) for pixels in parts)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.einsum("ij,ij->i", one, other) / np.maximum(lengths, 1e-6)


def _local(
    one: np.ndarray, other: np.ndarray, covered: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lowest correlation and the largest displacement among the windows of a face."""
    blur = gaussian(_WINDOW)
    rows, columns = blur[_FACE[0]], blur[_FACE[1]].T
    share = blur @ covered @ blur.T + 1e-3

    def mean(values: np.ndarray) -> np.ndarray:
        return (blur @ (values * covered) @ blur.T) / share

    def mean_in_face(values: np.ndarray) -> np.ndarray:
        return (rows @ (values * covered) @ columns) / share[:, *_FACE]

    centered, other_centered = one - mean(one), other - mean(other)
    contrast = mean(centered**2) + 1e-3
    other_contrast = mean(other_centered**2) + 1e-3
    contrast, other_contrast = (
        each + _NOISE + _FLOOR * np.percentile(each[:, *_FACE], 25, axis=(1, 2), keepdims=True)
        for each in (contrast, other_contrast)
    )
    # Windows of the same gain: what then differs is their shape.
    centered = centered / np.sqrt(contrast)
    other_centered = other_centered / np.sqrt(other_contrast)
    difference = other_centered - centered
    correlation = 1 - mean_in_face(difference**2) / 2
    displacement = _displacement(centered + other_centered, difference, mean_in_face)
    outside = share[:, *_FACE] < _MIN_COVERED
    correlation[outside], displacement[outside] = 1.0, 0.0
    return correlation.min((1, 2)), displacement.max((1, 2))


def _displacement(total: np.ndarray, difference: np.ndarray, mean: Mean) -> np.ndarray:
    """Estimates how far each window has moved (Lucas and Kanade 1981), in pixels."""
    down, across = (np.gradient(total / 2, axis=axis) for axis in (1, 2))
    xx, xy, yy = mean(across**2), mean(across * down), mean(down**2)
    # Little is known about windows without edges: assume that they have not moved.
    ridge = 0.125 * (xx + yy).mean((1, 2), keepdims=True)
    xx, yy = xx + ridge, yy + ridge
    x, y = mean(across * difference), mean(down * difference)
    determinant = xx * yy - xy**2
    return np.hypot(yy * x - xy * y, xx * y - xy * x) / determinant
