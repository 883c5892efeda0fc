"""Scores every slice of an evaluation, with intervals, tests and the largest gap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation.metrics import bootstrap_bounds, wilson
from fer_core.evaluation.significance import LEVEL, holm
from fer_core.evaluation.slices.contrast import (
    gap_of_images,
    gap_of_subjects,
    p_values_of_images,
    p_values_of_subjects,
)
from fer_core.evaluation.slices.counts import Answers, scores_of
from fer_core.evaluation.slices.cutting import Slices
from fer_core.evaluation.slices.resampling import (
    SubjectCounts,
    resample_images,
    resample_subjects,
)

MIN_IMAGES = 30  # of a slice, by default; below, nothing is claimed
MIN_SUBJECTS = 5  # of a slice, where they are known
SCORES = ("accuracy", "recall", "f1")


@dataclass(frozen=True)
class Gap:
    """Holds the largest difference of accuracy between two slices about which something is said."""

    worst: str
    best: str
    value: float  # accuracy of the best slice minus that of the worst, in [0, 1]
    low: float  # of the interval, in [-1, 1]
    high: float
    pairs: int  # of slices among which these were chosen; the interval allows for it

    @property
    def is_clear(self) -> bool:
        """Tells whether the interval leaves out 0."""
        return self.low > 0


@dataclass(frozen=True, eq=False)
class SliceReport:
    """Holds the scores of all slices, the worst first, and how they were made."""

    # A row per slice with images: `slice`, `code`, `images`, `subjects` (-1: unknown), `classes`
    # (that have images), `enough`; `accuracy`, `recall`, `f1` (means over the classes that have
    # images), each with `…_low` and `…_high` of the 95 % interval; `rest`, the accuracy of all
    # other images; `p_value` and `corrected`. Scores are NaN in slices with too few images.
    table: pd.DataFrame
    slices: Slices
    gap: Gap | None  # None if less than two slices have enough images
    subjects: int | None  # that were resampled; None: images were
    noun: tuple[str, str]  # what the subjects are
    minimum: int

    def rows_of(self, code: int) -> np.ndarray:
        """Returns the rows of the predictions in a slice, ascending."""
        return np.flatnonzero(self.slices.codes == code)

    @property
    def differing(self) -> pd.DataFrame:
        """Returns the slices whose accuracy differs from the rest, after Holm's correction."""
        return self.table[self.table["corrected"] < LEVEL]


def evaluate_slices(
    predictions: pd.DataFrame,
    class_names: Sequence[str],
    slices: Slices,
    *,
    subjects: np.ndarray | None = None,
    noun: tuple[str, str] = ("subject", "subjects"),
    minimum: int = MIN_IMAGES,
) -> SliceReport:
    """Scores every slice.

    Where subjects are known, intervals and tests are over subjects, and a slice needs
    MIN_SUBJECTS of them; else over images. Slices that are subjects themselves are compared over
    images.

    Args:
        predictions: with the columns `expression` and `predicted`.
        class_names: of the model.
        slices: of these predictions.
        subjects: a number per prediction, from 0.
        noun: what the subjects are, in singular and plural.
        minimum: images below which nothing is claimed about a slice, at least 2.

    Raises:
        FerError: the minimum is lower.
    """
    if minimum < 2:
        raise FerError(f"At least 2 images are needed to say anything. Received: {minimum}")
    has_value = slices.codes >= 0
    answers = Answers.of(predictions, class_names).chosen(has_value)
    codes = slices.codes[has_value]
    counts = answers.counts(codes, len(slices.names))
    known = None if subjects is None or slices.is_key else subjects[has_value]
    pairs = None if known is None else _pair_counts(answers, codes, known)
    table = _first_columns(slices, counts, pairs, minimum)
    chosen = table.index[table["enough"]].tolist()
    resampled = None if pairs is None else resample_subjects(pairs, chosen)
    for name, values in _score_columns(answers, codes, counts, chosen, pairs, resampled).items():
        table.loc[chosen, name] = values
    p_values = (
        p_values_of_images(counts[chosen, 1], counts[chosen, 0], counts[:, [1, 0]].sum(axis=0))
        if pairs is None
        else p_values_of_subjects(pairs, chosen)
    )
    table.loc[chosen, "p_value"] = p_values
    # Of two slices each is the rest of the other: that is one test.
    table.loc[chosen, "corrected"] = p_values if len(table) == 2 else holm(p_values)
    table = table.sort_values(["enough", "accuracy"], ascending=[False, True], kind="stable")
    gap = _gap(table[table["enough"]], counts, chosen, resampled)
    number = None if pairs is None else pairs.number
    return SliceReport(table.reset_index(drop=True), slices, gap, number, noun, minimum)


