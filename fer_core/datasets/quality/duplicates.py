"""Finds exact and near duplicates among images.

Near duplicates are found in three steps, so that most of the billions of pairs of a large dataset
cost little or nothing:

1. A small network embeds copies that are turned, zoomed, shifted, mirrored or otherwise changed
   close to their source. Only vectors of neighboring cells are compared.
2. Of each pair left, tangents tell how one face moved against the other, whether it is mirrored,
   and how alike the two may be.
3. Alignment, then a comparison of every part of the face: two expressions of one person agree
   everywhere but at the mouth, the eyes or the brows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.alignment import THIRD, find_same, may_be_same, thirds
from fer_core.datasets.quality.cells import Cells, divided
from fer_core.datasets.quality.embedding import embed
from fer_core.datasets.quality.measures import SIDE
from fer_core.datasets.quality.tangents import Tangents, compared, described
from fer_core.storage import release_pages

# Of every 100 copies by any single change, drawn or of FER2013, 97 or more have a higher cosine of
# their vectors, as do 6 of 100,000 other pairs of FER2013.
_MIN_SIMILARITY = 0.65
# Of 100 copies by any single change 98 correlate more when each image went half the way, and so do
# 42 of 100 other pairs of generated images whose vectors are similar.
_MIN_TANGENT = 0.8

_ROWS, _COLUMNS = 512, 512  # of a tile of pairs: fits into a processor's cache
_PAIRS = 2**24  # of a block: of these, some hundreds are aligned at once
_COLLECTED, _ESTIMATED_AT_ONCE, _ALIGNED_AT_ONCE = 16_384, 4096, 256  # pairs: bounds memory
_AT_ONCE = 4096  # images: likewise
_HUB = 8  # copies from which on an image stands for them, as in a video of a still face

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

    Compares all pairs of neighboring cells, tile by tile: O(n) time and memory, of some 50,000
    images or more; all pairs of fewer.

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
    total, found = count * (count - 1) // 2, []
    report(0, total)
    from threadpoolctl import threadpool_limits

    # The blocks run in threads already: more of them for each small product only wait.
    with threadpool_limits(1, user_api="blas"):
        images = _described(sketches, places)
        blocks = images.cells.blocks(_PAIRS)
        ends = np.cumsum([_work(block) for block in blocks])
        near_pairs = in_chunks(lambda at: _near_pairs(images, *blocks[at[0]]), len(blocks), 1)
        for end, pairs in zip(ends.tolist(), near_pairs, strict=True):
            found.append(pairs)
            release_pages(sketches)
            report(total * end // int(ends[-1]), total)
    first, second, correlation = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = images.cells.order
    return _grouped(count, order[first], order[second], correlation)


@dataclass(frozen=True)
class _Images:
    """Holds what the distinct images are compared by, one entry each, sorted by cell."""

    sketches: np.ndarray
    places: np.ndarray
    vectors: np.ndarray
    thirds: np.ndarray
    tangents: Tangents
    cells: Cells

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class _Candidates:
    """Holds pairs that may be near duplicates, and how the second image may be aligned."""

    first: np.ndarray
    second: np.ndarray
    is_mirrored: np.ndarray
    poses: np.ndarray

    def at(self, where: np.ndarray | slice) -> "_Candidates":
        """Returns some of the pairs."""
        parts = (self.first, self.second, self.is_mirrored, self.poses)
        return _Candidates(*(part[where] for part in parts))


def _described(sketches: np.ndarray, places: np.ndarray) -> _Images:
    """Describes the images at those places by all that they are compared by."""
    vectors = embed(sketches, places)
    cells = divided(vectors)
    vectors, places = vectors[cells.order], places[cells.order]
    small = np.empty((len(places), THIRD, THIRD), np.uint8)
    for piece in _pieces(len(places), _AT_ONCE):
        small[piece] = thirds(sketches[places[piece]])
        release_pages(sketches)
    return _Images(sketches, places, vectors, small, described(small), cells)


def _work(block: tuple[np.ndarray, slice]) -> int:
    """Returns how many pairs a block has."""
    rows, columns = block
    return len(rows) * (columns.stop - columns.start)


def _near_pairs(images: _Images, rows: np.ndarray, columns: slice) -> Pairs:
    """Finds the near duplicates of some images among the members of a cell."""
    hubs = np.full(len(images), -1, np.int32)  # of each image in this block
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for similar in _similar(images, rows, columns):
        for some in _pieces(len(similar[0]), _ESTIMATED_AT_ONCE):
            for pairs in _promising(images, hubs, *(each[some] for each in similar)):
                found.append(_verified(images, hubs, pairs))
    one, other, correlation = _joined(found)
    return one, other, correlation


def _pieces(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


def _joined(parts: Iterable[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _similar(
    images: _Images, rows: np.ndarray, columns: slice
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields pairs of a block whose vectors are similar, many at once, ordered by the first."""
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(rows), _ROWS):
        row = rows[start : start + _ROWS]
        vectors = images.vectors[row]
        for column in range(columns.start, columns.stop, _COLUMNS):
            members = images.vectors[column : min(column + _COLUMNS, columns.stop)]
            cosine = vectors @ members.T
            similar = np.flatnonzero(cosine.ravel() >= _MIN_SIMILARITY)  # faster than `nonzero`
            first, second = np.divmod(similar, len(members))
            first, second = row[first], second + column
            is_new = images.cells.is_first(first, second)
            kept.append((first[is_new], second[is_new]))
            if sum(len(each[0]) for each in kept) >= _COLLECTED:
                yield _in_order(kept)
                kept = []
    if kept:
        yield _in_order(kept)


