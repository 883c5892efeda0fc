"""Finds exact and near duplicates among images.

Near duplicates are found in two steps, so that most of the billions of pairs of a large dataset
cost one product of two short vectors:

1. A small network embeds copies that are turned, zoomed, shifted, mirrored or otherwise changed
   close to their source.
2. Alignment, then a comparison of every part of the face: two expressions of one person agree
   everywhere but at the mouth, the eyes or the brows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.alignment import find_same, may_be_same, thirds
from fer_core.datasets.quality.embedding import embed
from fer_core.datasets.quality.measures import SIDE

# Of every 100 copies by any single change, drawn or of FER2013, 97 or more have a higher cosine of
# their vectors, as do 6 of 100,000 other pairs of FER2013.
_MIN_SIMILARITY = 0.65

_ROWS, _COLUMNS = 512, 512  # of a tile of pairs: fits into a processor's cache
_COLLECTED, _ALIGNED_AT_ONCE = 16_384, 256  # pairs: bounds memory
_HUB = 32  # copies from which on an image stands for them, as in a video of a still face

Report = Callable[[int, int], None]
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]  # first, second, correlation


def first_copies(pixels: np.ndarray) -> np.ndarray:
    """Returns for each position the first one with equal `pixels`, which may be its own."""
    _, first, inverse = np.unique(pixels, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int32)


def near_groups(
    sketches: np.ndarray, places: np.ndarray, report: Report
) -> tuple[np.ndarray, np.ndarray]:
    """Groups near duplicates around one image that each of the others is a near duplicate of.

    Compares all pairs, tile by tile: O(n²) time, O(n) memory.

    Args:
        sketches: uint8 (all images, SIDE, SIDE); may be memory-mapped.
        places: rows of the distinct images to be compared.

    Returns:
        For each place the first one of its group (itself if it is alone), int32, and its highest
        correlation with another image of the group (0 if it is alone), float32.

    Raises:
        ValueError: the sketches are of another shape.
    """
    if sketches.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"`sketches` must be of shape (n, {SIDE}, {SIDE}). Received: {sketches.shape}"
        )
    count = len(places)
    if count < 2:  # nothing to compare
        return np.arange(count, dtype=np.int32), np.zeros(count, np.float32)
    pieces = (places[start : start + 4096] for start in range(0, count, 4096))
    small = np.concatenate([thirds(sketches[piece]) for piece in pieces])
    images = _Images(sketches, places, embed(sketches, places), small)
    starts = range(0, count, _ROWS)
    found, done = [], 0
    from threadpoolctl import threadpool_limits

    # The stripes run in threads already: more of them for each small product only wait.
    with threadpool_limits(1, user_api="blas"):
        for pairs in in_chunks(lambda rows: _near_pairs(images, starts[rows[0]]), len(starts), 1):
            found.append(pairs)
            done += _pairs_of(starts[len(found) - 1], count)
            report(done, count * (count - 1) // 2)
    first, second, correlation = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _grouped(count, first, second, correlation)


@dataclass(frozen=True)
class _Images:
    """Holds what the distinct images are compared by, one entry each."""

    sketches: np.ndarray
    places: np.ndarray
    vectors: np.ndarray
    thirds: np.ndarray

    def __len__(self) -> int:
        return len(self.places)


def _pairs_of(start: int, count: int) -> int:
    """Returns how many pairs the rows from `start` on have with images behind them."""
    rows = min(_ROWS, count - start)
    return rows * (count - start) - rows * (rows + 1) // 2


def _near_pairs(images: _Images, start: int) -> Pairs:
    """Finds the near duplicates of a stripe of rows among themselves and all images behind."""
    hubs = np.full(len(images), -1, np.int32)  # of each image in this stripe
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for first, second in _similar(images, start):
        for begin in range(0, len(first), _ALIGNED_AT_ONCE):
            piece = slice(begin, begin + _ALIGNED_AT_ONCE)
            found.append(_verified(images, hubs, first[piece], second[piece]))
    one, other, correlation = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return one, other, correlation


def _similar(images: _Images, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields pairs of a stripe whose vectors are similar, many at once, ordered by the first."""
    count, rows = len(images), images.vectors[start : start + _ROWS]
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for column in range(start, count, _COLUMNS):
        cosine = rows @ images.vectors[column : column + _COLUMNS].T
        similar = np.flatnonzero(cosine.ravel() >= _MIN_SIMILARITY)  # much faster than `nonzero`
        first, second = np.divmod(similar, cosine.shape[1])
        is_new = first + start < second + column
        kept.append((first[is_new] + start, second[is_new] + column))
        is_last = column + _COLUMNS >= count
        if is_last or sum(len(each[0]) for each in kept) >= _COLLECTED:
            first, second = (np.concatenate(parts) for parts in zip(*kept, strict=True))
            order = np.argsort(first, kind="stable")
            yield first[order], second[order]
            kept = []


def _verified(images: _Images, hubs: np.ndarray, first: np.ndarray, second: np.ndarray) -> Pairs:
    """Returns those pairs that alignment confirms, as they are or with one image mirrored.

    Pairs of two copies of one hub are skipped, or an hour of a still face would take days.
    """
    new = (hubs[first] != hubs[second]) | (hubs[first] < 0)
    first, second = first[new], second[new]
    is_same, correlation = np.zeros(len(first), bool), np.zeros(len(first), np.float32)
    for step in (1, -1):  # as it is, and mirrored
        one, other = images.thirds[first], images.thirds[second][:, :, ::step]
        left = np.flatnonzero(may_be_same(one, other) & ~is_same)
        one = images.sketches[images.places[first[left]]]
        other = images.sketches[images.places[second[left]]][:, :, ::step]
        same, found = find_same(one, other)
        is_same[left] |= same
        correlation[left] = np.maximum(correlation[left], found)
    first, second = first[is_same], second[is_same]
    names, counts = np.unique(first, return_counts=True)
    of_hub = np.isin(first, names[counts >= _HUB])
    hubs[second[of_hub]] = hubs[first[of_hub]] = first[of_hub]
    return first, second, correlation[is_same]


def _grouped(
    count: int, first: np.ndarray, second: np.ndarray, correlation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Groups each image that has the most near duplicates left with all of these.

    Groups do not grow pair by pair: neighboring frames of a video are near duplicates, the first
    and the last one are not.
    """
    one, other = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.argsort(one, kind="stable")
    neighbors, similar = other[order], np.concatenate([correlation, correlation])[order]
    ends = np.cumsum(np.bincount(one, minlength=count))
    degrees = np.diff(ends, prepend=0)
    groups, similarity = np.full(count, -1, np.int32), np.zeros(count, np.float32)
    for center in np.argsort(-degrees, kind="stable").tolist():
        near = slice(ends[center] - degrees[center], ends[center])
        free = groups[neighbors[near]] < 0
        members = neighbors[near][free]
        if groups[center] < 0:
            groups[members] = groups[center] = min([center, *members.tolist()])
            similarity[members] = similar[near][free]
            similarity[center] = max([0.0, *similar[near][free].tolist()])
    return groups, similarity
