"""Divides vectors into cells of neighbors, so that a search need not compare all pairs.

Each vector is at home in the cell of its nearest center, and visits the nearest cells around; two
vectors are compared if one visits the home of the other. This is an inverted file as in Jégou and
others 2011, "Product quantization for nearest neighbor search".
"""

from dataclasses import dataclass

import numpy as np

_MEMBERS = 2048  # vectors per cell, on average
# Of 1,000 pairs with a cosine of 0.65 or more 995 meet in 200 cells, and the more, the more alike.
_VISITS = 24
_ROUNDS, _SAMPLE = 5, 64  # of k-means, and vectors per cell that it is given
_AT_ONCE = 4096  # vectors: bounds memory


@dataclass(frozen=True)
class Cells:
    """Holds the cells of vectors that are sorted by home.

    Attributes:
        order: position of each sorted vector before sorting.
        visits: cells that each sorted vector visits, its home first, uint16 (n, visits).
        starts: where the members of each cell begin, and the end of the last one.
    """

    order: np.ndarray
    visits: np.ndarray
    starts: np.ndarray

    def blocks(self, pairs: int) -> list[tuple[np.ndarray, slice]]:
        """Returns which sorted vectors to compare with which, about so many pairs at once."""
        flat = self.visits[:, 1:].ravel()
        visitors = np.argsort(flat, kind="stable") // max(self.visits.shape[1] - 1, 1)
        ends = np.cumsum(np.bincount(flat, minlength=len(self.starts) - 1))
        blocks = []
        for cell, last in enumerate(ends.tolist()):
            first, end = self.starts[cell : cell + 2].tolist()
            rows = max(1, pairs // max(end - first, 1))
            for start in range(first, end, rows):  # each pair of members once
                blocks.append((np.arange(start, min(start + rows, end)), slice(start, end)))
            guests = visitors[ends[cell - 1] if cell else 0 : last]
            blocks += [
                (guests[start : start + rows], slice(first, end))
                for start in range(0, len(guests), rows)
            ]
        return blocks

    def is_first(self, guests: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Tells whether no other block has the pair too, or this one comes before."""
        meet_twice = (self.visits[members] == self.visits[guests, :1]).any(axis=1)
        first: np.ndarray = (guests < members) | ~meet_twice
        return first


def divided(unit: np.ndarray) -> Cells:
    """Divides unit vectors (n, dimensions); few of them into one cell."""
    count = len(unit) // _MEMBERS
    if count <= _VISITS:
        none = np.zeros((len(unit), 1), np.uint16)
        return Cells(np.arange(len(unit)), none, np.array([0, len(unit)]))
    centers = _centers(unit, count)
    pieces = range(0, len(unit), _AT_ONCE)
    visits = np.concatenate([_nearest(unit[at : at + _AT_ONCE], centers) for at in pieces])
    order = np.argsort(visits[:, 0], kind="stable")
    sizes = np.bincount(visits[:, 0], minlength=count)
    return Cells(order, visits[order], np.concatenate([[0], np.cumsum(sizes)]))


def _nearest(unit: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Returns the cells that vectors visit, the nearest one first."""
    cosine = unit @ centers.T
    nearest = np.argpartition(-cosine, _VISITS, axis=1)[:, :_VISITS]
    closest = np.take_along_axis(cosine, nearest, axis=1).argmax(axis=1)
    rows = np.arange(len(unit))
    home = nearest[rows, closest]
    nearest[rows, closest], nearest[:, 0] = nearest[:, 0], home
    return nearest.astype(np.uint16)


def _centers(unit: np.ndarray, count: int) -> np.ndarray:
    """Returns the unit vectors around which k-means finds most of a sample."""
    sample = unit[:: max(1, len(unit) // (_SAMPLE * count))]
    centers = sample[:: len(sample) // count][:count].copy()
    pieces = [slice(start, start + _AT_ONCE) for start in range(0, len(sample), _AT_ONCE)]
    for _ in range(_ROUNDS):
        nearest = np.concatenate([(sample[piece] @ centers.T).argmax(axis=1) for piece in pieces])
        sums = np.zeros_like(centers)
        np.add.at(sums, nearest, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centers = np.where(lengths > 0, sums / np.maximum(lengths, 1e-6), centers)
    return centers
