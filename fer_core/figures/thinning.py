"""Picks the rows of a long table that a line on the screen is drawn through."""

import math

import numpy as np


def minmax_downsample(values: np.ndarray, most: int) -> np.ndarray:
    """Positions, rising, of at most so many values that draw the same line.

    Of each stretch of values the least and the greatest are kept, and of all the first and the
    last. Rows picked at even distances would lose the peaks. The stretches begin where they began
    when the table was shorter, so that a line that grows stays as it was further left.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    length = 2 ** math.ceil(math.log2(2 * count / (most - 4)))
    starts = np.arange(0, count, length)
    # Filled up with the last value, whose first position is the one that is found.
    stretches = np.pad(values, (0, len(starts) * length - count), mode="edge")
    stretches = stretches.reshape(-1, length)
    found = (stretches.argmin(axis=1), stretches.argmax(axis=1))
    return np.unique(np.concatenate([[0, count - 1], *(starts + place for place in found)]))
