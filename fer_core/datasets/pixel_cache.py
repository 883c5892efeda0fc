"""A data set's faces as one memory-mapped array."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.parallel import in_chunks
from fer_core.storage import open_array, paths, writing_array
from fer_core.vision import face_pixels

# Raise it when `images.decode`, `images.crop_face` or `images.face_pixels` gives other pixels for
# the same picture: arrays made before are then made anew.
_VERSION = 1


def open_pixels(
    dataset: Dataset,
    image_size: tuple[int, int],
    channels: int,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """The network's pixels of every image: read-only uint8 (n, height, width, channels).

    Row i is position i of the index. Made once, then mapped from the cache. Whoever asks while
    another process makes the same array waits for it.

    Args:
        image_size: (height, width) in pixels.
        progress: called with the images done and their number; what it raises ends the making.

    Raises:
        ValueError: an image is gone or damaged, or the disk is too full.
    """
    height, width = image_size
    name = f"{dataset.pixels_key()}-{height}x{width}x{channels}-v{_VERSION}.npy"
    path = paths.cache_root() / "pixels" / name
    size = len(dataset.index) * height * width * channels

    def make(temporary: Path) -> None:
        _make(temporary, dataset, image_size, channels, progress or (lambda done, total: None))

    return open_array(path, make, size=size, description="the faces at this size")


def _make(
    path: Path,
    dataset: Dataset,
    image_size: tuple[int, int],
    channels: int,
    progress: Callable[[int, int], None],
) -> None:
    def faces(positions: range) -> np.ndarray:
        images = map(dataset.image, positions)
        return np.stack([face_pixels(image, image_size, channels) for image in images])

    done, total = 0, len(dataset.index)
    with writing_array(path, (*image_size, channels)) as append:
        for chunk in in_chunks(faces, total):
            append(chunk)
            done += len(chunk)
            progress(done, total)
