"""Scores from predictions, with their uncertainty.

Predictions are a DataFrame with a row per image: `path` and `row` say which, `expression` is the
truth, and one `p_<expression>` per class is its probability. `leaked`, where it is there, tells
of each whether the very same image is also one that the network learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fer_core.errors import FerError
from fer_core.runs import LEAKED

MACRO_AVERAGE = "macro average"


@dataclass(frozen=True)
class Accuracy:
    """A share of correct answers, in [0, 1], and the interval that its number of images leaves."""

    correct: int
    total: int
    low: float  # of the 95 % interval
    high: float

    @classmethod
    def of(cls, correct: int, total: int) -> "Accuracy":
        """The share with its interval; raises as `accuracy_interval`."""
        return cls(correct, total, *accuracy_interval(correct, total))

    @property
    def value(self) -> float:
        """The share of correct answers."""
        return self.correct / self.total

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%}, {self.total:,} images)"


@dataclass(frozen=True)
class Score:
    """An accuracy, and what it is without leaked images, where that is another."""

    accuracy: Accuracy
    clean: Accuracy | None

    @property
    def leaked(self) -> int:
        """Images that the network has learned from, where they are left out of `clean`."""
        return self.accuracy.total - self.clean.total if self.clean else 0


def score(predictions: pd.DataFrame) -> Score:
    """How many answers are right, with and without the leaked images.

    Raises:
        FerError: there are no predictions.
    """
    clean = without_leaks(predictions)
    return Score(accuracy(predictions), None if clean is None else accuracy(clean))


def accuracy(predictions: pd.DataFrame) -> Accuracy:
    """How many answers are right.

    Raises:
        FerError: there are no predictions.
    """
    correct = int((predicted(predictions) == predictions["expression"]).sum())
    return Accuracy.of(correct, len(predictions))


def without_leaks(predictions: pd.DataFrame) -> pd.DataFrame | None:
    """The images that the network has not learned from; None where all are, or it is unknown."""
    if LEAKED not in predictions or not predictions[LEAKED].any() or predictions[LEAKED].all():
        return None
    return predictions[~predictions[LEAKED].astype(bool)]


def accuracy_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval, within [0, 1], that holds the true accuracy with the given confidence.

    The score interval of E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927), pages 209 to 212. Unlike
    the textbook's p ± 1.96 standard errors it is right for few images and for shares near 0 or 1.

    Raises:
        FerError: no images, or more correct answers than images.
    """
    if not 0 <= correct <= total or total < 1:
        raise FerError(
            "An accuracy needs at least one image and no more correct answers than images. "
            f"Received: {correct} correct of {total}"
        )
    low, high = wilson(np.array(correct), np.array(total), confidence)
    return float(low), float(high)


def wilson(
    correct: np.ndarray, total: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The intervals of `accuracy_interval` of many shares at once; NaN where the total is 0."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    total = np.where(total > 0, total, np.nan)
    share = correct / total
    centre = share + z * z / (2 * total)
    reach = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return np.maximum(0.0, (centre - reach) / scale), np.minimum(1.0, (centre + reach) / scale)


def top_accuracy(predictions: pd.DataFrame, among: int = 2) -> Accuracy:
    """How often the truth is among that many most probable expressions.

    Raises:
        FerError: there are no predictions.
    """
    names, probabilities = class_probabilities(predictions)
    # Of equals the first in label order comes first, as in `predicted`.
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :among]
    truth = pd.Index(names).get_indexer(predictions["expression"])
    correct = int((likeliest == truth[:, None]).any(axis=1).sum())
    return Accuracy.of(correct, len(truth))


def class_probabilities(predictions: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The class names in label order, and the probabilities as (images, classes)."""
    table = predictions.filter(regex="^p_")
    names = [str(column).removeprefix("p_") for column in table.columns]
    return names, table.to_numpy(dtype=float)


def predicted(predictions: pd.DataFrame) -> pd.Series:
    """The most probable expression of each row; of equals the first in label order."""
    names, probabilities = class_probabilities(predictions)
    answers = np.array(names, dtype=object)[probabilities.argmax(axis=1)]
    return pd.Series(answers, index=predictions.index)


def confusion(predictions: pd.DataFrame, class_names: Sequence[str]) -> np.ndarray:
    """Numbers of images, int of shape (classes, classes): a row per truth, a column per answer."""
    return confusion_matrix(
        predictions["expression"], predicted(predictions), labels=list(class_names)
    )


def class_report(predictions: pd.DataFrame, class_names: Sequence[str]) -> pd.DataFrame:
    """Precision, recall and F1, in [0, 1], and the number of images.

    One row per class and one `MACRO_AVERAGE`, in which every class weighs the same, however rare.
    The precision of a class that was never predicted, and the recall of one without images, is 0.
    """
    precision, recall, f1, images = precision_recall_fscore_support(
        predictions["expression"],
        predicted(predictions),
        labels=list(class_names),
        zero_division=0,
    )
    table = pd.DataFrame(
        {"precision": precision, "recall": recall, "f1": f1, "images": images},
        index=pd.Index(class_names, name="expression"),
    )
    means = table[["precision", "recall", "f1"]].mean()
    table.loc[MACRO_AVERAGE] = [*means, table["images"].sum()]
    return table.astype({"images": int})
