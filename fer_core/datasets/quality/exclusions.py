"""Decides which images of duplicate groups to exclude if their labels differ."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from fer_core.datasets.quality.findings import Finding

# What to do with groups whose labels differ: keep one image of the label that most of them have
# (none if two labels are as frequent), keep no training image, or leave them as they are.
Differing = Literal["majority", "none", "all"]
DIFFERING: tuple[Differing, ...] = get_args(Differing)
_ASKED = ("copies", "copies-labels", "near", "near-labels")


def differing_groups(finding: Finding, index: pd.DataFrame) -> np.ndarray:
    """Returns the numbers of the groups of duplicates whose labels differ.

    Empty for leaks: there, the images that stay are those of the other split.
    """
    if finding.groups is None or finding.kind not in _ASKED:
        return np.empty(0, np.int64)
    labels, _ = pd.factorize(index["expression"].iloc[finding.positions])
    table = pd.Series(labels).groupby(finding.groups).nunique()
    return table.index.to_numpy()[table.to_numpy() > 1]


def excluded_images(
    finding: Finding, index: pd.DataFrame, differing: Differing = "none"
) -> np.ndarray:
    """Returns the positions to exclude, ascending: one image of each group stays.

    Only training images are excluded of groups whose labels differ.
    """
    asked = differing_groups(finding, index)
    if finding.groups is None or not len(asked):
        return finding.excess
    is_asked = np.isin(finding.groups, asked)
    excluded = np.setdiff1d(finding.excess, finding.positions[is_asked])
    if differing == "all":
        return excluded
    rows = index[["expression", "split"]].iloc[finding.positions[is_asked]]
    rows = rows.assign(position=finding.positions[is_asked], group=finding.groups[is_asked])
    spare = rows[rows["split"] == "train"]
    positions = spare["position"].to_numpy()
    if differing == "majority":
        positions = np.setdiff1d(positions, _kept(rows))
    return np.sort(np.concatenate([excluded, positions]))


def _kept(rows: pd.DataFrame) -> np.ndarray:
    """Returns the first image of the most frequent label of each group that has one."""
    counts = rows.groupby(["group", "expression"]).size()
    most = counts.groupby("group").transform("max")
    winners = counts[counts == most].reset_index()[["group", "expression"]]
    winners = winners[~winners["group"].duplicated(keep=False)]
    candidates = rows.merge(winners, on=["group", "expression"])
    # The finding's order: an image of validation or test comes first and stays anyway.
    return candidates.drop_duplicates("group")["position"].to_numpy()


def images_left(
    index: pd.DataFrame, excluded: np.ndarray, class_names: Sequence[str]
) -> dict[str, int]:
    """Returns how many training images of each class remain after an exclusion."""
    is_left = (index["split"] == "train").to_numpy(copy=True)
    is_left[excluded] = False
    counts = index["expression"][is_left].value_counts()
    return {name: int(counts.get(name, 0)) for name in class_names}
