"""Random augmentation of training images, as a pure function of images and seed."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from fer_core.models.camera_effects import apply_camera_effects
from fer_core.runs import Augmentation

# Each purpose has its own random stream: views do not depend on a run's seed, and switching one
# transformation on does not change the others.
_VIEWS, _LIGHT, _ERASING, _CROPPING = 9001, 9002, 9003, 9004
_ERASED_AREAS = (0.02, 0.25)  # fraction of the image, smallest and largest
_ERASED_ASPECTS = (0.4, 2.5)  # height / width


def augment(
    images: np.ndarray, targets: np.ndarray, settings: Augmentation, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Transforms images at random; the same seed gives the same result.

    Args:
        images: uint8 (n, height, width, channels) in [0, 255].
        targets: float32 (n, classes).
        settings: the range of each transformation.
        seed: identifies the batch, for example (seed of the run, epoch, step).

    Returns:
        float32 images in [0, 255] of the same shape, and the targets.
    """
    augmented = images.astype("float32")
    if settings.moves:
        augmented = _warp(images, draw_matrices(len(images), settings, seed))
    if settings.contrast or settings.brightness:
        augmented = _adjust_light(augmented, settings, (*seed, _LIGHT))
    if settings.has_camera_effects:
        augmented = apply_camera_effects(augmented, settings, seed)
    if settings.erasing:
        augmented = _erase(augmented, settings.erasing, (*seed, _ERASING))
    return augmented, targets


