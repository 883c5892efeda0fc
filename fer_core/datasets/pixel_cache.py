"""Caches a dataset's faces at one input size as a memory-mapped array."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.parallel import in_chunks
from fer_core.storage import open_array, paths, writing_array
from fer_core.vision import face_pixels

# Increase it when `vision.decode`, `crop_face` or `face_pixels` changes its output for the same
# image: arrays cached before are then computed again.
_VERSION = 1


def open_pixels(
    dataset: Dataset,
    image_size: tuple[int, int],
    channels: int,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Returns the model's input pixels of all images: read-only uint8 (n, height, width, channels).

    Row i is position i of the index. Computed once per size, then memory-mapped from the cache.
    If another process is computing the same array, waits for it.

    Args:
        image_size: (height, width) in pixels.
        progress: called with the images done and their total; an exception in it cancels.

    Raises:
        FerError: an image is missing or damaged, or the disk is too full.
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
    def shrink(image: np.ndarray) -> np.ndarray:
        return face_pixels(image, image_size, channels)

    def faces(positions: range) -> np.ndarray:
        return np.stack([dataset.reader.reduced(position, shrink) for position in positions])

    done, total = 0, len(dataset.index)
    with writing_array(path, (*image_size, channels)) as append:
        for chunk in in_chunks(faces, total):
            append(chunk)
            done += len(chunk)
            progress(done, total)
