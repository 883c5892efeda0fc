"""Tests whether models differ significantly: on the same images, and over several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation.metrics import predicted

LEVEL = 0.05  # a p-value below it is significant


@dataclass(frozen=True)
class PairedTest:
    """Holds the exact McNemar test of two models on the images both were evaluated on."""

    first: str
    second: str
    shared: int  # images
    only_first: int  # images that only the first model got right
    only_second: int
    p_value: float
    corrected: float  # p-value with Holm's correction for all pairs that were tested

    @property
    def is_significant(self) -> bool:
        """Tells whether the uncorrected p-value is below `LEVEL`."""
        return self.p_value < LEVEL


@dataclass(frozen=True)
class FoldTest:
    """Holds the corrected resampled t-test of two recipes that were trained on the same folds."""

    folds: int
    difference: float  # mean over the folds
    t: float
    p_value: float

    @property
    def is_significant(self) -> bool:
        """Tells whether the p-value is below `LEVEL`."""
        return self.p_value < LEVEL


@dataclass(frozen=True)
class Mean:
    """Holds the mean accuracy of several runs and its confidence interval, in [0, 1]."""

    runs: int
    value: float
    low: float  # of the 95 % interval of the mean
    high: float
    deviation: float  # standard deviation over the runs
    lowest: float
    highest: float


def correct_by_image(predictions: pd.DataFrame) -> pd.Series:
    """Returns 1 or 0 per image: whether it was predicted correctly.

    The index is a hash of path, row and true expression; duplicates are left out.
    """
    key_columns = predictions[["path", "row", "expression"]].astype("str")
    # 64 bits: a collision among ten thousand images has a probability of 3e-12.
    key = pd.util.hash_pandas_object(key_columns, index=False).to_numpy()
    correct = (predicted(predictions) == predictions["expression"]).to_numpy("int8")
    by_image = pd.Series(correct, key)
    return by_image[~by_image.index.duplicated(keep=False)]


def paired_tests(correct: Mapping[str, pd.Series]) -> list[PairedTest]:
    """Tests every pair of models that share images, with Holm's correction over all pairs.

    Args:
        correct: by model, as `correct_by_image` returns it.
    """
    table = pd.DataFrame(dict(correct)).to_numpy("float64")  # images × models; NaN: not evaluated
    yes, no = (table == 1).astype("float64"), (table == 0).astype("float64")
    only, both = (yes.T @ no).astype(int), ((yes + no).T @ (yes + no)).astype(int)
    names, pairs = list(correct), np.argwhere(np.triu(both, k=1))
    one, two = pairs.T
    p_values = mcnemar(only[one, two], only[two, one])
    return [
        PairedTest(
            names[i], names[j], int(both[i, j]), int(only[i, j]), int(only[j, i]), p, corrected
        )
        for (i, j), p, corrected in zip(pairs, p_values.tolist(), holm(p_values), strict=True)
    ]


def mcnemar(only_first: np.ndarray | int, only_second: np.ndarray | int) -> np.ndarray:
    """Returns the two-sided p-values of the exact McNemar test.

    After Q. McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12 (1947), pages 153 to 157, with the exact binomial
    distribution: under the null hypothesis, either model is equally likely to be the correct one.

    Args:
        only_first: numbers of images that only the first model got right.
        only_second: likewise for the second.

    Raises:
        FerError: a number of images is negative.
    """
    if np.min([only_first, only_second], initial=0) < 0:
        raise FerError(
            f"Numbers of images must not be negative. Received: {only_first} and {only_second}"
        )
    from scipy import stats  # loads SciPy, 0.5 s

    fewer, discordant = np.minimum(only_first, only_second), np.add(only_first, only_second)
    # With p = 0.5 both tails are equal; `stats.binomtest` would take one pair at a time.
    return np.minimum(1.0, 2 * stats.binom.cdf(fewer, discordant, 0.5))


def corrected_t_test(differences: Sequence[float], test_share: float) -> FoldTest:
    """Tests whether the differences between two recipes, one per fold, have a mean of 0.

    The folds' training images overlap, so that the differences depend on one another and an
    ordinary paired t-test finds too much. The corrected variance is that of C. Nadeau and Y.
    Bengio, "Inference for the generalization error", Machine Learning 52 (2003), pages 239 to 281,
    section 4.2: (1 / J + n₂ / n₁) times the sample variance, for J folds with n₁ images to train on
    and n₂ to test on.

    Args:
        differences: of the folds' scores, first recipe minus second.
        test_share: n₂ / n₁, the images of a fold over those that its model was trained on.

    Raises:
        FerError: there are fewer than two folds, or the share is not positive.
    """
    from scipy import stats  # loads SciPy, 0.5 s

    folds = len(differences)
    if folds < 2 or not test_share > 0:
        raise FerError(
            "The test needs at least two folds with images to train and to test on. Received: "
            f"{folds} folds with {test_share:g} times as many test images"
        )
    mean, variance = float(np.mean(differences)), float(np.var(differences, ddof=1))
    error = ((1 / folds + test_share) * variance) ** 0.5
    t = mean / error if error else float(np.copysign(np.inf, mean)) if mean else 0.0
    return FoldTest(folds, mean, t, float(2 * stats.t.sf(abs(t), folds - 1)))


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """Returns the p-values, in their order, corrected for multiple testing.

    After S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6 (1979), pages 65 to 70: the smallest of n is multiplied by n, the next by n - 1.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(np.asarray(p_values)[order] * factors)
    return [min(1.0, float(p)) for p in corrected]


def mean_accuracy(values: Sequence[float], confidence: float = 0.95) -> Mean:
    """Returns the mean of accuracies, in [0, 1], with Student's t interval clipped to [0, 1].

    Args:
        values: of runs that differ only by chance, such as their seed.
        confidence: level of the interval.

    Raises:
        FerError: there are fewer than two values.
    """
    from scipy import stats  # loads SciPy, 0.5 s

    runs = len(values)
    if runs < 2:
        raise FerError(f"A mean with an interval needs at least two runs. Received: {runs}")
    value, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    reach = float(stats.t.ppf((1 + confidence) / 2, runs - 1)) * deviation / runs**0.5
    low, high = max(0.0, value - reach), min(1.0, value + reach)
    return Mean(runs, value, low, high, deviation, min(values), max(values))
