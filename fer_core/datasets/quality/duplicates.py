"""Finds exact and near duplicates among images.

Near duplicates are found in three steps, each on fewer pairs than the one before, so that most
of the billions of pairs of a large dataset cost one product of two short vectors:

1. Descriptors that barely change when an image is turned, zoomed, shifted or mirrored.
2. Tangents: can one image become the other if it is turned, zoomed and shifted a little?
3. Alignment, then a comparison of every part of the face: two expressions of one person agree
   everywhere but at the mouth, the eyes or the brows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.alignment import find_same
from fer_core.datasets.quality.descriptors import Descriptors, describe
from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.tangents import evened, explained, tangents, targets

# Of every 100 copies by any single change, drawn or of FER2013, 95 or more reach ...
_MIN_SIMILARITY = 0.5  # of the descriptors, as do 4 of 1,000 other pairs, and ...
_MIN_EXPLAINED = 0.74  # the share of the variance that tangents explain, and ...
# ... that share + a weight × the similarity, as do 2 of 10,000 other pairs: few copies that are
# shifted far have both low.
_MIN_BOTH, _WEIGHT = 1.195, 0.75
_FEW = 1000  # images of which all pairs go to the second step: too few to fit descriptors

_ROWS, _COLUMNS = 512, 512  # of a tile of pairs: fits into a processor's cache
_EXPLAINED_AT_ONCE, _ALIGNED_AT_ONCE = 16_384, 256  # pairs: bounds memory
_HUB = 32  # copies from which on an image stands for them, as in a video of a still face

Report = Callable[[int, int], None]
# First, second, whether it is mirrored, and the similarity of their descriptors.
Candidates = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
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
    images = _Images(sketches, places, describe(sketches, places), _targets(sketches, places))
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
    # A symmetric face may be found both as it is and mirrored.
    _, distinct = np.unique(first * count + second, return_index=True)
    return _grouped(count, first[distinct], second[distinct], correlation[distinct])


@dataclass(frozen=True)
class _Images:
    """Holds what the distinct images are compared by, one entry each."""

    sketches: np.ndarray
    places: np.ndarray
    descriptors: Descriptors
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.places)


def _targets(sketches: np.ndarray, places: np.ndarray) -> np.ndarray:
    pieces = (places[start : start + 4096] for start in range(0, len(places), 4096))
    return np.concatenate([targets(evened(sketches[piece])) for piece in pieces])


def _pairs_of(start: int, count: int) -> int:
    """Returns how many pairs the rows from `start` on have with images behind them."""
    rows = min(_ROWS, count - start)
    return rows * (count - start) - rows * (rows + 1) // 2


def _near_pairs(images: _Images, start: int) -> Pairs:
    """Finds the near duplicates of a stripe of rows among themselves and all images behind."""
    bases = tangents(evened(images.sketches[images.places[start : start + _ROWS]]))
    hubs = np.full(len(images), -1, np.int32)  # of each image in this stripe
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for first, second, mirrored, similarity in _similar(images, start):
        shares = _explained(images, bases, first - start, second, mirrored)
        is_explained = shares >= _MIN_EXPLAINED
        is_explained &= shares + _WEIGHT * similarity >= _MIN_BOTH
        first, second, mirrored = (each[is_explained] for each in (first, second, mirrored))
        for begin in range(0, len(first), _ALIGNED_AT_ONCE):
            piece = slice(begin, begin + _ALIGNED_AT_ONCE)
            found.append(_verified(images, hubs, first[piece], second[piece], mirrored[piece]))
    one, other, correlation = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return one, other, correlation


def _similar(images: _Images, start: int) -> Iterator[Candidates]:
    """Yields pairs of a stripe whose descriptors are similar, many at once, ordered by the first.

    Yields all pairs of few images.
    """
    count, rows = len(images), slice(start, start + _ROWS)
    lowest = _MIN_SIMILARITY if count > _FEW else -np.inf
    kept: list[Candidates] = []
    for column in range(start, count, _COLUMNS):
        cosines = images.descriptors.similarities(rows, slice(column, column + _COLUMNS))
        for mirrored, cosine in enumerate(cosines):
            similar = np.flatnonzero(cosine.ravel() >= lowest)  # much faster than `nonzero`
            first, second = np.divmod(similar, cosine.shape[1])
            pairs = (first + start, second + column, np.full(len(first), bool(mirrored)))
            is_new = pairs[0] < pairs[1]
            first, second, is_mirrored = (each[is_new] for each in pairs)
            kept.append((first, second, is_mirrored, cosine.ravel()[similar[is_new]]))
        is_last = column + _COLUMNS >= count
        if is_last or sum(len(each[0]) for each in kept) >= _EXPLAINED_AT_ONCE:
            together = [np.concatenate(parts) for parts in zip(*kept, strict=True)]
            order = np.argsort(together[0], kind="stable")
            first, second, is_mirrored, similarity = (each[order] for each in together)
            yield first, second, is_mirrored, similarity
            kept = []


def _explained(
    images: _Images,
    bases: np.ndarray,
    rows: np.ndarray,
    second: np.ndarray,
    mirrored: np.ndarray,
) -> np.ndarray:
    """Returns which share of each pair, ordered by rows of the bases, tangents explain."""
    seen = images.targets[second]
    seen[mirrored] = seen[mirrored][:, :, ::-1]
    borders = [0, *(np.flatnonzero(np.diff(rows)) + 1).tolist(), len(rows)]
    shares = [
        explained(bases[rows[left]], seen[left:right])
        for left, right in pairwise(borders)
        if left < right
    ]
    return np.concatenate([np.empty(0, np.float32), *shares])


def _verified(
    images: _Images, hubs: np.ndarray, first: np.ndarray, second: np.ndarray, mirrored: np.ndarray
) -> Pairs:
    """Returns those pairs that alignment confirms.

    Pairs of two copies of one hub are skipped, or an hour of a still face would take days.
    """
    new = (hubs[first] != hubs[second]) | (hubs[first] < 0)
    first, second, mirrored = first[new], second[new], mirrored[new]
    seen = images.sketches[images.places[second]]
    seen[mirrored] = seen[mirrored][:, :, ::-1]
    is_same, correlation = find_same(images.sketches[images.places[first]], seen)
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
