"""What the measures of a data set's images mean: lists of images, and which to leave out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from fer_core.datasets.quality import thresholds
from fer_core.datasets.quality.descriptions import PAIRS
from fer_core.datasets.quality.measures import DAMAGED, GONE, READABLE
from fer_core.datasets.quality.scan_results import FaceSearch, ScanResult

_PROBLEMS = {READABLE: "", GONE: "gone", DAMAGED: "damaged or truncated"}
_RANKS = {"test": 0, "val": 1, "train": 2}  # the order in a group
_EXACT, _NEAR = "first", "near"  # columns of what was seen that name an image's group


@dataclass(frozen=True)
class Finding:
    """Images of which one thing is to be said. `WORDS` says it, by its kind."""

    kind: str
    images: int  # that it is about; of a leak only those of the later split
    of: int  # images that it might have been about
    positions: np.ndarray  # in the index, in the order in which they are shown
    excess: np.ndarray  # positions, ascending: what to leave out to be rid of it
    groups: np.ndarray | None = None  # number of each one's group, ascending; None without groups

    @property
    def group_count(self) -> int:
        """How many groups of images it shows."""
        return 0 if self.groups is None or not len(self.groups) else int(self.groups[-1]) + 1


def find(seen: ScanResult, index: pd.DataFrame, faces: FaceSearch | None = None) -> list[Finding]:
    """Every kind of finding, those without an image too; images in no split are left out.

    Args:
        seen: up to date with the index, whose labels and splits may have changed since.
        faces: likewise.
    """
    finder = _Finder(seen.table, index)
    found = [*finder.leaks(), *finder.double(), *finder.single()]
    return found if faces is None else [*found, finder.faceless(faces)]


def table_of(finding: Finding, seen: ScanResult, index: pd.DataFrame) -> pd.DataFrame:
    """The images of a finding for a file: what they are, their group, and what was measured.

    Columns: position (in the index), group (from 1, where there are groups), path, row,
    expression, split, width, height, mean, deviation, sharpness, similarity, problem, and
    leave_out (whether it is among `excess`).
    """
    positions = finding.positions
    table = index.iloc[positions][["path", "row", "expression", "split"]].reset_index(drop=True)
    table.insert(0, "position", positions)
    if finding.groups is not None:
        table.insert(1, "group", finding.groups + 1)
    rows = seen.table[positions]
    table = table.assign(width=rows["width"], height=rows["height"])
    for name in ("mean", "deviation", "sharpness", "similarity"):
        table[name] = rows[name].astype(np.float64).round(4)
    table["problem"] = [_PROBLEMS[code] for code in rows["problem"].tolist()]
    table["leave_out"] = np.isin(positions, finding.excess)
    return table


def page_starts(finding: Finding, size: int) -> list[int]:
    """Where in a finding's positions each page begins; a group is cut only if it is too long.

    Args:
        size: images of a page, at most.
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
    """The questions to a table of what was seen."""

    def __init__(self, table: np.ndarray, index: pd.DataFrame) -> None:
        self.table = table
        ranks = index["split"].map(_RANKS).fillna(-1)  # where an image is in no split
        self.ranks = ranks.to_numpy(dtype=np.int64)
        self.in_use = self.ranks >= 0
        self.total = int(self.in_use.sum())
        self.readable = self.in_use & (table["problem"] == READABLE)
        self.labels, _ = pd.factorize(index["expression"])

    def single(self) -> Iterator[Finding]:
        """What is wrong with images by themselves, the worst first."""
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

    def double(self) -> Iterator[Finding]:
        """Images that are there more than once, by pixels or nearly, and what they are called."""
        for kind, column in (("copies", _EXACT), ("near", _NEAR)):
            group = self.table[column]
            # Of copies each is an image of its own; a group of nothing but copies is not near.
            own = np.arange(len(group)) if column == _EXACT else self.table[_EXACT]
            many = self._with_several(group, own, self.in_use)
            yield self._grouped(kind, column, many)
            differing = self._with_several(group, self.labels, many)
            yield self._grouped(f"{kind}-labels", column, differing, keep_first=False)

    def leaks(self) -> Iterator[Finding]:
        """Images that are in two splits, by pixels or nearly."""
        exact = {}
        for one, other in PAIRS:
            exact[one, other] = self._leaked(_EXACT, one, other)
            yield self._leak(f"leak-{one}-{other}", _EXACT, one, other, exact[one, other])
        for one, other in PAIRS:
            near = self._leaked(_NEAR, one, other) & ~exact[one, other]
            yield self._leak(f"near-leak-{one}-{other}", _NEAR, one, other, near)

    def faceless(self, faces: FaceSearch) -> Finding:
        """Images of the sample in which no face was found."""
        looked = self.in_use[faces.positions]
        positions = faces.positions[looked & ~faces.found]
        return Finding("faceless", len(positions), int(looked.sum()), positions, positions)

    def _has_odd_size(self) -> np.ndarray:
        height, width = self.table["height"].astype("i8"), self.table["width"].astype("i8")
        shorter, longer = np.minimum(height, width), np.maximum(height, width)
        odd = (shorter < thresholds.SMALLEST) | (longer > thresholds.LONGEST * shorter)
        sizes = (height << 32) + width
        values, counts = np.unique(sizes[self.readable], return_counts=True)
        if len(counts) and counts.max() >= thresholds.ONE_SIZE * counts.sum():
            # One size throughout was chosen by somebody, however small it is.
            odd = sizes != values[counts.argmax()]
        return self.readable & odd

    def _leaked(self, column: str, one: str, other: str) -> np.ndarray:
        """Which images of `other` are in `one` too."""
        known = self._with(self.table[column], self.ranks == _RANKS[one])
        return (self.ranks == _RANKS[other]) & known

    def _leak(self, kind: str, column: str, one: str, other: str, leaked: np.ndarray) -> Finding:
        sources = (self.ranks == _RANKS[one]) & self._with(self.table[column], leaked)
        finding = self._grouped(kind, column, leaked | sources, leave_out=one)
        images, of = int(leaked.sum()), int((self.ranks == _RANKS[other]).sum())
        return replace(finding, images=images, of=of)

    def _with(self, group: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Which images are in a group with one of the chosen."""
        has = np.zeros(len(group), bool)
        has[group[chosen]] = True
        return has[group]

    def _with_several(self, group: np.ndarray, values: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Which of some images are in groups in which these have different values."""
        positions = np.flatnonzero(among)
        one = np.zeros(len(group), values.dtype)
        one[group[positions]] = values[positions]  # of any one in each group
        return among & self._with(group, among & (values != one[group]))

    def _grouped(
        self,
        kind: str,
        column: str,
        chosen: np.ndarray,
        *,
        leave_out: str = "train",
        keep_first: bool = True,
    ) -> Finding:
        """Chosen images, the largest groups first; in a group test, validation, training."""
        positions = np.flatnonzero(chosen)
        names = self.table[column][positions]
        sizes = np.bincount(names)[names] if len(names) else names
        order = np.lexsort((positions, self.ranks[positions], names, -sizes))
        positions, names = positions[order], names[order]
        begins = np.diff(names, prepend=-1) != 0
        spare = self.ranks[positions] == _RANKS[leave_out]
        if keep_first:
            spare &= ~begins
        excess = np.sort(positions[spare])
        groups = np.cumsum(begins) - 1
        return Finding(kind, len(positions), self.total, positions, excess, groups)