def _pair_counts(answers: Answers, codes: np.ndarray, subjects: np.ndarray) -> SubjectCounts:
    """Counts per pair of slice and subject; subjects without any image are left out."""
    subjects, names = pd.factorize(subjects)
    keys, pair = np.unique(codes.astype(np.int64) * len(names) + subjects, return_inverse=True)
    counts = answers.counts(pair, len(keys))
    return SubjectCounts(keys // len(names), keys % len(names), counts, len(names))


def _first_columns(
    slices: Slices, counts: np.ndarray, pairs: SubjectCounts | None, minimum: int
) -> pd.DataFrame:
    """Returns a row per slice that has images, by code, without scores."""
    number = len(slices.names)
    classes = (counts.shape[1] - 2) // 3
    correct, images = counts[:, 1], counts[:, 0]
    rest = images.sum() - images
    table = pd.DataFrame(
        {
            "slice": slices.names,
            "code": range(number),
            "images": images.astype(int),
            "subjects": -1 if pairs is None else np.bincount(pairs.slices, minlength=number),
            "classes": (counts[:, 2 + classes : 2 + 2 * classes] > 0).sum(axis=1),
            "enough": images >= minimum,
        }
    )
    if pairs is not None:
        table["enough"] &= table["subjects"] >= MIN_SUBJECTS
    for name in (*(f"{score}{end}" for score in SCORES for end in ("", "_low", "_high")),):
        table[name] = np.nan
    table["rest"] = np.where(rest > 0, (correct.sum() - correct) / np.maximum(rest, 1), np.nan)
    table[["p_value", "corrected"]] = np.nan
    return table[table["images"] > 0]


def _score_columns(
    answers: Answers,
    codes: np.ndarray,
    counts: np.ndarray,
    chosen: list[int],
    pairs: SubjectCounts | None,
    resampled: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """Returns the scores of the chosen slices with their intervals."""
    values = scores_of(counts[chosen])
    ends = np.full((len(chosen), 2, 3), np.nan)
    if pairs is None or resampled is None:
        ends[:, :, 0] = np.transpose(wilson(counts[chosen, 1], counts[chosen, 0]))
        matrices = answers.confusions(codes, len(counts))
        for place, code in enumerate(chosen):
            if total := int(matrices[code].sum()):
                resamples = resample_images(matrices[code])[:, 1:]
                ends[place, :, 1:] = bootstrap_bounds(resamples, max(2, total))
    else:
        sizes = np.bincount(pairs.slices, minlength=len(counts))[chosen]
        for place, size in enumerate(sizes.tolist()):
            ends[place] = bootstrap_bounds(resampled[:, place], size)
        # Resamples of faultless subjects agree; Wilson's interval of as many images does not.
        agree = np.isnan(ends[:, 0, 0])
        low, high = wilson(values[:, 0] * sizes, sizes)
        ends[agree, 0, 0], ends[agree, 1, 0] = low[agree], high[agree]
    columns = {name: values[:, place] for place, name in enumerate(SCORES)}
    columns |= {f"{name}_low": ends[:, 0, place] for place, name in enumerate(SCORES)}
    return columns | {f"{name}_high": ends[:, 1, place] for place, name in enumerate(SCORES)}


def _gap(
    table: pd.DataFrame, counts: np.ndarray, chosen: list[int], resampled: np.ndarray | None
) -> Gap | None:
    """Compares the first slice of a sorted table with the last."""
    if len(table) < 2:
        return None
    worst, best = table.iloc[0], table.iloc[-1]
    number = len(table) * (len(table) - 1) // 2
    value = float(best["accuracy"] - worst["accuracy"])
    codes = [int(worst["code"]), int(best["code"])]
    sizes = (float(worst["images"]), float(best["images"]))
    ends = None
    if resampled is not None:
        sizes = (float(worst["subjects"]), float(best["subjects"]))
        first, last = (chosen.index(code) for code in codes)
        difference = resampled[:, last, 0] - resampled[:, first, 0]
        ends = gap_of_subjects(value, difference, int(min(sizes)), number)
    if ends is None:
        right = (worst["accuracy"] * sizes[0], best["accuracy"] * sizes[1])
        ends = gap_of_images(right, sizes, number)
    low, high = max(-1.0, ends[0]), min(1.0, ends[1])
    return Gap(str(worst["slice"]), str(best["slice"]), value, low, high, number)
