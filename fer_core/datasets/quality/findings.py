"""Derives findings from a scan result: lists of images, and which of them to exclude."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from fer_core.datasets.augmented_names import augmented_groups
from fer_core.datasets.quality import thresholds
from fer_core.datasets.quality.descriptions import PAIRS
from fer_core.datasets.quality.measures import DAMAGED, GONE, READABLE
from fer_core.datasets.quality.scan_results import FaceSearch, ScanResult

_PROBLEMS = {READABLE: "", GONE: "missing", DAMAGED: "damaged or truncated"}
_RANKS = {"test": 0, "val": 1, "train": 2}  # order within a group
_SPLITS = tuple(_RANKS)
_EXACT, _NEAR = "first", "near"  # columns of the scan result that hold an image's group


@dataclass(frozen=True)
class Finding:
    """Holds one kind of problem and the images that have it; texts are in `DESCRIPTIONS`."""

    kind: str
    images: int  # affected ones; for a leak only those of the later split
    of: int  # images that were checked
    positions: np.ndarray  # in the index, in display order
    excess: np.ndarray  # positions, ascending: exclude these to resolve it
    groups: np.ndarray | None = None  # group number of each position, ascending; None if ungrouped
    stay_in: np.ndarray | None = None  # the split that each position must stay in, if told

    @property
    def group_count(self) -> int:
        """Returns the number of groups; 0 if ungrouped."""
        return 0 if self.groups is None or not len(self.groups) else int(self.groups[-1]) + 1


def find_problems(
    result: ScanResult, index: pd.DataFrame, faces: FaceSearch | None = None
) -> list[Finding]:
    """Returns every kind of finding, empty ones too; images in no split are ignored.

    Args:
        result: of the same images as the index; labels and splits may have changed since.
        faces: likewise.
    """
    finder = _Finder(result.table, index)
    findings = [
        *finder.leaks(),
        *finder.duplicates(),
        finder.augmented(),
        *finder.single_images(),
    ]
    return findings if faces is None else [*findings, finder.faceless(faces)]


def finding_table(finding: Finding, result: ScanResult, index: pd.DataFrame) -> pd.DataFrame:
    """Returns the images of a finding with their group and measures, for a CSV file.

    Columns: position (in the index), group (from 1, if grouped), path, row,
    expression, split, stay_in (of augmented copies), width, height, mean, deviation, sharpness,
    similarity, problem, and leave_out (whether it is in `excess`).
    """
    positions = finding.positions
    table = index.iloc[positions][["path", "row", "expression", "split"]].reset_index(drop=True)
    table.insert(0, "position", positions)
    if finding.groups is not None:
        table.insert(1, "group", finding.groups + 1)
    if finding.stay_in is not None:
        table["stay_in"] = finding.stay_in
    rows = result.table[positions]
    table = table.assign(width=rows["width"], height=rows["height"])
    for name in ("mean", "deviation", "sharpness", "similarity"):
        table[name] = rows[name].astype(np.float64).round(4)
    table["problem"] = [_PROBLEMS[code] for code in rows["problem"].tolist()]
    table["leave_out"] = np.isin(positions, finding.excess)
    return table


def page_starts(finding: Finding, size: int) -> list[int]:
    """Returns where in `finding.positions` each page starts; splits only groups over one page.

    Args:
        size: maximum images per page.
    """
    total = len(finding.positions)
    if finding.groups is None:
        return list(range(0, max(1, total), size))
    starts = [0]
    borders = [0, *(np.flatnonzero(np.diff(finding.groups)) + 1).tolist(), total]
    for begin, end in pairwise(borders):
        if end - starts[-1] > size and begin > starts[-1]:
            starts.append(begin)
        while end - starts[-1] > size:
            starts.append(starts[-1] + size)
    return starts


class _Finder:
    """Queries the table of a scan result."""

    def __init__(self, table: np.ndarray, index: pd.DataFrame) -> None:
        self.table = table
        ranks = index["split"].map(_RANKS).fillna(-1)  # -1: in no split
        self.ranks = ranks.to_numpy(dtype=np.int64)
        self.in_use = self.ranks >= 0
        self.total = int(self.in_use.sum())
        self.readable = self.in_use & (table["problem"] == READABLE)
        self.labels, _ = pd.factorize(index["expression"])
        self.paths = index["path"]

    def single_images(self) -> Iterator[Finding]:
        """Yields problems of single images, the worst first."""
        table = self.table
        mean, deviation, sharpness = table["mean"], table["deviation"], table["sharpness"]
        visible = self.readable & (deviation >= thresholds.BLANK)
        for kind, chosen, order in (
            ("unreadable", self.in_use & ~self.readable, table["problem"]),
            ("blank", self.readable & ~visible, mean),
            ("flat", visible & (deviation < thresholds.NEARLY_FLAT), deviation),
            ("dark", visible & (mean < thresholds.DARK), mean),
            ("bright", visible & (mean > thresholds.BRIGHT), -mean),
            ("blurred", visible & (sharpness < thresholds.BLURRED), sharpness),
            ("size", self._has_odd_size(), table["height"].astype("i8") * table["width"]),
        ):
            positions = np.flatnonzero(chosen)
            positions = positions[np.argsort(order[positions], kind="stable")]
            yield Finding(kind, len(positions), self.total, positions, np.sort(positions))

    def duplicates(self) -> Iterator[Finding]:
        """Yields exact and near duplicates, and those with different labels."""
        for kind, column in (("copies", _EXACT), ("near", _NEAR)):
            group = self.table[column]
            # Each copy counts as an exact duplicate, but a group of copies alone is not near.
            own = np.arange(len(group)) if column == _EXACT else self.table[_EXACT]
            many = self._with_several(group, own, self.in_use)
            yield self._grouped(kind, group, many)
            differing = self._with_several(group, self.labels, many)
            yield self._grouped(f"{kind}-labels", group, differing, keep_first=False)

    def augmented(self) -> Finding:
        """Returns copies by name with their sources, and the split they must stay in."""
        groups, is_copy = augmented_groups(self.paths.tolist())
        is_copy &= self.in_use
        finding = self._grouped("augmented", groups, self.in_use & self._with(groups, is_copy))
        # That of the source; of several, the one that is evaluated on.
        ranks = np.full(len(groups), _RANKS["train"])
        sources = np.flatnonzero(self.in_use & ~is_copy)
        np.minimum.at(ranks, groups[sources], self.ranks[sources])
        expected = ranks[groups]
        excess = np.flatnonzero(is_copy & (self.ranks != expected))
        return replace(
            finding,
            images=int(is_copy.sum()),
            excess=excess,
            stay_in=np.array(_SPLITS)[expected[finding.positions]],
        )

    def leaks(self) -> Iterator[Finding]:
        """Yields images that are in two splits, exactly or nearly."""
        exact = {}
        for one, other in PAIRS:
            exact[one, other] = self._leaked(_EXACT, one, other)
            yield self._leak(f"leak-{one}-{other}", _EXACT, one, other, exact[one, other])
        for one, other in PAIRS:
            near = self._leaked(_NEAR, one, other) & ~exact[one, other]
            yield self._leak(f"near-leak-{one}-{other}", _NEAR, one, other, near)

    def faceless(self, faces: FaceSearch) -> Finding:
        """Returns the images of the sample in which no face was found."""
        searched = self.in_use[faces.positions]
        positions = faces.positions[searched & ~faces.found]
        return Finding("faceless", len(positions), int(searched.sum()), positions, positions)

    def _has_odd_size(self) -> np.ndarray:
        height, width = self.table["height"].astype("i8"), self.table["width"].astype("i8")
        shorter, longer = np.minimum(height, width), np.maximum(height, width)
        odd = (shorter < thresholds.MIN_SIDE) | (longer > thresholds.MAX_ASPECT_RATIO * shorter)
        sizes = (height << 32) + width
        values, counts = np.unique(sizes[self.readable], return_counts=True)
        if len(counts) and counts.max() >= thresholds.UNIFORM_SIZE_SHARE * counts.sum():
            # A uniform size is intentional, however small it is.
            odd = sizes != values[counts.argmax()]
        return self.readable & odd

    def _leaked(self, column: str, one: str, other: str) -> np.ndarray:
        """Returns a mask of the images of split `other` that are in split `one` too."""
        known = self._with(self.table[column], self.ranks == _RANKS[one])
        return (self.ranks == _RANKS[other]) & known

    def _leak(self, kind: str, column: str, one: str, other: str, leaked: np.ndarray) -> Finding:
        sources = (self.ranks == _RANKS[one]) & self._with(self.table[column], leaked)
        finding = self._grouped(kind, self.table[column], leaked | sources, exclude_from=one)
        images, of = int(leaked.sum()), int((self.ranks == _RANKS[other]).sum())
        return replace(finding, images=images, of=of)

    def _with(self, group: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Returns a mask of the images that share a group with one of the chosen."""
        has = np.zeros(len(group), bool)
        has[group[chosen]] = True
        return has[group]

    def _with_several(self, group: np.ndarray, values: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Returns a mask of those images whose groups contain different values among them."""
        positions = np.flatnonzero(among)
        one = np.zeros(len(group), values.dtype)
        one[group[positions]] = values[positions]  # one value per group
        return among & self._with(group, among & (values != one[group]))

    def _grouped(
        self,
        kind: str,
        group: np.ndarray,
        chosen: np.ndarray,
        *,
        exclude_from: str = "train",
        keep_first: bool = True,
    ) -> Finding:
        """Sorts chosen images by group, largest first; within one by test, validation, training."""
        positions = np.flatnonzero(chosen)
        names = group[positions]
        sizes = np.bincount(names)[names] if len(names) else names
        order = np.lexsort((positions, self.ranks[positions], names, -sizes))
        positions, names = positions[order], names[order]
        begins = np.diff(names, prepend=-1) != 0
        spare = self.ranks[positions] == _RANKS[exclude_from]
        if keep_first:
            spare &= ~begins
        excess = np.sort(positions[spare])
        groups = np.cumsum(begins) - 1
        return Finding(kind, len(positions), self.total, positions, excess, groups)
