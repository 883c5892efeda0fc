"""Finds pictures that are the same, pixel for pixel or nearly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.measures import FREQUENCIES, SIDE
from fer_core.errors import FerError

# Two pictures are near duplicates where they correlate that much, reduced to 32×32 gray pixels ...
LEAST_CORRELATION = 0.95
# ... and so does what is left of both without their coarse light and shade: all well lit faces
# are alike in these, and so are two expressions of one person before one wall.
LEAST_DETAIL = 0.7
# By these a pair is found to be looked at; on FER2013 they lose 1 pair of 100.
MOST_DIFFERENT = 10  # bits of the perceptual hash
_LEAST_LOW = 0.95  # correlation of the lowest frequencies alone

_ROWS, _COLUMNS = 64, 4096  # of a tile of pairs: what a processor's cache holds
_TILES = 16  # that one thread takes at a time
_PAIRS = 4096  # looked at together: bounds memory

Report = Callable[[int, int], None]
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]  # first, second, correlation


def first_copies(pixels: np.ndarray) -> np.ndarray:
    """For every position the first one with equal `pixels`; its own where it is the first."""
    _, first, inverse = np.unique(pixels, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int32)


@dataclass(frozen=True)
class Comparable:
    """Different pictures, one entry each, that can be compared."""

    hashes: np.ndarray  # uint64
    low: np.ndarray  # float16 (n, FREQUENCIES)
    sketches: np.ndarray  # uint8 (more, SIDE, SIDE); may be mapped from a file
    places: np.ndarray  # of each in the sketches

    def __post_init__(self) -> None:
        if self.low.shape != (len(self.hashes), FREQUENCIES):
            raise FerError(
                f"`low` must be of shape ({len(self.hashes)}, {FREQUENCIES}). "
                f"Received: {self.low.shape}"
            )


def near_groups(pictures: Comparable, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures belong together, since each is nearly like another one of the group.

    All pairs are compared, tile by tile: time grows with the square of their number, memory with
    the number itself.

    Returns:
        For every picture the first one of its group, its own number where it is alone; and the
        correlation with the one that it was joined by, 0 where it is alone.
    """
    count = len(pictures.hashes)
    groups, similarity = np.arange(count, dtype=np.int32), np.zeros(count, np.float32)
    tiles = np.array(list(_tiles(count)), np.int64).reshape(-1, 2)
    done = 0

    def compare(numbers: range) -> Pairs:
        found = [_compare(pictures, groups, *tiles[number]) for number in numbers]
        first, second, correlation = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return first, second, correlation

    for pairs in in_chunks(compare, len(tiles), _TILES):
        _join(groups, similarity, pairs)
        done += _TILES
        report(min(done, len(tiles)), len(tiles))
    return groups, similarity


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    """The first row and column of tiles that cover every pair once."""
    for row in range(0, count, _ROWS):
        for column in range(row // _COLUMNS * _COLUMNS, count, _COLUMNS):
            yield row, column


def _compare(pictures: Comparable, groups: np.ndarray, row: int, column: int) -> Pairs:
    """The near duplicates in a tile that are not in one group yet."""
    rows = pictures.hashes[row : row + _ROWS, None]
    columns = pictures.hashes[None, column : column + _COLUMNS]
    different = np.bitwise_count(rows ^ columns)
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    if different.min() <= MOST_DIFFERENT:
        first, second = np.nonzero(different <= MOST_DIFFERENT)
        first, second = first + row, second + column
        # Another thread's look at groups that are just being joined costs time, nothing else.
        new = (first < second) & (groups[first] != groups[second])
        first, second = first[new], second[new]
        for start in range(0, len(first), _PAIRS):
            piece = slice(start, start + _PAIRS)
            found.append(_confirmed(pictures, first[piece], second[piece]))
    one, other, correlation = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return one, other, correlation


def _confirmed(pictures: Comparable, first: np.ndarray, second: np.ndarray) -> Pairs:
    low = pictures.low
    alike = np.einsum("ij,ij->i", low[first].astype("f4"), low[second].astype("f4")) >= _LEAST_LOW
    first, second = first[alike], second[alike]
    one = pictures.sketches[pictures.places[first]].astype(np.float32)
    other = pictures.sketches[pictures.places[second]].astype(np.float32)
    correlation = _correlation(one, other)
    is_near = correlation >= LEAST_CORRELATION
    is_near &= _correlation(_detail(one), _detail(other)) >= LEAST_DETAIL
    return first[is_near], second[is_near], correlation[is_near]


def _detail(sketches: np.ndarray) -> np.ndarray:
    """What a blur takes away."""
    return sketches - _blur() @ sketches @ _blur().T


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's, of the pixels of each pair: float32 (n,) in [-1, 1]."""
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
    """Puts each pair into one group, which is named by its first picture."""
    first, second, correlation = pairs
    np.maximum.at(similarity, first, correlation)
    np.maximum.at(similarity, second, correlation)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        kept, joined = sorted((groups[one], groups[other]))
        if kept != joined:
            groups[groups == joined] = kept
