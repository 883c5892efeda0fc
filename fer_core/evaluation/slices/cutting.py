"""Cuts a column into slices: texts are categories, numbers are cut at quantiles or at borders."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation.slices.columns import UNKNOWN, SliceColumn
from fer_core.text import counted, shortened

MAX_SLICES = 200
DEFAULT_BINS = 3
_MAX_BINS = 20
_FEW = 10  # different numbers that are categories, such as a skin type from 1 to 6
_STEPS = 1000  # at least, from the smallest to the greatest value, to which borders are rounded


@dataclass(frozen=True, eq=False)
class Slices:
    """Holds slices of the images of an evaluation."""

    column: str
    names: tuple[str, ...]
    codes: np.ndarray  # of each prediction: the number of its slice; -1 without a value
    note: str  # a sentence on how numbers were cut; "" for categories
    is_key: bool = False  # whether each slice is a subject, or a sequence

    @property
    def without_value(self) -> int:
        """Returns the number of images that are in no slice."""
        return int((self.codes < 0).sum())


def cut(
    column: SliceColumn,
    name: str | None = None,
    *,
    bins: int | None = None,
    borders: Sequence[float] = (),
) -> Slices:
    """Cuts a column into slices.

    Args:
        column: the column.
        name: of the column; None for its own.
        bins: quantiles into which numbers are cut; None for three, or for one slice per value if
            there are few values.
        borders: at which numbers are cut instead, ascending; a slice contains its lower border.

    Raises:
        FerError: the settings fit no numbers, or there would be too many slices, or only one.
    """
    name = name or column.name
    if column.is_number:
        if not borders and bins is None and len(np.unique(_known(column.values))) <= _FEW:
            return _categories(name, _as_texts(column.values), column.is_key)
        return _bins(column, name, DEFAULT_BINS if bins is None else bins, borders)
    if borders or bins is not None:
        raise FerError(f"Only numbers can be cut into bins. {shortened(name)} holds texts.")
    return _categories(name, column.values, column.is_key)


def parse_borders(text: str) -> tuple[float, ...]:
    """Parses borders between slices, such as "18, 30, 50"; "" means none.

    Raises:
        FerError: they are not finite numbers in ascending order, or too many.
    """
    parts = [part for part in text.replace(";", ",").split(",") if part.strip()]
    try:
        borders = tuple(map(float, parts))
    except ValueError:
        borders = (float("nan"),)
    is_right = all(map(np.isfinite, borders)) and all(np.diff(borders) > 0)
    if not is_right or len(borders) >= MAX_SLICES:
        raise FerError(
            "Borders must be ascending numbers with commas between them, such as 18, 30, 50. "
            f"Received: {shortened(text)}"
        )
    return borders


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _as_texts(values: np.ndarray) -> np.ndarray:
    texts = {value: f"{value:.6g}" for value in np.unique(_known(values)).tolist()}
    return pd.Series(values).map(texts).fillna("").to_numpy(object)


def _categories(name: str, values: np.ndarray, is_key: bool) -> Slices:
    codes, found = pd.factorize(pd.Series(values, dtype="object"), sort=False)
    is_known = np.array([str(text).strip().lower() not in UNKNOWN for text in found], bool)
    count = int(is_known.sum())
    if not 1 < count <= MAX_SLICES:
        raise FerError(
            f"A column must have from 2 to {MAX_SLICES} different values to slice by it. "
            f"{shortened(name)} has {counted(count, 'value')} in {len(values):,} images."
            + (" Join a table with a column of fewer values." if count > MAX_SLICES else "")
        )
    names = sorted((str(text) for text in found[is_known]), key=_natural)
    place = pd.Index(names).get_indexer(pd.Index(found.astype(str)))
    return Slices(name, tuple(names), place[codes], "", is_key)


def _natural(text: str) -> tuple[float, str]:
    """Orders numbers by their values, before other texts."""
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text


def _bins(column: SliceColumn, name: str, bins: int, borders: Sequence[float]) -> Slices:
    known = _known(column.values)
    if borders:
        inner, how = np.array(borders, float), "as given"
    else:
        if not 2 <= bins <= _MAX_BINS:
            raise FerError(
                f"Numbers are cut into 2 to {_MAX_BINS} bins. Received: {bins} for "
                f"{shortened(name)}"
            )
        shares = np.arange(1, bins) / bins
        inner = _rounded(np.quantile(known, shares), float(np.ptp(known)))
        how = "so that every slice has about as many images"
    inner = inner[(inner > known.min()) & (inner <= known.max())]
    if not len(inner):
        raise FerError(
            f"{shortened(name)} must have values on both sides of a border. All are from "
            f"{known.min():.6g} to {known.max():.6g}."
        )
    codes = np.where(np.isnan(column.values), -1, np.searchsorted(inner, column.values, "right"))
    ends = [f"{border:.10g}" for border in inner]
    names = [f"below {ends[0]}", *(f"{one} to below {other}" for one, other in pairwise(ends))]
    about = f"{name} ({column.about})" if column.about else name
    note = (
        f"{shortened(about)} is cut at {', '.join(ends)}, {how}; the values are from "
        f"{known.min():.4g} to {known.max():.4g}."
    )
    return Slices(name, (*names, f"{ends[-1]} and above"), codes, note)


def _rounded(borders: np.ndarray, extent: float) -> np.ndarray:
    """Rounds borders, so that the numbers on the screen are the ones that were used."""
    if extent <= 0:
        return borders
    decimals = math.ceil(math.log10(_STEPS / extent))
    return np.unique(np.round(borders, decimals))
