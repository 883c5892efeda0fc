"""Finds which images are copies of one another, so that drawn splits keep them together."""

from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.augmented_names import augmented_groups
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.quality.measures import load_measures
from fer_core.datasets.quality.scan import compare_measures
from fer_core.datasets.split_groups import CLUSTER
from fer_core.text import counted

_MAX_COMPARED = 100_000  # images; every pair is compared, which would take longer than the import
_MAX_NEAR = 0.05  # of the images; more that look alike are no copies of one


def with_clusters(
    index: pd.DataFrame, measures: Path, report: Report, *, compare: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Adds the column cluster, the name of one image for all copies of it; returns notes too.

    Copies are augmented ones, by their names, and near duplicates.

    Args:
        measures: the file with the MEASURES of the images.
        compare: whether to look for near duplicates.
    """
    groups, notes = np.arange(len(index)), []
    if index["row"].isna().all():  # a file each
        groups = _named_copies(index["path"].tolist())
        if count := _copies(groups):
            notes.append(
                f"{counted(count, 'image')} named like augmented copies of others: where splits "
                "are drawn, they stay with their source."
            )
    if compare and len(index) > _MAX_COMPARED:
        notes.append(
            f"Near duplicates may be on both sides of drawn splits: more than {_MAX_COMPARED:,} "
            "images are not compared at import."
        )
    elif compare:
        by_name = _copies(groups)
        groups = _joined(groups, _near_duplicates(measures, len(index), report))
        if count := _copies(groups) - by_name:
            notes.append(
                f"{counted(count, 'near duplicate')} of other images: where splits are drawn, "
                "they stay together."
            )
    is_clustered = np.bincount(groups, minlength=len(groups))[groups] > 1
    if not is_clustered.any():
        return index, notes
    names = index["content"].to_numpy()[groups]
    return index.assign(**{CLUSTER: np.where(is_clustered, names, "")}), notes


def _named_copies(paths: list[str]) -> np.ndarray:
    """Returns the first of each group that has a copy; images of no such group are alone."""
    groups, is_copy = augmented_groups(paths)
    return np.where(np.isin(groups, groups[is_copy]), groups, np.arange(len(groups)))


def _near_duplicates(measures: Path, count: int, report: Report) -> np.ndarray:
    known = load_measures(measures)
    if known is None or len(known) != count:
        return np.arange(count)

    def report_pairs(done: int, total: int, message: str) -> None:
        share = done / max(1, total)
        report(count, count, f"Compared {share:.0%} of all pairs of {count:,} images")

    groups = compare_measures(known, report_pairs)["near"].astype(int)
    sizes = np.bincount(groups, minlength=count)[groups]
    return np.where(sizes <= max(2, _MAX_NEAR * count), groups, np.arange(count))


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Joins groups that share an image; each is named by its first image."""
    joined = one
    while True:
        wider = _first(_first(joined, other), one)
        if (wider == joined).all():
            return joined
        joined = wider


def _first(names: np.ndarray, groups: np.ndarray) -> np.ndarray:
    first = np.full(len(groups), len(groups))
    np.minimum.at(first, groups, names)
    return first[groups]


def _copies(groups: np.ndarray) -> int:
    """Counts the images that are not the first of their group."""
    return int((groups != np.arange(len(groups))).sum())
