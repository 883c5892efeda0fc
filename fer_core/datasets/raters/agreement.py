"""Chance-corrected agreement of raters on nominal answers, with bootstrap intervals.

Each measure is a function of sums over images, so that a resample of the images, or of their
subjects, is a weighted sum. Images with fewer than two votes tell nothing about agreement.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

REPEATS = 1000  # of the bootstrap
LEVEL = 0.95  # of an interval
MISSING = -1  # no vote, in a table of answers
_MOST_DRAWN = 2_000_000  # numbers in memory at a time


@dataclass(frozen=True)
class Interval:
    """Holds a measure and its percentile bootstrap interval; NaN where there is no such value."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measure:
    """Splits a measure into what is summed over images, and the function of these sums.

    `parts` are float64 (images, k); `value` takes sums (..., k) and returns (...).
    """

    parts: np.ndarray
    value: Callable[[np.ndarray], np.ndarray]


def cohen_kappa(first: np.ndarray, second: np.ndarray, answers: int) -> Measure:
    """Returns Cohen's kappa of two raters (Cohen, "A Coefficient of Agreement for Nominal Scales",
    1960), unweighted, since expressions have no order.

    Args:
        first: number of the answer to each image, `MISSING` if there is none.
        second: those of the other rater; images that lack one of both are left out.
        answers: that could be given.
    """
    both = (first != MISSING) & (second != MISSING)
    one, two = (
        np.eye(answers)[np.where(both, each, 0)] * both[:, None] for each in (first, second)
    )
    parts = np.column_stack([both, (one * two).sum(axis=1), one, two]).astype(float)

    def value(sums: np.ndarray) -> np.ndarray:
        images = sums[..., 0]
        marginals = sums[..., 2 : 2 + answers] * sums[..., 2 + answers :]
        return _corrected(_ratio(sums[..., 1], images), _ratio(marginals.sum(-1), images**2))

    return Measure(parts, value)


def fleiss_kappa(counts: np.ndarray) -> Measure:
    """Returns Fleiss' kappa (Fleiss, "Measuring Nominal Scale Agreement Among Many Raters", 1971).

    Images may have different numbers of votes: agreement is then the mean over images of the share
    of pairs of votes that agree.

    Args:
        counts: votes of each image for each answer (images, answers).
    """
    used, votes = _pairable(counts)
    agreeing = _ratio((used * (used - 1)).sum(axis=1), votes * (votes - 1))
    parts = np.column_stack([votes > 0, np.where(votes > 0, agreeing, 0), used])

    def value(sums: np.ndarray) -> np.ndarray:
        shares = _ratio(sums[..., 2:], sums[..., 2:].sum(-1, keepdims=True))
        return _corrected(_ratio(sums[..., 1], sums[..., 0]), (shares**2).sum(-1))

    return Measure(parts, value)


def krippendorff_alpha(counts: np.ndarray) -> Measure:
    """Returns Krippendorff's alpha for nominal answers, any of which may be missing
    (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011).

    Args:
        counts: votes of each image for each answer (images, answers).
    """
    used, votes = _pairable(counts)
    disagreeing = _ratio(votes**2 - (used**2).sum(axis=1), votes - 1)
    parts = np.column_stack([np.where(votes > 0, disagreeing, 0), used])

    def value(sums: np.ndarray) -> np.ndarray:
        total = sums[..., 1:].sum(-1)
        expected = total**2 - (sums[..., 1:] ** 2).sum(-1)
        return 1 - _ratio((total - 1) * sums[..., 0], expected)

    return Measure(parts, value)


def answer_agreement(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns agreement and kappa of each answer (Fleiss, 1971), NaN for those never given.

    Agreement is the probability that another vote on the image is that answer, too, if one is.

    Args:
        counts: votes of each image for each answer (images, answers).
    """
    used, votes = _pairable(counts)
    others = np.maximum(votes - 1, 0)
    agreement = _ratio((used * (used - 1)).sum(axis=0), (used * others[:, None]).sum(axis=0))
    return agreement, _corrected(agreement, _ratio(used.sum(axis=0), used.sum()))


def disagreement(counts: np.ndarray) -> np.ndarray:
    """Returns the share of the pairs of votes on each image that differ; NaN below two votes."""
    used, votes = _pairable(counts)
    return 1 - _ratio((used * (used - 1)).sum(axis=1), votes * (votes - 1))


def intervals(
    measures: list[Measure], groups: np.ndarray | None = None, *, seed: int = 0
) -> list[Interval]:
    """Computes measures of the same images, and their intervals from the same resamples.

    Args:
        groups: number of the subject of each image, 0 to g - 1: whole subjects are resampled then.
    """
    parts = np.hstack([measure.parts for measure in measures])
    if groups is not None:
        grouped = np.zeros((int(groups.max(initial=-1)) + 1, parts.shape[1]))
        np.add.at(grouped, groups, parts)
        parts = grouped
    is_used = parts.any(axis=1)  # the others, without votes, are no part of the sample
    resampled = _resample(parts[is_used], np.random.default_rng(seed))
    found, start = [], 0
    for measure in measures:
        end = start + measure.parts.shape[1]
        value = float(measure.value(measure.parts.sum(axis=0)))
        found.append(_interval(value, measure.value(resampled[:, start:end])))
        start = end
    return found


def _resample(parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the sums of `REPEATS` resamples with replacement: (repeats, k).

    Most images have votes like others': how often each pattern is drawn is multinomial.
    """
    mixed = parts @ rng.random(parts.shape[1])  # one number tells rows apart, and sorts quickly
    _, places, counts = np.unique(mixed, return_index=True, return_counts=True)
    patterns = parts[places]
    sums = np.zeros((REPEATS, parts.shape[1]))
    step = max(1, _MOST_DRAWN // max(1, len(patterns)))
    for start in range(0, REPEATS if len(parts) else 0, step):
        repeats = min(step, REPEATS - start)
        drawn = rng.multinomial(len(parts), counts / len(parts), size=repeats)
        sums[start : start + repeats] = drawn.astype(float) @ patterns
    return sums


def _interval(value: float, resampled: np.ndarray) -> Interval:
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or not len(known):
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def _pairable(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the counts and the votes of images, as floats; zeros for those with one vote."""
    votes = counts.sum(axis=1)
    used = np.where((votes >= 2)[:, None], counts, 0).astype(float)
    return used, used.sum(axis=1)


def _corrected(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return _ratio(observed - expected, 1 - expected)


def _ratio(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns a quotient; NaN where the divisor is 0."""
    one, other = np.broadcast_arrays(np.asarray(one, float), np.asarray(other, float))
    return np.divide(one, other, out=np.full(one.shape, np.nan), where=np.abs(other) > 1e-12)
