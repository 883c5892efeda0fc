"""Computes scores whose intervals are over subjects, or other groups of images, not over images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.evaluation.class_scores import macro_scores
from fer_core.evaluation.metrics import bootstrap_bounds, predicted, wilson
from fer_core.text import shortened, some

_RESAMPLES = 2000  # of the bootstrap
_CHUNK = 200  # resamples in memory
_SEED = 0  # fixed, so that the intervals are reproducible


@dataclass(frozen=True)
class Interval:
    """Holds a value and its 95 % confidence interval; NaN bounds if the clusters tell none."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.value:.1%}"
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True)
class ClusterScores:
    """Holds scores of all images together, in [0, 1], with intervals over clusters of images."""

    clusters: int
    images: int
    accuracy: Interval
    recall: Interval  # macro average, as in `score_classes`
    f1: Interval  # likewise
    mean: Interval  # of the clusters' accuracies: each counts the same, however many images it has


def cluster_scores(
    predictions: pd.DataFrame, clusters: pd.Series, class_names: Sequence[str]
) -> ClusterScores:
    """Computes scores of predictions with intervals of the cluster bootstrap.

    Images of one person are alike, so that an interval over images is too narrow. Here whole
    clusters are drawn with replacement, after A. C. Davison and D. V. Hinkley, "Bootstrap methods
    and their application", Cambridge 1997, section 3.8, and scores are those of all images drawn.
    Where clusters are equally accurate, all right for example, their resamples agree and say
    nothing: the interval of the accuracy is Wilson's then, of as many images as there are clusters.

    Args:
        clusters: the name of the cluster of each row, such as its subject.

    Raises:
        FerError: there are no predictions, or one is on an image of another class.
    """
    if predictions.empty:
        raise FerError("Scores need at least one prediction. Received: none")
    count = len(class_names)
    names = pd.Index(class_names)
    truth = names.get_indexer(predictions["expression"])
    if (truth < 0).any():
        wrong = str(predictions["expression"].iloc[int(truth.argmin())])
        raise FerError(f"Labels must be {some(class_names, 10)}. Received: {shortened(wrong)!r}")
    cells = truth * count + names.get_indexer(predicted(predictions))
    tables, numbers = _tables(clusters, cells, count * count)
    accuracies = tables[:, :: count + 1].sum(axis=1) / tables.sum(axis=1)
    present = (numbers @ tables).reshape(count, count).sum(axis=1) > 0

    def scores(weights: np.ndarray) -> np.ndarray:
        drawn = weights @ tables
        correct = drawn[:, :: count + 1].sum(axis=1) / drawn.sum(axis=1)
        _, recall, f1 = macro_scores(drawn.reshape(-1, count, count), present).T
        return np.stack([correct, recall, f1, weights @ accuracies / numbers.sum()], axis=1)

    accuracy, recall, f1, mean = _intervals(numbers, scores)
    drawn = int(numbers.sum())
    shares = [_of_share(each, drawn) for each in (accuracy, mean)]
    return ClusterScores(drawn, len(predictions), shares[0], recall, f1, shares[1])


def cluster_difference(first: np.ndarray, second: np.ndarray, clusters: pd.Series) -> Interval:
    """Returns how much more accurate the first model is, with its interval over clusters.

    Args:
        first: whether the first model is right, bool per image.
        second: likewise for the second, on the same images.
        clusters: the name of the cluster of each image.
    """
    tables, numbers = _tables(clusters, first.astype(int) * 2 + second.astype(int), 4)

    def difference(weights: np.ndarray) -> np.ndarray:
        drawn = weights @ tables
        return ((drawn[:, 2] - drawn[:, 1]) / drawn.sum(axis=1))[:, None]

    return _intervals(numbers, difference)[0]


def _tables(clusters: pd.Series, cells: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the tables of clusters that differ, (n, cells), and how many clusters have each.

    Of single images there may be 400,000, but few that differ.
    """
    codes, names = pd.factorize(clusters)
    tables = np.zeros((len(names), count), np.int32)
    np.add.at(tables, (codes, cells), 1)
    return np.unique(tables, axis=0, return_counts=True)


def _intervals(numbers: np.ndarray, scores: Callable[[np.ndarray], np.ndarray]) -> list[Interval]:
    """Returns the scores with their intervals.

    Args:
        numbers: of clusters, from which as many are drawn with replacement, by their table.
        scores: (n, scores) of how often each table was drawn, (n, tables).
    """
    values = scores(numbers[None])[0]
    clusters = int(numbers.sum())
    if clusters < 2:
        return [Interval(float(value), float("nan"), float("nan")) for value in values]
    rng = np.random.default_rng(_SEED)
    drawn = [
        scores(rng.multinomial(clusters, numbers / clusters, size=_CHUNK))
        for _ in range(_RESAMPLES // _CHUNK)
    ]
    low, high = bootstrap_bounds(np.concatenate(drawn), clusters)
    return [Interval(*map(float, each)) for each in zip(values, low, high, strict=True)]


def _of_share(interval: Interval, clusters: int) -> Interval:
    """Returns an interval of a share, with Wilson's bounds if the bootstrap has found none."""
    if clusters < 2 or not np.isnan(interval.low):
        return interval
    low, high = wilson(np.array(interval.value * clusters), np.array(clusters))
    return Interval(interval.value, float(low), float(high))
