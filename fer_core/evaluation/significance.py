"""Whether networks differ by more than chance: on the same images, and over several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from fer_core.errors import FerError
from fer_core.evaluation.metrics import predicted

LEVEL = 0.05  # a p value below it is called significant


@dataclass(frozen=True)
class PairedTest:
    """Two networks on the images that both have seen, the true expression being the same."""

    first: str
    second: str
    shared: int  # images
    only_first: int  # images that the first alone got right
    only_second: int
    p_value: float  # of the exact McNemar test
    corrected: float  # the same after Holm, for all pairs that were tested together

    @property
    def is_significant(self) -> bool:
        """Whether chance alone rarely does this, if the pair is the only one looked at."""
        return self.p_value < LEVEL


@dataclass(frozen=True)
class Mean:
    """The mean of an accuracy over several runs, all in [0, 1], and how sure it is."""

    runs: int
    value: float
    low: float  # of the 95 % interval of the mean
    high: float
    deviation: float  # standard deviation of the single runs
    lowest: float
    highest: float


def right_answers(predictions: pd.DataFrame) -> pd.Series:
    """Whether each answer is right, 1 or 0, by a number made of path, row and true expression.

    Two predictions of one number cannot be told apart and are left out.
    """
    words = predictions[["path", "row", "expression"]].astype("str")
    # 64 bits: that any two of ten thousand images share a number happens once in 10^11 times.
    key = pd.util.hash_pandas_object(words, index=False).to_numpy()
    right = pd.Series((predicted(predictions) == predictions["expression"]).to_numpy("int8"), key)
    return right[~right.index.duplicated(keep=False)]


def paired_tests(right: Mapping[str, pd.Series]) -> list[PairedTest]:
    """Every pair of networks that share images, by what `right_answers` gives for each.

    Holm's correction is for as many tests as there are pairs.
    """
    answers = pd.DataFrame(dict(right)).to_numpy("float64")  # images × networks, NaN where not seen
    yes, no = (answers == 1).astype("float64"), (answers == 0).astype("float64")
    alone, both = (yes.T @ no).astype(int), ((yes + no).T @ (yes + no)).astype(int)
    names, pairs = list(right), np.argwhere(np.triu(both, k=1))
    one, two = pairs.T
    p_values = mcnemar(alone[one, two], alone[two, one])
    return [
        PairedTest(
            names[i], names[j], int(both[i, j]), int(alone[i, j]), int(alone[j, i]), p, corrected
        )
        for (i, j), p, corrected in zip(pairs, p_values.tolist(), holm(p_values), strict=True)
    ]


def mcnemar(only_first: np.ndarray | int, only_second: np.ndarray | int) -> np.ndarray:
    """The two-sided p values of the exact test on images that one network alone got right.

    After Q. McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12 (1947), pages 153 to 157, with the binomial distribution in
    place of its approximation: were both equally good, each such image would be a fair coin.

    Raises:
        FerError: a number of images is negative.
    """
    if np.min([only_first, only_second], initial=0) < 0:
        raise FerError(
            f"Numbers of images must not be negative. Received: {only_first} and {only_second}"
        )
    fewer, all_coins = np.minimum(only_first, only_second), np.add(only_first, only_second)
    # The coin is fair, so that both tails are alike; `stats.binomtest` takes one pair at a time.
    return np.minimum(1.0, 2 * stats.binom.cdf(fewer, all_coins, 0.5))


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """The p values, in their order, corrected for being looked at together.

    After S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6 (1979), pages 65 to 70: the smallest of n counts n times, the next n - 1 times.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(np.asarray(p_values)[order] * factors)
    return [min(1.0, float(p)) for p in corrected]


def mean_accuracy(values: Sequence[float], confidence: float = 0.95) -> Mean:
    """The mean of accuracies in [0, 1], with Student's t interval cut off at 0 and 1.

    The runs must differ by chance alone, as those of other seeds do.

    Raises:
        FerError: fewer than two values, which have no spread.
    """
    runs = len(values)
    if runs < 2:
        raise FerError(f"A mean with an interval needs at least two runs. Received: {runs}")
    value, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    reach = float(stats.t.ppf((1 + confidence) / 2, runs - 1)) * deviation / runs**0.5
    low, high = max(0.0, value - reach), min(1.0, value + reach)
    return Mean(runs, value, low, high, deviation, min(values), max(values))
