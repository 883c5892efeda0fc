"""Finds exact and near duplicates among images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.measures import FREQUENCIES, SIDE

# Two images are near duplicates if, as 32×32 gray pixels, they correlate by at least ...
MIN_CORRELATION = 0.95
# ... and also do so after subtracting a blurred copy. All well-lit faces have similar coarse
# light and shade, and so have two expressions of one person in front of one wall.
MIN_DETAIL_CORRELATION = 0.7
# Pairs are preselected by these two; on FER2013 they miss 1 pair in 100.
MAX_HASH_DISTANCE = 10  # bits of the perceptual hash
_MIN_LOW_CORRELATION = 0.95  # of the lowest frequencies alone

_ROWS, _COLUMNS = 64, 4096  # of a tile of pairs: fits into a processor's cache
_TILES = 16  # per unit of work
_PAIRS = 4096  # compared at once: bounds memory

Report = Callable[[int, int], None]
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]  # first, second, correlation


def first_copies(pixels: np.ndarray) -> np.ndarray:
    """Returns for each position the first one with equal `pixels`, which may be its own."""
    _, first, inverse = np.unique(pixels, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int32)


@dataclass(frozen=True)
class Candidates:
    """Distinct images to be compared, one entry each."""

    hashes: np.ndarray  # uint64
    low: np.ndarray  # float16 (n, FREQUENCIES)
    sketches: np.ndarray  # uint8 (all images, SIDE, SIDE); may be memory-mapped
    places: np.ndarray  # row of each candidate in the sketches

    def __post_init__(self) -> None:
        if self.low.shape != (len(self.hashes), FREQUENCIES):
            raise ValueError(
                f"`low` must be of shape ({len(self.hashes)}, {FREQUENCIES}). "
                f"Received: {self.low.shape}"
            )


def near_groups(images: Candidates, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Groups near duplicates: each image in a group is one of another image in it.

    Compares all pairs, tile by tile: O(n²) time, O(n) memory.

    Returns:
        For each image the first one of its group (itself if it is alone), and its highest
        correlation with another image of the group (0 if it is alone).
    """
    count = len(images.hashes)
    groups, similarity = np.arange(count, dtype=np.int32), np.zeros(count, np.float32)
    tiles = np.array(list(_tiles(count)), np.int64).reshape(-1, 2)
    done = 0

    def compare(numbers: range) -> Pairs:
        results = [_compare(images, groups, *tiles[number]) for number in numbers]
        first, second, correlation = (np.concatenate(parts) for parts in zip(*results, strict=True))
        return first, second, correlation

    for pairs in in_chunks(compare, len(tiles), _TILES):
        _join(groups, similarity, pairs)
        done += _TILES
        report(min(done, len(tiles)), len(tiles))
    return groups, similarity


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    """Yields the first row and column of tiles that cover every pair once."""
    for row in range(0, count, _ROWS):
        for column in range(row // _COLUMNS * _COLUMNS, count, _COLUMNS):
            yield row, column


def _compare(images: Candidates, groups: np.ndarray, row: int, column: int) -> Pairs:
    """Finds the near duplicates in a tile that are not in one group yet."""
    rows = images.hashes[row : row + _ROWS, None]
    columns = images.hashes[None, column : column + _COLUMNS]
    different = np.bitwise_count(rows ^ columns)
    results = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    if different.min() <= MAX_HASH_DISTANCE:
        first, second = np.nonzero(different <= MAX_HASH_DISTANCE)
        first, second = first + row, second + column
        # Other threads may be joining these groups; a stale read only costs time.
        new = (first < second) & (groups[first] != groups[second])
        first, second = first[new], second[new]
        for start in range(0, len(first), _PAIRS):
            piece = slice(start, start + _PAIRS)
            results.append(_verified(images, first[piece], second[piece]))
    one, other, correlation = (np.concatenate(parts) for parts in zip(*results, strict=True))
    return one, other, correlation


def _verified(images: Candidates, first: np.ndarray, second: np.ndarray) -> Pairs:
    low_one, low_other = images.low[first].astype("f4"), images.low[second].astype("f4")
    is_similar = np.einsum("ij,ij->i", low_one, low_other) >= _MIN_LOW_CORRELATION
    first, second = first[is_similar], second[is_similar]
    one = images.sketches[images.places[first]].astype(np.float32)
    other = images.sketches[images.places[second]].astype(np.float32)
    correlation = _correlation(one, other)
    is_near = correlation >= MIN_CORRELATION
    is_near &= _correlation(_detail(one), _detail(other)) >= MIN_DETAIL_CORRELATION
    return first[is_near], second[is_near], correlation[is_near]


def _detail(sketches: np.ndarray) -> np.ndarray:
    """Subtracts a blurred copy."""
    blur = _blur_matrix()
    return sketches - blur @ sketches @ blur.T


@cache
def _blur_matrix() -> np.ndarray:
    """Returns the matrix that blurs a column of a sketch: Gaussian, sigma 1, float32."""
    from scipy.ndimage import gaussian_filter1d  # takes 0.2 s to import

    return gaussian_filter1d(np.eye(SIDE, dtype=np.float32), 1.0, axis=0)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Computes Pearson's correlation of the pixels of each pair: float32 (n,) in [-1, 1]."""
    one, other = (pixels.reshape(len(pixels), SIDE * SIDE) for pixels in (one, other))
    one, other = (pixels - pixels.mean(axis=1, keepdims=True) for pixels in (one, other))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.einsum("ij,ij->i", one, other) / np.maximum(lengths, 1e-6)


@cache
def _blur() -> np.ndarray:
    """Returns the matrix, (SIDE, SIDE), that blurs along an axis with a sigma of 1 pixel."""
    from scipy.ndimage import gaussian_filter1d  # loads SciPy, 0.3 s

    return np.asarray(gaussian_filter1d(np.eye(SIDE, dtype=np.float32), 1.0, axis=0))


def _join(groups: np.ndarray, similarity: np.ndarray, pairs: Pairs) -> None:
    """Merges the groups of each pair; a group is named by its first image."""
    first, second, correlation = pairs
    np.maximum.at(similarity, first, correlation)
    np.maximum.at(similarity, second, correlation)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        kept, joined = sorted((groups[one], groups[other]))
        if kept != joined:
            groups[groups == joined] = kept
