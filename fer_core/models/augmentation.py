"""What training does to images, as a pure function."""

from dataclasses import replace

import cv2
import numpy as np

from fer_core.runs import Augmentation

# Streams of random numbers of their own: views do not depend on a run's seed, and what is drawn
# for one change does not depend on the others.
_VIEWS, _LIGHT, _ERASING = 9001, 9002, 9003
_ERASED_AREAS = (0.02, 0.25)  # of the image, least and largest
_ERASED_SHAPES = (0.4, 2.5)  # height by width


def augment(
    images: np.ndarray, targets: np.ndarray, settings: Augmentation, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Randomly changed images and their targets; the same seed gives the same change.

    Args:
        images: uint8 (n, height, width, channels) in [0, 255].
        targets: float32 (n, classes).
        settings: how far each change may go.
        seed: whatever names the batch, for example (seed of the run, epoch, step).

    Returns:
        float32 images in [0, 255] of the same shape, and the targets.
    """
    changed = images.astype("float32")
    if settings.moves:
        changed = _moved(images, draw_matrices(len(images), settings, seed))
    if settings.contrast or settings.brightness:
        changed = _lit(changed, settings, (*seed, _LIGHT))
    if settings.erasing:
        changed = _erased(changed, settings.erasing, (*seed, _ERASING))
    return changed, targets


def augment_view(
    images: np.ndarray, settings: Augmentation, view: int, first: int = 0
) -> np.ndarray:
    """One of the fixed views of images that a frozen backbone sees, float32 in [0, 255].

    View 0 is the images as they are. The others are drawn as `augment` draws, by the view's number
    and `first`, which says where in their array the images begin; but where images are flipped,
    every odd view is, so that two views cover a flip exactly.
    """
    if view == 0:
        return images.astype("float32")
    upright = replace(settings, flip=False)
    changed, _ = augment(images, images[:, 0, 0], upright, (_VIEWS, view, first))
    return changed[:, :, ::-1] if settings.flip and view % 2 else changed


def examples(pixels: np.ndarray, settings: Augmentation, seed: int, count: int) -> np.ndarray:
    """What training may see of some images in so many epochs, to look at.

    Returns:
        uint8 (1 + count, n, height, width, channels); the first are the images themselves.
    """
    targets = np.zeros((len(pixels), 1), "float32")
    drawn = [augment(pixels, targets, settings, (seed, epoch))[0] for epoch in range(count)]
    return np.stack([pixels, *(np.rint(images).astype("uint8") for images in drawn)])


def draw_matrices(count: int, settings: Augmentation, seed: tuple[int, ...]) -> np.ndarray:
    """One random affine map per image, (count, 3, 3), around the image's centre.

    Each takes (x, y) of the result to (x, y) of the original, the shift in fractions of width
    and height. Composed as `ImageDataGenerator` does: rotation, shift, shear, zoom; its shear
    moves pixels sideways and, as there, also squeezes the height by cos(shear).
    """
    rng = np.random.default_rng(seed)
    rotation = np.deg2rad(rng.uniform(-1, 1, count) * settings.rotation)
    shift = rng.uniform(-1, 1, (2, count)) * settings.shift
    shear = np.deg2rad(rng.uniform(-1, 1, count) * settings.shear)
    zoom = 1 + rng.uniform(-1, 1, (2, count)) * settings.zoom
    mirror = np.where(settings.flip & (rng.uniform(size=count) < 0.5), -1.0, 1.0)
    zero, one = np.zeros(count), np.ones(count)
    turned = _matrices(np.cos(rotation), -np.sin(rotation), np.sin(rotation), np.cos(rotation))
    moved = _matrices(one, zero, zero, one)
    moved[:, 0, 2], moved[:, 1, 2] = shift
    sheared = _matrices(one, -np.sin(shear), zero, np.cos(shear))
    # ImageDataGenerator flips last: seen from the result, the mirror comes first.
    zoomed = _matrices(zoom[0], zero, zero, zoom[1]) @ _matrices(mirror, zero, zero, one)
    return turned @ moved @ sheared @ zoomed


def _moved(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Each image seen through its map, float32; beyond an edge the edge goes on.

    One by one in OpenCV this takes a quarter of the time of `keras.ops.image.affine_transform` on a
    batch, and gives the same to a thousandth of a gray level.
    """
    height, width = images.shape[1:3]
    cornered = _to_corner(matrices, (height, width))[:, :2]
    pixels = images.astype("float32")
    moved = np.empty_like(pixels)
    for image, matrix, place in zip(pixels, cornered, moved, strict=True):
        cv2.warpAffine(
            image,
            matrix,
            (width, height),
            dst=place,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return moved


def _lit(images: np.ndarray, settings: Augmentation, seed: tuple[int, ...]) -> np.ndarray:
    """Each image with another contrast, about its mean, and another brightness."""
    rng = np.random.default_rng(seed)
    factors, shifts = rng.uniform(-1, 1, (2, len(images), 1, 1, 1)).astype("float32")
    means = images.mean(axis=(1, 2, 3), keepdims=True)
    factors = 1 + factors * np.float32(settings.contrast)
    lit = (images - means) * factors + means + shifts * np.float32(settings.brightness * 255)
    return np.clip(lit, 0, 255, out=lit)


def _erased(images: np.ndarray, share: float, seed: tuple[int, ...]) -> np.ndarray:
    """Some of the images with a rectangle of noise, anywhere, changed in place.

    Random erasing (Zhong and others, "Random Erasing Data Augmentation", 2020).
    """
    rng = np.random.default_rng(seed)
    height, width, channels = images.shape[1:]
    for number in np.flatnonzero(rng.random(len(images)) < share):
        area = rng.uniform(*_ERASED_AREAS) * height * width
        shape = np.exp(rng.uniform(*np.log(_ERASED_SHAPES)))
        rows = min(height, max(1, round(np.sqrt(area * shape))))
        columns = min(width, max(1, round(np.sqrt(area / shape))))
        top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        noise = rng.uniform(0, 255, (rows, columns, channels))
        images[number, top : top + rows, left : left + columns] = noise
    return images


def _matrices(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    matrices = np.zeros((len(a), 3, 3))
    matrices[:, 0, 0], matrices[:, 0, 1] = a, b
    matrices[:, 1, 0], matrices[:, 1, 1] = c, d
    matrices[:, 2, 2] = 1
    return matrices


def _to_corner(matrices: np.ndarray, image_size: tuple[int, ...]) -> np.ndarray:
    """Maps around the centre, shifts in fractions → maps from the upper left pixel, in pixels."""
    height, width = image_size
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    cornered = matrices.copy()
    shift = matrices[:, :2, 2] * (width, height)
    cornered[:, :2, 2] = shift + centre - matrices[:, :2, :2] @ centre
    return cornered