def draw_augmentation(
    shape: tuple[int, ...], settings: Augmentation, seed: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Draws what `augment` does to a batch with that seed, for a device that does the same.

    Args:
        shape: of the images, (n, height, width, channels).

    Returns:
        What there is of: `matrices` float32 (n, 2, 3), which map (x, y) of the result to pixels of
        the original; `factors` of the contrast and `shifts` of the brightness, float32 (n, 1, 1,
        1); `erased` bool (n, height, width, 1), and `noise` uint8 (n, height, width, channels).
    """
    drawn = {}
    if settings.moves:
        matrices = _to_corner(draw_matrices(shape[0], settings, seed), shape[1:3])
        drawn["matrices"] = matrices[:, :2].astype("float32")
    if settings.contrast or settings.brightness:
        drawn["factors"], drawn["shifts"] = _draw_light(shape[0], settings, (*seed, _LIGHT))
    if settings.erasing:
        drawn["erased"] = np.zeros((*shape[:3], 1), bool)
        drawn["noise"] = np.zeros(shape, "uint8")
        for window, noise in _draw_erasures(shape, settings.erasing, (*seed, _ERASING)):
            drawn["erased"][window] = True
            drawn["noise"][window] = np.rint(noise)
    return drawn


def augment_view(
    images: np.ndarray, settings: Augmentation, view: int, first: int = 0
) -> np.ndarray:
    """Returns one of the fixed augmented views that a frozen backbone sees, float32 in [0, 255].

    View 0 is the unchanged images. The others are augmented at random, seeded by the number of the
    view and by `first`, the position of the first image in the dataset. With `flip` every odd view
    is mirrored, so that two views cover both directions.
    """
    if view == 0:
        return images.astype("float32")
    unflipped = replace(settings, flip=False)
    augmented, _ = augment(images, images[:, 0, 0], unflipped, (_VIEWS, view, first))
    return augmented[:, :, ::-1] if settings.flip and view % 2 else augmented


def augmentation_examples(
    pixels: np.ndarray, settings: Augmentation, seed: int, count: int
) -> np.ndarray:
    """Returns augmented versions of images for a preview, one per epoch of `count`.

    Returns:
        uint8 (1 + count, n, height, width, channels); the first are the unchanged images.
    """
    targets = np.zeros((len(pixels), 1), "float32")
    epochs = [augment(pixels, targets, settings, (seed, epoch))[0] for epoch in range(count)]
    return np.stack([pixels, *(np.rint(images).astype("uint8") for images in epochs)])


def draw_matrices(count: int, settings: Augmentation, seed: tuple[int, ...]) -> np.ndarray:
    """Returns one random affine matrix per image, (count, 3, 3), around the image's center.

    Each maps (x, y) of the result to (x, y) of the original; shifts are fractions of width and
    height. Composed as in Keras's `ImageDataGenerator`: rotation, shift, shear, zoom; then the
    crop. As there, shear moves pixels horizontally and also scales the height by cos(shear).
    """
    rng = np.random.default_rng(seed)
    rotation = np.deg2rad(rng.uniform(-1, 1, count) * settings.rotation)
    shift = rng.uniform(-1, 1, (2, count)) * settings.shift
    shear = np.deg2rad(rng.uniform(-1, 1, count) * settings.shear)
    zoom = 1 + rng.uniform(-1, 1, (2, count)) * settings.zoom
    mirror = np.where(settings.flip & (rng.uniform(size=count) < 0.5), -1.0, 1.0)
    zero, one = np.zeros(count), np.ones(count)
    rotations = _matrices(np.cos(rotation), -np.sin(rotation), np.sin(rotation), np.cos(rotation))
    shifts = _matrices(one, zero, zero, one)
    shifts[:, 0, 2], shifts[:, 1, 2] = shift
    shears = _matrices(one, -np.sin(shear), zero, np.cos(shear))
    # ImageDataGenerator flips last; the matrices map results to originals, so flips come first.
    zooms = _matrices(zoom[0], zero, zero, zoom[1]) @ _matrices(mirror, zero, zero, one)
    matrices = rotations @ shifts @ shears @ zooms
    return matrices @ _draw_crops(count, settings.crop, seed) if settings.crop else matrices


def _draw_crops(count: int, crop: float, seed: tuple[int, ...]) -> np.ndarray:
    """Returns a matrix (count, 3, 3) for each image's square window inside the image."""
    rng = np.random.default_rng((*seed, _CROPPING))
    side, zero = 1 - crop * rng.random(count), np.zeros(count)
    matrices = _matrices(side, zero, zero, side)
    matrices[:, :2, 2] = rng.uniform(-0.5, 0.5, (count, 2)) * (1 - side)[:, None]
    return matrices


def _warp(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Applies one affine matrix to each image, float32; the border is replicated.

    One image at a time in OpenCV takes a quarter of the time of
    `keras.ops.image.affine_transform` on a batch, with the same result to a thousandth of a gray
    level.
    """
    height, width = images.shape[1:3]
    corner_matrices = _to_corner(matrices, (height, width))[:, :2]
    pixels = images.astype("float32")
    warped = np.empty_like(pixels)
    for image, matrix, target in zip(pixels, corner_matrices, warped, strict=True):
        cv2.warpAffine(
            image,
            matrix,
            (width, height),
            dst=target,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return warped


def _adjust_light(images: np.ndarray, settings: Augmentation, seed: tuple[int, ...]) -> np.ndarray:
    """Changes the contrast of each image, around its mean, and its brightness."""
    factors, shifts = _draw_light(len(images), settings, seed)
    means = images.mean(axis=(1, 2, 3), keepdims=True)
    adjusted = (images - means) * factors + means + shifts
    return np.clip(adjusted, 0, 255, out=adjusted)


def _draw_light(count: int, settings: Augmentation, seed: tuple[int, ...]) -> np.ndarray:
    """Returns factors of the contrast and shifts in gray levels, float32 (2, count, 1, 1, 1)."""
    rng = np.random.default_rng(seed)
    factors, shifts = rng.uniform(-1, 1, (2, count, 1, 1, 1)).astype("float32")
    return np.stack(
        [
            1 + factors * np.float32(settings.contrast),
            shifts * np.float32(settings.brightness * 255),
        ]
    )


def _erase(images: np.ndarray, fraction: float, seed: tuple[int, ...]) -> np.ndarray:
    """Fills a random rectangle with noise in a fraction of the images, in place.

    Random erasing (Zhong et al., "Random Erasing Data Augmentation", 2020).
    """
    for window, noise in _draw_erasures(images.shape, fraction, seed):
        images[window] = noise
    return images


def _draw_erasures(
    shape: tuple[int, ...], fraction: float, seed: tuple[int, ...]
) -> Iterator[tuple[tuple[np.integer, slice, slice], np.ndarray]]:
    """Yields (number, rows, columns) of each rectangle and its noise in [0, 255]."""
    rng = np.random.default_rng(seed)
    count, height, width, channels = shape
    for number in np.flatnonzero(rng.random(count) < fraction):
        area = rng.uniform(*_ERASED_AREAS) * height * width
        aspect = np.exp(rng.uniform(*np.log(_ERASED_ASPECTS)))
        rows = min(height, max(1, round(np.sqrt(area * aspect))))
        columns = min(width, max(1, round(np.sqrt(area / aspect))))
        top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        noise = rng.uniform(0, 255, (rows, columns, channels))
        yield (number, slice(top, top + rows), slice(left, left + columns)), noise


def _matrices(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    matrices = np.zeros((len(a), 3, 3))
    matrices[:, 0, 0], matrices[:, 0, 1] = a, b
    matrices[:, 1, 0], matrices[:, 1, 1] = c, d
    matrices[:, 2, 2] = 1
    return matrices


def _to_corner(matrices: np.ndarray, image_size: tuple[int, ...]) -> np.ndarray:
    """Converts matrices around the center, with relative shifts, to pixel coordinates."""
    height, width = image_size
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    converted = matrices.copy()
    shift = matrices[:, :2, 2] * (width, height)
    converted[:, :2, 2] = shift + center - matrices[:, :2, :2] @ center
    return converted
