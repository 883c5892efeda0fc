"""Tests each slice against the rest of the images, and measures the gap between two slices."""

import math

import numpy as np

from fer_core.evaluation.metrics import wilson
from fer_core.evaluation.slices.resampling import SubjectCounts

_LEAST_EXPECTED = 5  # images in every cell, below which the chi-square test is not used
_normal_tail = np.vectorize(lambda z: math.erfc(z / math.sqrt(2)), otypes=[float])


def p_values_of_images(correct: np.ndarray, images: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Returns the two-sided p-value of each slice against the rest, images being independent.

    Pearson's chi-square test of correct and wrong predictions; Fisher's exact test where fewer
    than five images are expected in a cell of the table. 1 where the rest has no images.

    Args:
        correct: correct predictions per slice.
        images: images per slice.
        of: correct predictions and images of all slices together.
    """
    total_correct, total = of
    tables = np.array(
        [
            [correct, images - correct],
            [total_correct - correct, total - total_correct - images + correct],
        ]
    ).transpose(2, 0, 1)
    rows, columns = tables.sum(axis=2, keepdims=True), tables.sum(axis=1, keepdims=True)
    expected = rows * columns / total
    with np.errstate(invalid="ignore", divide="ignore"):
        chi_square = np.nan_to_num(((tables - expected) ** 2 / expected).sum(axis=(1, 2)))
    p_values = _normal_tail(np.sqrt(chi_square))
    few = np.flatnonzero(expected.min(axis=(1, 2)) < _LEAST_EXPECTED)
    if len(few):
        from scipy import stats  # loads SciPy, 0.5 s

        p_values[few] = [stats.fisher_exact(tables[place].astype(int))[1] for place in few]
    return p_values


def p_values_of_subjects(pairs: SubjectCounts, slices: list[int]) -> np.ndarray:
    """Returns the two-sided p-value of each slice against the rest, subjects being independent.

    The score test of generalized estimating equations with working independence, after K.-Y. Liang
    and S. L. Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73
    (1986), pages 13 to 22: the covariance of being in the slice and being right, summed per
    subject, relative to the root of the sum of the subjects' squares. It takes slices that differ
    between subjects, such as sex, and within them, such as brightness. The statistic is compared
    with Student's t as that of two groups of subjects with normal sums is.
    """
    from scipy import stats  # loads SciPy, 0.5 s

    images, correct = pairs.counts[:, 0], pairs.counts[:, 1]
    surplus = correct - images * correct.sum() / images.sum()  # right beyond the mean
    of_subject = np.bincount(pairs.subjects, surplus, pairs.number)
    squares, degrees = [], pairs.number - 2
    for code in slices:
        place = pairs.of_slice(code)
        share = images[place].sum() / images.sum()
        sums = -share * of_subject
        sums[pairs.subjects[place]] += surplus[place]
        spread = float((sums**2).sum())
        squares.append(float(sums.sum()) ** 2 / spread if spread > 0 else 0.0)
    if degrees < 1:
        return np.ones(len(slices))
    z_squared = np.minimum(squares, pairs.number)  # equal if all sums are
    with np.errstate(divide="ignore"):
        t = np.sqrt(degrees * z_squared / (pairs.number - z_squared))
    return np.asarray(2 * stats.t.sf(t, degrees))


def gap_of_images(
    correct: tuple[float, float], images: tuple[float, float], pairs: int
) -> tuple[float, float]:
    """Returns the interval of the second accuracy minus the first, images being independent.

    Method 10 of R. G. Newcombe, "Interval estimation for the difference between independent
    proportions: comparison of eleven methods", Statistics in Medicine 17 (1998), pages 873 to 890.

    Args:
        correct: correct predictions of the two slices.
        images: images of the two slices.
        pairs: of slices among which these were chosen; Bonferroni's correction allows for it.
    """
    right, total = np.array(correct, float), np.array(images, float)
    low, high = wilson(right, total, 1 - 0.05 / pairs)
    share = right / total
    gap = share[1] - share[0]
    below = math.hypot(share[1] - low[1], high[0] - share[0])
    above = math.hypot(high[1] - share[1], share[0] - low[0])
    return float(gap - below), float(gap + above)


def gap_of_subjects(
    gap: float, resampled: np.ndarray, subjects: int, pairs: int
) -> tuple[float, float] | None:
    """Returns the interval of a gap from its resamples; None if all of them agree.

    Student's t times the standard deviation: so far out, percentiles would need more resamples.

    Args:
        gap: between the slices.
        resampled: the same with resampled subjects.
        subjects: of the slice that has fewer, at least 2.
        pairs: as in `gap_of_images`.
    """
    from scipy import stats  # loads SciPy, 0.5 s

    deviation = float(np.nanstd(resampled, ddof=1))
    if not deviation > 0:
        return None
    reach = float(stats.t.ppf(1 - 0.025 / pairs, subjects - 1)) * deviation
    reach *= math.sqrt(subjects / (subjects - 1))
    return gap - reach, gap + reach
