"""Divides training and validation images into folds; subjects, sequences and copies stay whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from fer_core.datasets.split_groups import (
    CLUSTER,
    GROUP,
    GROUP_NOUNS,
    SUBJECT,
    in_drawn_order,
    units_of,
)
from fer_core.datasets.splits import EXCLUDED
from fer_core.errors import FerError
from fer_core.text import counted, shortened, some

IMAGE: Final = "image"
MOST_FOLDS = 500
# What folds are drawn of, the widest first, and its noun.
UNITS: Mapping[str, tuple[str, str]] = {
    **GROUP_NOUNS,
    CLUSTER: ("image with its copies", "images with their copies"),
    IMAGE: ("image", "images"),
}
_LARGEST_SHARE = 0.5  # of the images that one unit may have
_LEAST_KNOWN = 0.5  # of the images whose subject, or sequence, must be known
_SCALE, _HEAVIEST = 64, 10**6  # of integer weights, so that every machine draws the same folds


@dataclass(frozen=True)
class Fold:
    """Tells which part of the training and validation images validates; the others train."""

    number: int  # from 0
    count: int  # of folds
    unit: str  # one of UNITS
    seed: int

    def __str__(self) -> str:
        return f"Fold {self.number + 1} of {self.count}, by {self.unit} (seed {self.seed})"


@dataclass(frozen=True)
class FoldPlan:
    """Holds folds as they were drawn for a dataset."""

    dataset: str
    unit: str
    count: int  # of folds
    folds: pd.DataFrame  # of each image in a fold: expression, fold (from 0) and unit (its name)
    unknown: int  # images in no fold, since their subject or sequence is not known

    @property
    def units(self) -> int:
        """Returns the number of subjects, sequences or images that were divided."""
        return int(self.folds["unit"].nunique())

    def describe(self) -> list[str]:
        """Describes the folds in sentences: what was divided, how even it is, and what is not."""
        sizes = self.folds["fold"].value_counts()
        images = counted(len(self.folds), "image")
        divided = f"{counted(self.units, *UNITS[self.unit])} with {images}"
        notes = [
            f"{images if self.unit == IMAGE else divided} of training and validation in "
            f"{self.count} folds of {_range(sizes)} images, stratified by class; none is in two "
            "folds. The test split is not touched."
        ]
        if self.unknown:
            one, _ = UNITS[self.unit]
            notes.append(f"Left out: {counted(self.unknown, 'image')} of no known {one}.")
        lacking = self._unvalidated()
        if lacking:
            notes.append(
                "Not in every fold, so their recall is that of the pooled predictions: "
                f"{some(lacking, 10)}."
            )
        return notes

    def labeled(self, index: pd.DataFrame) -> "FoldPlan":
        """Returns the folds with the labels of an index, and without what it excludes."""
        kept = self.folds[index.loc[self.folds.index, "split"] != EXCLUDED]
        kept = kept.assign(expression=index["expression"].loc[kept.index])
        return FoldPlan(self.dataset, self.unit, self.count, kept, self.unknown)

    def _unvalidated(self) -> list[str]:
        """Returns the classes that some fold has no image of."""
        counts = pd.crosstab(self.folds["expression"], self.folds["fold"])
        return [str(name) for name in counts.index[(counts == 0).any(axis=1)]]

    def check(self, class_names: tuple[str, ...]) -> None:
        """Checks that every fold has something to validate on, and leaves something to train on.

        Args:
            class_names: those that are trained on.

        Raises:
            FerError: a subject, sequence or image with its copies has most of the images, all
                images of a class are in one fold, or a fold has images of other classes only.
        """
        self._check_largest()
        counts = pd.crosstab(self.folds["expression"], self.folds["fold"])
        for name in class_names:
            if name not in counts.index:
                raise FerError(f"No image of {shortened(name)} is in any fold of {self.dataset}.")
            if counts.loc[name].max() == counts.loc[name].sum():
                raise FerError(self._untrained(name, int(counts.loc[name].argmax())))
        used = counts.loc[list(class_names)].sum().reindex(range(self.count), fill_value=0)
        if not used.all():
            empty = counted(int((used == 0).sum()), "fold")
            raise FerError(
                f"Every fold must have images to validate on. {empty} of {self.count} would have "
                f"none of {some(class_names, 10)}. Draw fewer folds."
            )

    def _check_largest(self) -> None:
        sizes, (one, _) = self.folds["unit"].value_counts(), UNITS[self.unit]
        largest, share = int(sizes.iloc[0]), sizes.iloc[0] / sizes.sum()
        if share > _LARGEST_SHARE:
            raise FerError(
                f"Folds cannot be even: one {one}, {shortened(str(sizes.index[0]))}, has "
                f"{largest:,} of the {len(self.folds):,} images of {self.dataset} in training and "
                f"validation ({share:.0%}), more than all others together. "
                f"{self._instead()}"
            )

    def _untrained(self, name: str, fold: int) -> str:
        """Returns a sentence about a class whose images are all in one fold."""
        units = self.folds.loc[self.folds["expression"] == name, "unit"]
        one, several = UNITS[self.unit]
        of = (
            f"one {one}, {shortened(str(units.iloc[0]))}"
            if units.nunique() == 1
            else f"{counted(units.nunique(), one, several)} that fell into one fold"
        )
        return (
            f"Every class must have training images in every fold. All {len(units):,} images of "
            f"{shortened(name)} are of {of}: when fold {fold + 1} of {self.count} validates, none "
            f"is left to train on. Leave out that class under Expressions. {self._instead()}"
        )

    def _instead(self) -> str:
        return "" if self.unit == IMAGE else "Or draw the folds of something smaller."


def fold_unit(index: pd.DataFrame) -> str:
    """Returns what folds should be drawn of: the widest that is known of most images."""
    rows = _divided(index)
    for name in (SUBJECT, GROUP):
        if name in rows and (rows[name] != "").mean() >= _LEAST_KNOWN:
            return name
    has_copies = CLUSTER in rows and (rows[CLUSTER] != "").any()
    return CLUSTER if has_copies else IMAGE


def unit_names(index: pd.DataFrame, unit: str) -> pd.Series:
    """Returns the subject, sequence or image with its copies that each image belongs to."""
    if unit not in index:
        return index["content"]
    return index[unit].mask(index[unit] == "", index["content"])


def count_units(index: pd.DataFrame, unit: str) -> int:
    """Counts the subjects, sequences or images that can be divided: the most folds possible."""
    rows = _known(_divided(index), unit)
    return int(units_of(rows, _columns(unit)).nunique()) if len(rows) else 0


def plan_folds(index: pd.DataFrame, dataset: str, count: int, unit: str, seed: int) -> FoldPlan:
    """Draws folds of a dataset's training and validation images, or says why that cannot be.

    With as many folds as there are subjects, each fold is one subject: leave-one-subject-out.

    Args:
        index: as it is stored, without corrections, so that folds do not depend on them.
        dataset: its name.

    Raises:
        FerError: fewer than two folds or more than there are subjects, or the subjects of most
            images are not known.
    """
    one, several = UNITS[unit]
    divided = _divided(index)
    rows = _known(divided, unit)
    if len(rows) < _LEAST_KNOWN * len(divided) or rows.empty:
        raise FerError(
            f"Folds by {one} need the {one} of every image. {dataset} tells it of {len(rows):,} of "
            f"{len(divided):,} images in training and validation. Draw the folds by "
            f"{UNITS[fold_unit(index)][0]}."
        )
    units = units_of(rows, _columns(unit))
    found = int(units.nunique())
    if not 2 <= count <= min(found, MOST_FOLDS):
        raise FerError(
            f"There must be at least 2 folds, and at least one {one} for each: {dataset} has "
            f"{counted(found, one, several)} in training and validation"
            f"{f', and at most {MOST_FOLDS:,} folds are possible' if found > MOST_FOLDS else ''}. "
            f"Received: {count:,} folds"
        )
    numbers = draw_folds(units, rows["expression"], count, f"fold {seed}")
    names = units.str.removeprefix(f"{unit} ")
    folds = pd.DataFrame({"expression": rows["expression"], "fold": numbers, "unit": names})
    return FoldPlan(dataset, unit, count, folds, len(divided) - len(rows))


def with_fold(index: pd.DataFrame, stored: pd.DataFrame, dataset: str, fold: Fold) -> pd.DataFrame:
    """Returns a copy of the index in which a fold validates and the others train.

    The test split and what corrections exclude stay as they are; images in no fold are excluded.

    Args:
        index: maybe with corrections.
        stored: the index without them, with the same rows.

    Raises:
        FerError: as in `plan_folds`, or the number of the fold is too large.
    """
    if not 0 <= fold.number < fold.count:
        raise FerError(f"A fold must be from 1 to {fold.count}. Received: {fold.number + 1}")
    plan = plan_folds(stored, dataset, fold.count, fold.unit, fold.seed)
    numbers = plan.folds["fold"].reindex(index.index, fill_value=-1)
    split = index["split"].mask(numbers >= 0, "train").mask(numbers == fold.number, "val")
    split = split.mask((numbers < 0) & (index["split"] != "test"), EXCLUDED)
    return index.assign(split=split.mask(index["split"] == EXCLUDED, EXCLUDED))


def draw_folds(units: pd.Series, expressions: pd.Series, count: int, salt: str) -> np.ndarray:
    """Draws the fold of each image, from 0; the images of a unit are in one fold.

    Units of several images come first, the largest before the others, each into the fold that
    leaves the shares of the classes most equal: the criterion of scikit-learn's
    StratifiedGroupKFold, with squares instead of standard deviations, so that the sums of integers
    are the same on every machine. Single images then fill up each class. No fold is empty if there
    are at least as many units.
    """
    names = in_drawn_order(pd.Index(units.unique()), salt)
    numbers = names.get_indexer(units)
    classes, labels = np.unique(expressions.to_numpy(dtype=str), return_inverse=True)
    counts = np.zeros((len(names), len(classes)), np.int64)
    np.add.at(counts, (numbers, labels), 1)
    folds, loads = np.zeros(len(names), int), np.zeros((count, len(classes)), np.int64)
    sizes = counts.sum(axis=1)
    _place_large(counts, folds, loads, np.argsort(-sizes, kind="stable")[: (sizes > 1).sum()])
    for number in np.argsort(counts.sum(axis=0), kind="stable"):  # rare classes first
        single = np.flatnonzero((sizes == 1) & (counts[:, number] == 1))
        more = _filling(loads[:, number], loads.sum(axis=1), len(single))
        folds[single] = np.repeat(np.arange(count), more)
        loads[:, number] += more
    drawn: np.ndarray = folds[numbers]
    return drawn


def _place_large(
    counts: np.ndarray, folds: np.ndarray, loads: np.ndarray, order: np.ndarray
) -> None:
    """Puts units into folds in this order; changes `folds` and `loads`, (folds, classes)."""
    totals = counts.sum(axis=0)
    weights = np.clip(np.rint(_SCALE * (totals.max() / totals) ** 2), 1, _HEAVIEST)
    weights = weights.astype(np.int64)
    for unit in order:
        cost = loads @ (counts[unit] * weights)  # growth of the sum of squared shares, halved
        best = np.flatnonzero(cost == cost.min())
        folds[unit] = best[loads[best].sum(axis=1).argmin()]
        loads[folds[unit]] += counts[unit]


def _filling(loads: np.ndarray, totals: np.ndarray, more: int) -> np.ndarray:
    """Returns how many of `more` images each fold gets so that all have as many as possible alike.

    Args:
        loads: the images of the class that each fold has.
        totals: the images of all classes, of which the smaller decides between equals.
    """
    filling = np.zeros(len(loads), int)
    if not more:
        return filling
    order = np.lexsort((totals, loads))
    rising = loads[order]
    needed = rising * np.arange(1, len(loads) + 1) - np.cumsum(rising)  # to raise those before
    low = order[: int(np.searchsorted(needed, more, side="right"))]
    level, rest = divmod(more + int(loads[low].sum()), len(low))
    filling[low] = level - loads[low]
    filling[low[np.argsort(totals[low], kind="stable")[:rest]]] += 1
    return filling


def _divided(index: pd.DataFrame) -> pd.DataFrame:
    return index[index["split"].isin(("train", "val"))]


def _known(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Returns the rows whose subject or sequence is known, if folds are drawn of these."""
    if unit not in GROUP_NOUNS:
        return rows
    return rows[rows[unit] != ""] if unit in rows else rows.iloc[:0]


def _columns(unit: str) -> list[str]:
    return [] if unit == IMAGE else [unit]


def _range(sizes: pd.Series) -> str:
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
