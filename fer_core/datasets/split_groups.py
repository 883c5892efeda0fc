"""Groups images that must stay in one split: of a person, of a sequence, or copies."""

import hashlib
from collections.abc import Iterable
from itertools import islice

import numpy as np
import pandas as pd

SUBJECT, GROUP, CLUSTER = "subject", "group", "cluster"  # optional columns of the index; "" unknown
GROUP_NOUNS = {SUBJECT: ("subject", "subjects"), GROUP: ("sequence", "sequences")}
_WINDOW = 8  # units that the next one is chosen from


def known_columns(index: pd.DataFrame) -> list[str]:
    """Returns which of SUBJECT and GROUP the index tells for any image, the widest first."""
    return [name for name in (SUBJECT, GROUP) if name in index and (index[name] != "").any()]


def images_per_group(index: pd.DataFrame, column: str) -> pd.Series:
    """Counts the images of each value of a column, the most first; those without one are left out.

    Empty if the index does not have the column.
    """
    known = index.loc[index[column] != "", column] if column in index else pd.Series(dtype=str)
    return known.value_counts()


def seen_in_training(index: pd.DataFrame) -> np.ndarray | None:
    """Returns a mask of the images whose subject, or else group, is in the training split.

    None if the index tells neither.
    """
    columns = known_columns(index)
    if not columns:
        return None
    known = _first_known(index, columns, pd.Series("", index.index))
    trained_on = known[index["split"] == "train"]
    return ((known != "") & known.isin(trained_on)).to_numpy()


def units_of(index: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """Returns the name of the unit of each image.

    Images are of one unit if they have the same value in the first of the columns in which they
    have any, or the same content.
    """
    columns = [name for name in columns if name in index]
    units = _first_known(index, columns, index["content"])
    return _joined(units, index["content"]) if columns else units


def _first_known(index: pd.DataFrame, columns: list[str], otherwise: pd.Series) -> pd.Series:
    for name in columns[::-1]:
        known = index[name] != ""
        otherwise = otherwise.mask(known, name + " " + index[name])
    return otherwise


def _joined(units: pd.Series, content: pd.Series) -> pd.Series:
    """Joins units that share content; of their names, the first in order is kept."""
    names, order = np.unique(units.to_numpy(dtype=str), return_inverse=True)
    contents = pd.factorize(content)[0]
    own = joined = pd.Series(order)
    while True:
        wider = joined.groupby(contents).transform("min").groupby(own).transform("min")
        if (wider == joined).all():
            return pd.Series(names[joined], units.index, dtype="str")
        joined = wider


def in_drawn_order(names: pd.Index, salt: str) -> pd.Index:
    """Returns names in an order that depends on the salt and each name alone."""
    digests = [hashlib.sha256(f"{salt} {name}".encode()).digest() for name in names]
    return names[sorted(range(len(names)), key=digests.__getitem__)]


def draw_units(units: pd.Series, expressions: pd.Series, fraction: float, salt: str) -> pd.Index:
    """Draws units with about this fraction of the images and of each class.

    The units are taken from a sequence that the fraction does not change: a larger one takes the
    same units and more. Of every class that at least two units have, one is taken and one left
    if that is possible for all; nothing is drawn if it is possible for none.

    Args:
        units: the unit of each image.
        expressions: the class of each image.
    """
    names = in_drawn_order(pd.Index(units.unique()), salt)
    classes, labels = np.unique(expressions.to_numpy(dtype=str), return_inverse=True)
    counts = np.zeros((len(names), len(classes)), np.int64)
    np.add.at(counts, (names.get_indexer(units), labels), 1)
    everything = _large_last(counts.sum(axis=1))
    left = _covering(counts, everything[::-1])
    first = _covering(counts, everything[~np.isin(everything, left)])
    if not first:
        return names[:0]
    others = everything[~np.isin(everything, [*left, *first])].tolist()
    return names[[*first, *_balanced(counts, first, others, fraction)]]


def _large_last(sizes: np.ndarray) -> np.ndarray:
    """Returns the numbers of units in their order, but those with most images at the end."""
    shares = sizes / sizes.sum()
    is_large = (shares > 0.5) | (shares > max(0.1, 3 / len(sizes)))
    return np.argsort(is_large, kind="stable")


def _covering(counts: np.ndarray, order: np.ndarray) -> list[int]:
    """Returns units that have every class, each the first in this order; rare classes first."""
    chosen: list[int] = []
    has = counts > 0
    for number in np.argsort(has.sum(axis=0), kind="stable"):
        candidates = order[has[order, number]]
        if len(candidates) and not has[chosen, number].any():
            chosen.append(int(candidates[0]))
    return chosen


def _balanced(
    counts: np.ndarray, first: list[int], others: list[int], fraction: float
) -> list[int]:
    """Returns which of the other units to take besides the first ones.

    The next one is that of the next few which brings the classes nearest to their shares.
    """
    share = counts.sum(axis=0) / counts.sum()
    wanted = fraction * counts.sum()
    taken, waiting, chosen = counts[first].sum(axis=0), iter(others), list[int]()
    window = list(islice(waiting, _WINDOW))
    while window:
        after = taken + counts[window]
        expected = after.sum(axis=1, keepdims=True) * share
        best = int((((after - expected) ** 2) / expected).sum(axis=1).argmin())
        if abs(after[best].sum() - wanted) >= abs(taken.sum() - wanted):
            break
        taken = after[best]
        chosen.append(window.pop(best))
        window += islice(waiting, 1)
    return chosen
