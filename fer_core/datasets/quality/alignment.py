"""Decides whether two faces are the same photo by aligning them and comparing each part."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.sketches import blurring, equalized, gaussian

# Two images are one photo if, once aligned, the windows of the face differ in no more than this
# share of their variance, beyond what even the most similar windows differ in: noise and
# compression are everywhere, another mouth is not. Measured by
# `tests/benchmarks/near_duplicates.py`.
MAX_LOCAL_DIFFERENCE = 0.06
_NOISE_SHARE = 2.0  # times what the most similar quarter of the windows differs in is noise
# Pairs are given up whose faces as a whole correlate less after that many steps of Gauss-Newton:
# with a third of the pixels per side, and with all of them, equally blurred. Of copies by any
# single change 98 in 100 correlate more, of other pairs that come so far 1 in 5.
_COARSE_STEPS = ((1, 0.89), (2, 0.905))
_FINE_STEPS, _MIN_CORRELATION = 1, 0.945
# Before that, with a third of the pixels too, but not yet equally clipped: copies that are clipped
# correlate less.
_FIRST_STEPS = ((1, 0.78), (1, 0.83))
_LAST_STEPS = 2  # of those that are left
THIRD = SIDE // 3  # pixels of the images that are aligned first
_SMOOTHING = 1.05  # sigma in pixels of the sketch, against noise and resampling
_WINDOW = 2.25  # sigma of a window: a mouth or an eye is 9 to 12 pixels wide
# Added to a window's variance, for skin has none: a share of that of the face's smoothest windows
# (of all windows, the edge of the head would hide a dark face's mouth), and noise.
_FLOOR, _NOISE = 0.1, 1.0
_FACE = (slice(10, 39), slice(10, 38))  # where windows are centered; borders are often filled in
_MIN_COVERED = 0.6  # share of a window that is inside both images
_CLIPPED = (2, 253)  # gray levels beyond which pixels are clipped
_BLURS = (0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.4, 2.8)  # sigmas tried on the sharper image
_LEAST_GAIN = 2e-4  # in correlation that makes a blur worth it
_MAX_STEP = np.array([0.15, 0.15, 0.1, 0.1])
_MAX_POSE = np.array([0.35, 0.45, 0.2, 0.2])  # scale − 1, sine, shift in sides of the image
_DIAGONAL = np.arange(6)

_Y, _X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
_IS_INNER = _X**2 + _Y**2 < 21.0**2  # corners are often filled in


def thirds(sketches: np.ndarray) -> np.ndarray:
    """Returns what `may_be_same` compares uint8 sketches by: uint8 (n, THIRD, THIRD)."""
    return np.rint(_thirds(equalized(sketches))).clip(0, 255).astype(np.uint8)


def may_be_same(
    first: np.ndarray, second: np.ndarray, poses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Aligns each pair of `thirds`, ten times as fast as `find_same`, beginning with `poses`.

    Returns:
        Which pairs to look at more closely, and their poses.
    """
    one, other = first.astype(np.float32), second.astype(np.float32)
    poses = np.clip(poses, -_MAX_STEP, _MAX_STEP)  # from a wild estimate no step leads back
    return _roughly_aligned(one, other, poses, _FIRST_STEPS)


