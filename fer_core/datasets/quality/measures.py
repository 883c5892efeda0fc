"""Measures images: size, brightness, sharpness, and what near duplicates are compared by."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fer_core.datasets.image_reader import ImageReader
from fer_core.datasets.memory_share import MemoryShare
from fer_core.errors import FerError
from fer_core.storage import map_array, open_array, paths, writing_array

READABLE, GONE, DAMAGED = 0, 1, 2  # values of `problem`; truncated files are damaged
SIDE = 48  # pixels of the downscaled gray image that near duplicates are compared by

MEASURES = np.dtype(
    [
        ("problem", "u1"),
        ("height", "i4"),  # pixels
        ("width", "i4"),
        ("mean", "f4"),  # of the gray image, in [0, 255]
        ("deviation", "f4"),  # standard deviation of the gray image
        ("sharpness", "f4"),  # see `vision.image_stats.sharpness`
        ("pixels", "u8"),  # a hash of size and pixels
        ("sketch", "u1", (SIDE, SIDE)),  # the gray image, downscaled
    ]
)

# Increase it when the same image would be measured differently.
_VERSION = 3


def measure_images(reader: ImageReader, positions: Sequence[int]) -> np.ndarray:
    """Reads, decodes and measures images: an array of MEASURES.

    An image that cannot be read has `problem` set and zeros elsewhere.
    """
    measures = np.zeros(len(positions), MEASURES)
    for row, position in zip(measures, positions, strict=True):
        row["problem"] = GONE
        with MemoryShare() as share, contextlib.suppress(FerError):
            data = reader.read(position, share)
            row["problem"] = DAMAGED
            measure_into(row, reader.decode(position, data, share))
    return measures


def measure_into(row: np.void, image: np.ndarray) -> None:
    """Fills a row of MEASURES from a uint8 RGB image."""
    import cv2

    from fer_core.vision import measure_image, resize

    height, width = image.shape[:2]
    stats = measure_image(image)
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8)
    digest.update(f"{height}x{width}".encode())
    row["problem"], row["height"], row["width"] = READABLE, height, width
    row["mean"], row["deviation"], row["sharpness"] = stats.mean, stats.deviation, stats.sharpness
    row["pixels"] = int.from_bytes(digest.digest(), "little")
    row["sketch"] = resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), SIDE, SIDE)


@contextmanager
def writing_measures(path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Opens a new file and provides a function that appends MEASURES to it."""
    with writing_array(path, (MEASURES.itemsize,)) as append:
        # Not -1, which NumPy refuses for a chunk without a readable image.
        shape = (-1, MEASURES.itemsize)
        yield lambda measures: append(measures.view(np.uint8).reshape(shape))


def load_measures(path: Path) -> np.ndarray | None:
    """Maps a file of MEASURES into memory; None if it is missing or damaged."""
    try:
        return map_array(path).view(MEASURES)[:, 0]
    except (FileNotFoundError, FerError, ValueError):  # an array of another shape
        return None


def measures_file(key: str) -> Path:
    """Returns where the measures of the images with that `pixels_key` are cached."""
    return paths.cache_root() / "pixels" / f"{key}-measures-v{_VERSION}.npy"


def move_to_cache(path: Path, key: str) -> None:
    """Moves a file of MEASURES, one per image and all readable, into the cache."""

    def move(temporary: Path) -> None:
        shutil.move(path, temporary)

    open_array(
        measures_file(key),
        move,
        size=0,  # it takes no more space than it does already
        description="the measurements of the images",
    )
    path.unlink(missing_ok=True)  # still there if the cache had it already
