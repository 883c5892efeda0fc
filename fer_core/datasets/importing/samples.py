"""Reads a few images of each class of a source that is not imported yet."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice

import numpy as np

from fer_core.datasets.image_reader import ImageReader
from fer_core.datasets.layouts import ImportPlan
from fer_core.errors import FerError
from fer_core.vision import face_pixels

_EXAMPLES, _SIDE, _GAP = 3, 72, 4  # images of a class; pixels
_TRIES = 4  # images that are read for one that is readable


def example_strips(plan: ImportPlan, classes: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the numbers of classes and three images of each side by side, uint8 RGB.

    Leaves out classes of which no image can be read.

    Args:
        classes: only so many of them, the first ones.
    """
    places = islice(_positions(plan).values(), classes)
    for number, positions in enumerate(places):
        faces = list(_read(plan, positions, _EXAMPLES, _tile))
        if faces:
            strip = np.full((_SIDE, _EXAMPLES * (_SIDE + _GAP) - _GAP, 3), 255, np.uint8)
            for nth, face in enumerate(faces):
                left = nth * (_SIDE + _GAP)
                strip[:, left : left + _SIDE] = face
            yield number, strip


def sample_images(
    plan: ImportPlan,
    names: Collection[str],
    count: int,
    reduce: Callable[[np.ndarray], np.ndarray],
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields classes and a function of their images, as many of each class.

    Args:
        count: of images of all classes.
        reduce: of an image, uint8 RGB; see `ImageReader.reduced`.
    """
    positions = _positions(plan)
    for name in names:
        for each in _read(plan, positions[name], count // len(names), reduce):
            yield name, each


def _positions(plan: ImportPlan) -> dict[str, np.ndarray]:
    groups = plan.rows.groupby("source_class", sort=False)
    return {str(name): np.asarray(places) for name, places in groups.indices.items()}


def _tile(image: np.ndarray) -> np.ndarray:
    return face_pixels(image, (_SIDE, _SIDE), channels=3)


def _read(
    plan: ImportPlan,
    positions: np.ndarray,
    count: int,
    reduce: Callable[[np.ndarray], np.ndarray],
) -> Iterator[np.ndarray]:
    """Yields a function of that many readable images, the same ones each time."""
    order = np.random.default_rng(0).permutation(len(positions))[: _TRIES * count]
    chosen = plan.rows.iloc[positions[order]].reset_index(drop=True)
    reader = ImageReader(chosen, plan.root)
    done = 0
    for position in range(len(chosen)):
        if done == count:
            return
        try:
            face = reader.reduced(position, reduce)
        except FerError:  # missing or damaged; the import tells how many are
            continue
        done += 1
        yield face
