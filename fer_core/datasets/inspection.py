"""Looks once at every image: can it be read, what is in it, what do the classes look like."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.layouts.found import Report
from fer_core.datasets.pictures import Pictures, content_hash
from fer_core.datasets.threads import in_chunks
from fer_core.expressions import sort_classes
from fer_core.images import face_pixels

MEAN_SIZE = (64, 64)  # height, width of a mean face in pixels


@dataclass(frozen=True)
class Inspection:
    """What was seen."""

    index: pd.DataFrame  # of the readable images, with the columns size, modified and content
    mean_faces: np.ndarray  # uint8 (classes in label order, height, width, 3)
    damaged: tuple[str, ...]  # a sentence each


@dataclass(frozen=True)
class _Chunk:
    rows: list[tuple[int, int, str]]  # size, modified, content; the last is "" where damaged
    sums: np.ndarray  # float64 (classes, height, width, 3)
    damaged: list[str]


def inspect(index: pd.DataFrame, root: Path, report: Report) -> Inspection:
    """Reads and decodes every image of the index.

    Raises:
        ValueError: not one of them can be read.
    """
    names = sort_classes(index["expression"].unique())
    classes = index["expression"].map({name: i for i, name in enumerate(names)}).to_numpy()
    pictures = Pictures(index, root)
    rows: list[tuple[int, int, str]] = []
    damaged: list[str] = []
    sums = np.zeros((len(names), *MEAN_SIZE, 3))
    for chunk in in_chunks(lambda positions: _look(pictures, positions, classes), len(index)):
        rows += chunk.rows
        damaged += chunk.damaged
        sums[: len(chunk.sums)] += chunk.sums
        report(len(rows), len(index), f"Looked at {len(rows):,} of {len(index):,} images")
    seen = pd.DataFrame(rows, columns=["size", "modified", "content"], index=index.index)
    readable = (seen["content"] != "").to_numpy()
    if not readable.any():
        raise ValueError(f"The images must be readable. Not one is: {damaged[0]}")
    counts = np.bincount(classes[readable], minlength=len(names))[:, None, None, None]
    means = np.rint(sums / np.maximum(counts, 1)).astype(np.uint8)
    kept = pd.concat([index, seen], axis=1)[readable].reset_index(drop=True)
    return Inspection(kept, means[counts.ravel() > 0], tuple(damaged))


def _look(pictures: Pictures, positions: range, classes: np.ndarray) -> _Chunk:
    rows, damaged = [], []
    sums = np.zeros((classes[positions].max() + 1, *MEAN_SIZE, 3))
    for position in positions:
        content, size, modified = "", 0, 0
        try:
            data = pictures.read(position)
            face = face_pixels(pictures.decode(position, data), MEAN_SIZE, channels=3)
        except ValueError as error:
            damaged.append(str(error))
        else:
            content = content_hash(data)
            size, modified = pictures.stat(position)
            sums[classes[position]] += face
        rows.append((size, modified, content))
    return _Chunk(rows, sums, damaged)
