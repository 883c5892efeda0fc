"""Computes scores from predictions, with confidence intervals.

Predictions are a DataFrame with a row per image: `path` and `row` identify it, `expression` is the
true class, and `p_<expression>` is the probability of each class. The optional column `leaked`
marks images that are also in the training split, pixel by pixel, and `seen_subject` those of
subjects (or else sequences) that are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.runs import LEAKED, SEEN

_ROUNDING = 1e-9  # more than the error of a score, less than an image
_SUBJECTS = "subjects (or sequences) that are also in the training split"


@dataclass(frozen=True)
class Accuracy:
    """Holds an accuracy and its 95 % confidence interval, in [0, 1]."""

    correct: int
    total: int
    low: float  # of the 95 % interval
    high: float

    @classmethod
    def of(cls, correct: int, total: int) -> "Accuracy":
        """Computes the interval; raises as `accuracy_interval`."""
        return cls(correct, total, *accuracy_interval(correct, total))

    @property
    def value(self) -> float:
        """Returns the share of correct predictions."""
        return self.correct / self.total

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%}, {self.total:,} images)"


@dataclass(frozen=True)
class Score:
    """Holds an accuracy with and without leaked images."""

    accuracy: Accuracy
    clean: Accuracy | None  # without leaked images; None if there are none or it is unknown
    seen: int = 0  # images of subjects that are in the training split too, as far as is known
    unseen: Accuracy | None = None  # without these; None if there are none or only these

    @property
    def leaked(self) -> int:
        """Returns the number of leaked images, which `clean` leaves out."""
        return self.accuracy.total - self.clean.total if self.clean else 0

    def describe_seen(self) -> str:
        """Returns a sentence about subjects that are in the training split too; "" if none are."""
        if self.unseen is not None:
            return f"Without the {self.seen:,} images of {_SUBJECTS}: {self.unseen}."
        if self.seen:
            return (
                f"All {self.seen:,} images are of {_SUBJECTS}, so this says little about other "
                "people."
            )
        return ""


def score(predictions: pd.DataFrame) -> Score:
    """Computes the accuracy with and without leaked images, and without subjects of training.

    Raises:
        FerError: there are no predictions.
    """
    clean, unseen = without_leaks(predictions), _without(predictions, SEEN)
    return Score(
        accuracy(predictions),
        None if clean is None else accuracy(clean),
        int(predictions[SEEN].sum()) if SEEN in predictions else 0,
        None if unseen is None else accuracy(unseen),
    )


def accuracy(predictions: pd.DataFrame) -> Accuracy:
    """Computes the accuracy.

    Raises:
        FerError: there are no predictions.
    """
    correct = _labels(predictions) == predictions["expression"].to_numpy(object)
    return Accuracy.of(int(correct.sum()), len(predictions))


def without_leaks(predictions: pd.DataFrame) -> pd.DataFrame | None:
    """Returns the images that are not leaked; None if none or all are leaked, or it is unknown."""
    return _without(predictions, LEAKED)


def _without(predictions: pd.DataFrame, column: str) -> pd.DataFrame | None:
    if column not in predictions or not predictions[column].any() or predictions[column].all():
        return None
    return predictions[~predictions[column].astype(bool)]


def accuracy_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the confidence interval of an accuracy, within [0, 1].

    The score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927), pages 209 to 212. Unlike
    p ± 1.96 standard errors, it holds for few images and for accuracies near 0 or 1.

    Raises:
        FerError: there are no images, or more correct predictions than images.
    """
    if not 0 <= correct <= total or total < 1:
        raise FerError(
            "An accuracy needs at least one image and no more correct predictions than images. "
            f"Received: {correct} correct of {total}"
        )
    low, high = wilson(np.array(correct), np.array(total), confidence)
    return float(low), float(high)


def wilson(
    correct: np.ndarray, total: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Computes Wilson's intervals of many proportions at once; NaN where the total is 0."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    total = np.where(total > 0, total, np.nan)
    share = correct / total
    center = share + z * z / (2 * total)
    reach = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return np.maximum(0.0, (center - reach) / scale), np.minimum(1.0, (center + reach) / scale)


def bootstrap_bounds(scores: np.ndarray, units: int) -> np.ndarray:
    """Returns the ends of the 95 % interval of each column of resampled scores, (2, columns).

    The percentiles are those of T. C. Hesterberg, "What teachers should know about the bootstrap",
    The American Statistician 69 (2015), pages 371 to 386: farther out the fewer units there are, as
    Student's t is from the normal distribution, without which the intervals of a few subjects would
    be too narrow. NaN where all resamples agree: then they say nothing about other images.

    Args:
        scores: (resamples, columns).
        units: images or subjects that were resampled, at least 2.
    """
    from scipy import stats  # loads SciPy, 0.5 s

    reach = np.sqrt(units / (units - 1)) * stats.t.ppf(0.975, units - 1)
    tail = stats.norm.cdf(-reach)
    ends: np.ndarray = np.nanquantile(scores, (tail, 1 - tail), axis=0)
    return np.where(ends[1] - ends[0] > _ROUNDING, ends, np.nan)


def top_accuracy(predictions: pd.DataFrame, among: int = 2) -> Accuracy:
    """Computes how often the true expression is among the most probable ones.

    Raises:
        FerError: there are no predictions.
    """
    names, probabilities = class_probabilities(predictions)
    # Ties are resolved in label order, as in `predicted`.
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :among]
    truth = pd.Index(names).get_indexer(predictions["expression"])
    correct = int((top == truth[:, None]).any(axis=1).sum())
    return Accuracy.of(correct, len(truth))


def class_probabilities(predictions: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """Returns the class names in label order, and the probabilities as (images, classes)."""
    columns = [name for name in predictions.columns if str(name).startswith("p_")]
    names = [str(name).removeprefix("p_") for name in columns]
    # Selecting the columns at once takes pandas five times as long.
    values = [predictions[name].to_numpy(dtype=float) for name in columns]
    return names, np.array(values).reshape(len(columns), len(predictions)).T.copy()


def predicted(predictions: pd.DataFrame) -> pd.Series:
    """Returns the most probable expression of each row; ties are resolved in label order."""
    return pd.Series(_labels(predictions), index=predictions.index)


def _labels(predictions: pd.DataFrame) -> np.ndarray:
    names, probabilities = class_probabilities(predictions)
    labels: np.ndarray = np.array(names, dtype=object)[probabilities.argmax(axis=1)]
    return labels


def confusion(predictions: pd.DataFrame, class_names: Sequence[str]) -> np.ndarray:
    """Counts images, int (classes, classes): a row per true class, a column per predicted one."""
    names = pd.Index(class_names)
    truth = names.get_indexer(predictions["expression"])
    label = names.get_indexer(predicted(predictions))
    known = (truth >= 0) & (label >= 0)
    matrix = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(matrix, (truth[known], label[known]), 1)
    return matrix