def find_same(
    first: np.ndarray, second: np.ndarray, poses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Aligns each pair and compares them window by window.

    Args:
        first: uint8 sketches (n, SIDE, SIDE).
        second: likewise, already mirrored where a pair is to be compared so.
        poses: about how they are aligned, see `_align`.

    Returns:
        Whether each pair is one photo, and the correlation of the aligned images.
    """
    is_same, correlations = np.zeros(len(first), bool), np.zeros(len(first), np.float32)
    one, other = _equally_clipped(first, second)
    left, poses = _roughly_aligned(_thirds(one), _thirds(other), poses, _COARSE_STEPS)
    one, other = _smooth(one[left]), _smooth(other[left])
    poses = _align(one, other, poses, _FINE_STEPS)
    blurs, correlation = _blurs_between(one, _warp(other, poses))
    alike = correlation >= _MIN_CORRELATION
    left, poses, blurs = left[alike], poses[alike], blurs[alike]
    if len(left):
        poses = _align(one[alike], other[alike], poses, _LAST_STEPS)
        difference, correlation = _compare(first[left], second[left], poses, blurs)
        is_same[left], correlations[left] = difference <= MAX_LOCAL_DIFFERENCE, correlation
    return is_same, correlations


def _roughly_aligned(
    one: np.ndarray, other: np.ndarray, poses: np.ndarray, rounds: Sequence[tuple[int, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which pairs are alike enough once aligned, and their poses.

    Args:
        rounds: how many steps each takes, and the least correlation after it.
    """
    left = np.arange(len(one))
    for steps, least in rounds:
        poses = _align(one[left], other[left], poses, steps)
        alike = _correlation(one[left], _warp(other[left], poses)) >= least
        left, poses = left[alike], poses[alike]
    return left, poses


def _compare(
    first: np.ndarray, second: np.ndarray, poses: np.ndarray, blurs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the largest local difference of each aligned pair, and its correlation.

    Equalized images of different sharpness have their edges in slightly different places, so the
    pairs are aligned once more when their sharpness and gray levels are equal.
    """
    one, other, covered = _leveled(first, second, poses, blurs)
    left = np.flatnonzero(blurs)
    steps = _align(one[left], other[left], np.zeros((len(left), 4)), _LAST_STEPS)
    poses = _composed(poses[left], steps)
    again = _leveled(first[left], second[left], poses, blurs[left])
    one[left], other[left], covered[left] = again
    return _local_difference(one, other, covered), _correlation(one, other)


def _leveled(
    first: np.ndarray, second: np.ndarray, poses: np.ndarray, blurs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns pairs of one sharpness and histogram, and which share of pixels is in both."""
    one = _blurred(first.astype(np.float32), np.maximum(blurs, 0))
    other = _blurred(_warp(second.astype(np.float32), poses), np.maximum(-blurs, 0))
    covered = _warp(np.ones_like(one), poses, outside=0.0)
    for pair in zip(one, other, covered, strict=True):
        _give_one_histogram(*pair)
    return _smooth(one), _smooth(other), covered


def _blurs_between(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which blur of the sharper image makes each pair most alike, and how much.

    The number of the blur, from 1, negative if the second image is sharper, and 0 for none; and
    the correlation with it.
    """
    swap = _sharpness(one) < _sharpness(other)
    sharp, soft = (np.where(swap[:, None, None], *pair) for pair in ((other, one), (one, other)))
    best, numbers = _correlation(one, other), np.zeros(len(one), np.int64)
    left = np.arange(len(one))
    for number, blur in enumerate(_blur_matrices(), start=1):
        correlation = _correlation(blur @ sharp[left] @ blur.T, soft[left])
        better = correlation > best[left] + _LEAST_GAIN
        left = left[better]
        best[left], numbers[left] = correlation[better], number
    return np.where(swap, -numbers, numbers), best


def _sharpness(images: np.ndarray) -> np.ndarray:
    """Returns the energy of the gradient relative to that of the image, per image."""
    central = images[_grid(images.shape[1])[3]]
    energy = sum((np.diff(central, axis=axis) ** 2).mean((1, 2)) for axis in (1, 2))
    return (energy + 1e-3) / (central.var((1, 2)) + 1e-3)


def _blurred(images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Blurs float32 images by the blurs of those numbers, 0 for none: whole gray levels."""
    for number, blur in enumerate(_blur_matrices(), start=1):
        places = np.flatnonzero(numbers == number)
        images[places] = blur @ images[places] @ blur.T
    return np.clip(np.rint(images), 0, 255)


@cache
def _blur_matrices() -> list[np.ndarray]:
    return [blurring(sigma) for sigma in _BLURS]


def _equally_clipped(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equalizes images; what is clipped in one of a pair is clipped in the other."""
    inner = np.stack([first[:, _IS_INNER], second[:, _IS_INNER]])
    low = 255 * (inner <= _CLIPPED[0]).mean(axis=2).max(axis=0)
    high = 255 - 255 * (inner >= _CLIPPED[1]).mean(axis=2).max(axis=0)
    low, high = (each.astype(np.uint8)[:, None, None] for each in (low, np.maximum(low, high)))
    one, other = (np.clip(equalized(images), low, high) for images in (first, second))
    return one, other


def _smooth(images: np.ndarray) -> np.ndarray:
    blur = blurring(_SMOOTHING)
    smooth: np.ndarray = blur @ images.astype(np.float32) @ blur.T
    return smooth


def _give_one_histogram(one: np.ndarray, other: np.ndarray, covered: np.ndarray) -> None:
    """Changes the gray levels of two images so that both have the mean of their histograms.

    So neither brightness nor contrast nor equalization makes a difference. As many pixels as are
    clipped in one image are clipped in the other too.
    """
    inside, levels = _IS_INNER & (covered > 0.99), np.arange(256)
    images = [image.astype(np.uint8) for image in (one, other)]
    counts = np.stack([np.bincount(image[inside], minlength=256) for image in images])
    ends = counts.cumsum(axis=1)
    last = int(ends[0, -1]) - 1
    if last < 0:
        return
    low = min(int(ends[:, _CLIPPED[0]].max()), last)
    high = min(max(int(ends[:, _CLIPPED[1] - 1].min()) - 1, low), last)
    parts = []  # of each image: the gray levels that it has, and of how many pixels
    for count, end in zip(counts, ends, strict=True):
        darkest, brightest = np.searchsorted(end, [low, high], side="right")
        clipped = count[darkest : brightest + 1].copy()
        clipped[0], clipped[-1] = end[darkest], clipped[-1] + end[-1] - end[brightest]
        if darkest == brightest:
            clipped[0] = end[-1]
        known = np.flatnonzero(clipped)
        parts.append((known + darkest, clipped[known]))
    sums = [_sums(*part) for part in parts]
    for number, (result, image) in enumerate(zip((one, other), images, strict=True)):
        known, count = parts[number]
        others = np.diff(np.interp(sums[number][0], *sums[1 - number])) / count
        result[:] = np.interp(levels, known, (known + others) / 2)[image]


def _sums(known: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns how many of the darkest pixels there are up to each level, and their sum."""
    return np.append(0, count.cumsum()), np.append(0, (known * count).cumsum())


def _align(one: np.ndarray, other: np.ndarray, poses: np.ndarray, steps: int) -> np.ndarray:
    """Improves the similarity transforms that map pixels of `one` to those of `other`.

    By Gauss-Newton; the gain and the offset between the images are estimated along with them.

    Args:
        poses: (n, 4): scale × cosine − 1, scale × sine, shift in x and y in sides of the image.
    """
    x, y, weight, central = _grid(one.shape[1])
    target = (one[central] * weight).reshape(len(one), weight.size, 1)
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
        jacobian = jacobian.reshape(len(one), 6, weight.size)
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


def _thirds(images: np.ndarray) -> np.ndarray:
    """Smooths images and scales them to a third."""
    rows = _thirds_of_rows()
    thirds: np.ndarray = rows @ images.astype(np.float32) @ rows.T
    return thirds


@cache
def _thirds_of_rows() -> np.ndarray:
    return blurring(_SMOOTHING).reshape(THIRD, 3, SIDE).mean(axis=1)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Computes Pearson's correlation of the central pixels of each pair: in [-1, 1]."""
    central = _grid(one.shape[1])[3]
    one, other = (
        part - part.mean(axis=(1, 2), keepdims=True) for part in (one[central], other[central])
    )
    squares = (one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2))
    return (one * other).sum(axis=(1, 2)) / np.maximum(np.sqrt(squares), 1e-6)


def _local_difference(one: np.ndarray, other: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Returns the largest difference among the windows of each face, as a share of variance.

    Windows are compared at the same mean and contrast: 1 minus their correlation, without noise.
    """
    blur = gaussian(_WINDOW)
    rows, columns = blur[_FACE[0]], blur[_FACE[1]].T
    share = blur @ covered @ blur.T + 1e-3

    def mean(values: np.ndarray) -> np.ndarray:
        return (blur @ (values * covered) @ blur.T) / share

    def mean_in_face(values: np.ndarray) -> np.ndarray:
        return (rows @ (values * covered) @ columns) / share[:, *_FACE]

    def quarter(values: np.ndarray) -> np.ndarray:
        return np.percentile(values, 25, axis=(1, 2), keepdims=True)

    one, other = one - mean(one), other - mean(other)
    variances = [
        each + _NOISE + _FLOOR * quarter(each[:, *_FACE]) for each in (mean(one**2), mean(other**2))
    ]
    contrast = np.sqrt(variances[0] * variances[1])[:, *_FACE]
    noise = _NOISE_SHARE * quarter(mean_in_face((one - other) ** 2)) / contrast
    one, other = one / np.sqrt(variances[0]), other / np.sqrt(variances[1])
    difference = np.maximum(mean_in_face((one - other) ** 2) - noise, 0) / 2
    difference[share[:, *_FACE] < _MIN_COVERED] = 0
    return difference.max(axis=(1, 2))
