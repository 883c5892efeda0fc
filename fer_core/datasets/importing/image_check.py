"""Looks once at every image: can it be read, what is in it, what do the classes look like."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.image_reader import ImageReader, content_hash
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.parallel import in_chunks
from fer_core.errors import FerError
from fer_core.expressions import sort_classes
from fer_core.text import some
from fer_core.vision import face_pixels

MEAN_SIZE = (64, 64)  # height, width of a mean face in pixels
MOST_CLASSES = 100


@dataclass(frozen=True)
class ImageCheck:
    """What was seen."""

    index: pd.DataFrame  # of the readable images, with the columns size, modified and content
    mean_faces: np.ndarray  # uint8 (classes in label order, height, width, 3)
    damaged: tuple[str, ...]  # a sentence each
    is_gray: bool  # whether no readable image has any colour


@dataclass(frozen=True)
class _Chunk:
    rows: list[tuple[int, int, str]]  # size, modified, content; the last is "" where damaged
    classes: np.ndarray  # numbers of the classes that occur in it, ascending
    sums: np.ndarray  # int64 (those classes, height, width, 3)
    damaged: list[str]
    is_gray: bool


def validate_images(index: pd.DataFrame, root: Path, report: Report) -> ImageCheck:
    """Reads and decodes every image of the index.

    Raises:
        FerError: there are too many classes, or not one of the images can be read.
    """
    names = sort_classes(index["expression"].unique())
    if len(names) > MOST_CLASSES:
        raise FerError(
            f"A data set must have at most {MOST_CLASSES} classes: a folder, or a word in the "
            f"table, for each expression. Received: {len(names):,} ({some(names)})"
        )
    classes = index["expression"].map({name: i for i, name in enumerate(names)}).to_numpy()
    pictures = ImageReader(index, root)
    rows: list[tuple[int, int, str]] = []
    damaged: list[str] = []
    sums = np.zeros((len(names), *MEAN_SIZE, 3), np.int64)
    is_gray = True
    for chunk in in_chunks(lambda positions: _look(pictures, positions, classes), len(index)):
        rows += chunk.rows
        damaged += chunk.damaged
        sums[chunk.classes] += chunk.sums
        is_gray = is_gray and chunk.is_gray
        report(len(rows), len(index), f"Looked at {len(rows):,} of {len(index):,} images")
    seen = pd.DataFrame(rows, columns=["size", "modified", "content"], index=index.index)
    readable = (seen["content"] != "").to_numpy()
    if not readable.any():
        raise FerError(f"The images must be readable. Not one is: {damaged[0]}")
    counts = np.bincount(classes[readable], minlength=len(names))[:, None, None, None]
    means = np.rint(sums / np.maximum(counts, 1)).astype(np.uint8)
    kept = pd.concat([index, seen], axis=1)[readable].reset_index(drop=True)
    return ImageCheck(kept, means[counts.ravel() > 0], tuple(damaged), is_gray)


def _look(pictures: ImageReader, positions: range, classes: np.ndarray) -> _Chunk:
    rows, damaged, is_gray = [], [], True
    present, places = np.unique(classes[positions], return_inverse=True)
    sums = np.zeros((len(present), *MEAN_SIZE, 3), np.int64)
    for place, position in zip(places, positions, strict=True):
        content, size, modified = "", 0, 0
        try:
            data = pictures.read(position)
            image = pictures.decode(position, data)
        except ValueError as error:
            damaged.append(str(error))
        else:
            content = content_hash(data)
            size, modified = pictures.stat(position)
            sums[place] += face_pixels(image, MEAN_SIZE, channels=3)
            is_gray = is_gray and bool((image[..., :1] == image).all())
        rows.append((size, modified, content))
    return _Chunk(rows, present, sums, damaged, is_gray)
