"""Checks at import that every image can be read, and measures it for the quality scan."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.image_reader import ImageReader, content_hash
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.memory_share import MemoryShare
from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.measures import (
    DAMAGED,
    MEASURES,
    READABLE,
    measure_into,
    writing_measures,
)
from fer_core.errors import FerError
from fer_core.expressions import sort_classes
from fer_core.text import Tally, some
from fer_core.vision import face_pixels

MEAN_SIZE = (64, 64)  # height, width of a mean face in pixels
MAX_CLASSES = 100
_HOPELESS = 20_000  # images, of which not one can be read: nor can a million others


@dataclass(frozen=True)
class ImageCheck:
    """Holds the result of checking all images."""

    index: pd.DataFrame  # of the readable images, with the columns size, modified and content
    mean_faces: np.ndarray  # uint8 (classes in label order, height, width, 3)
    damaged: Tally  # of error messages
    is_gray: bool  # whether all readable images are gray


@dataclass(frozen=True)
class _Chunk:
    rows: list[tuple[int, int, str]]  # size, modified, content; the last is "" if damaged
    classes: np.ndarray  # class numbers in this chunk, ascending
    sums: np.ndarray  # int64 (those classes, height, width, 3)
    damaged: Tally
    is_gray: bool
    measures: np.ndarray  # of the readable images


def validate_images(index: pd.DataFrame, root: Path, measures: Path, report: Report) -> ImageCheck:
    """Decodes every image of the index once.

    Args:
        measures: a new file for the measures of the readable images, for the quality scan.

    Raises:
        FerError: there are too many classes, or no image can be read.
    """
    names = sort_classes(index["expression"].unique())
    if len(names) > MAX_CLASSES:
        raise FerError(
            f"A dataset must have at most {MAX_CLASSES} classes: one folder, or one value in the "
            f"label column, per expression. Received: {len(names):,} ({some(names)})"
        )
    classes = index["expression"].map({name: i for i, name in enumerate(names)}).to_numpy()
    reader = ImageReader(index, root)
    with writing_measures(measures) as append:
        return _combine(
            index, classes, len(names), lambda part: _check(reader, part, classes), append, report
        )


def _combine(
    index: pd.DataFrame,
    classes: np.ndarray,
    class_count: int,
    check: Callable[[range], _Chunk],
    append: Callable[[np.ndarray], None],
    report: Report,
) -> ImageCheck:
    rows: list[tuple[int, int, str]] = []
    damaged = Tally()
    sums = np.zeros((class_count, *MEAN_SIZE, 3), np.int64)
    is_gray = True
    for chunk in in_chunks(check, len(index)):
        rows += chunk.rows
        damaged.merge(chunk.damaged)
        sums[chunk.classes] += chunk.sums
        is_gray = is_gray and chunk.is_gray
        append(chunk.measures)
        if len(damaged) == len(rows) >= _HOPELESS:
            raise FerError(
                f"None of the first {len(rows):,} images can be read. {damaged.first[0]}"
            )
        report(len(rows), len(index), f"Checked {len(rows):,} of {len(index):,} images")
    files = pd.DataFrame(rows, columns=["size", "modified", "content"], index=index.index)
    readable = (files["content"] != "").to_numpy()
    if not readable.any():
        raise FerError(f"None of the images can be read. {damaged.first[0]}")
    counts = np.bincount(classes[readable], minlength=class_count)[:, None, None, None]
    means = np.rint(sums / np.maximum(counts, 1)).astype(np.uint8)
    kept = pd.concat([index, files], axis=1)[readable].reset_index(drop=True)
    return ImageCheck(kept, means[counts.ravel() > 0], damaged, is_gray)


def _check(reader: ImageReader, positions: range, classes: np.ndarray) -> _Chunk:
    rows, damaged, is_gray = [], Tally(), True
    present, places = np.unique(classes[positions], return_inverse=True)
    sums = np.zeros((len(present), *MEAN_SIZE, 3), np.int64)
    measures = np.zeros(len(positions), MEASURES)
    for row, place, position in zip(measures, places, positions, strict=True):
        content, size, modified = "", 0, 0
        try:
            with MemoryShare() as share:
                size, modified = reader.stat(position)
                data = reader.read(position, share)
                image = reader.decode(position, data, share)
                sums[place] += face_pixels(image, MEAN_SIZE, channels=3)
                is_gray = is_gray and bool((image[..., :1] == image).all())
                measure_into(row, image)
                content = content_hash(data)
        except FerError as error:
            damaged.add(str(error))
            row["problem"] = DAMAGED
        rows.append((size, modified, content))
    measures = measures[measures["problem"] == READABLE]
    return _Chunk(rows, present, sums, damaged, is_gray, measures)