def _in_order(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    first, second = _joined(pairs)
    order = np.argsort(first, kind="stable")
    return first[order], second[order]


def _promising(
    images: _Images, hubs: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Iterator[_Candidates]:
    """Yields those pairs that may be near duplicates, some at once."""
    new = _is_new(hubs, first, second)
    first, second = first[new], second[new]
    is_mirrored, alike, poses = compared(images.tangents, first, second)
    pairs = _Candidates(first, second, is_mirrored, poses).at(alike >= _MIN_TANGENT)
    parts = []
    for piece in _pieces(len(pairs.first), _ALIGNED_AT_ONCE):
        some = pairs.at(piece)
        small = _mirrored(images.thirds[some.second], some.is_mirrored)
        left, poses = may_be_same(images.thirds[some.first], small, some.poses)
        parts.append((some.first[left], some.second[left], some.is_mirrored[left], poses))
    if parts:
        pairs = _Candidates(*_joined(parts))
        yield from (pairs.at(piece) for piece in _pieces(len(pairs.first), _ALIGNED_AT_ONCE))


def _verified(images: _Images, hubs: np.ndarray, pairs: _Candidates) -> Pairs:
    """Returns those pairs that alignment confirms."""
    pairs = pairs.at(_is_new(hubs, pairs.first, pairs.second))
    one = images.sketches[images.places[pairs.first]]
    other = _mirrored(images.sketches[images.places[pairs.second]], pairs.is_mirrored)
    is_same, correlation = find_same(one, other, pairs.poses)
    first, second = pairs.first[is_same], pairs.second[is_same]
    names, counts = np.unique(first, return_counts=True)
    of_hub = np.isin(first, names[counts >= _HUB])
    hubs[second[of_hub]] = hubs[first[of_hub]] = first[of_hub]
    return first, second, correlation[is_same]


def _is_new(hubs: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Tells which pairs are not two copies of one hub.

    These are skipped, or an hour of a still face would take days.
    """
    new: np.ndarray = (hubs[first] != hubs[second]) | (hubs[first] < 0)
    return new


def _mirrored(images: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.where(where[:, None, None], images[:, :, ::-1], images)


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
