"""Counts correct predictions, images and predictions per class, in every slice and subject."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Answers:
    """Holds labels of an evaluation as numbers of classes, -1 for one that the model lacks."""

    truth: np.ndarray
    predicted: np.ndarray
    classes: int

    @classmethod
    def of(cls, table: pd.DataFrame, class_names: Sequence[str]) -> "Answers":
        """Reads the columns `expression` and `predicted`."""
        names = pd.Index(class_names)
        truth = names.get_indexer(table["expression"])
        return cls(truth, names.get_indexer(table["predicted"]), len(names))

    @property
    def correct(self) -> np.ndarray:
        """Tells which predictions are correct."""
        return (self.truth == self.predicted) & (self.truth >= 0)

    def chosen(self, mask: np.ndarray) -> "Answers":
        """Returns some of the answers."""
        return Answers(self.truth[mask], self.predicted[mask], self.classes)

    def counts(self, groups: np.ndarray, number: int) -> np.ndarray:
        """Counts by group, float (groups, 2 + 3 × classes).

        Columns: images, correct ones, then per class correct predictions, images, predictions.
        The latter three leave out images of classes that the model lacks.
        """
        known, right = self.truth >= 0, self.correct
        shape = (number, self.classes)
        return np.concatenate(
            [
                _tally(groups, (number, 1)),
                _tally(groups[right], (number, 1)),
                _tally(groups[right] * self.classes + self.truth[right], shape),
                _tally(groups[known] * self.classes + self.truth[known], shape),
                _tally(groups[known] * self.classes + self.predicted[known], shape),
            ],
            axis=1,
        )

    def confusions(self, groups: np.ndarray, number: int) -> np.ndarray:
        """Returns the confusion matrix of each group, int (groups, classes, classes)."""
        known = self.truth >= 0
        cells = (groups[known] * self.classes + self.truth[known]) * self.classes
        shape = (number, self.classes, self.classes)
        return _tally(cells + self.predicted[known], shape).astype(int)


def _tally(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    return np.bincount(places, minlength=size).astype(float).reshape(shape)


def scores_of(counts: np.ndarray) -> np.ndarray:
    """Returns accuracy, macro recall and macro F1, (…, 3), of counts as `Answers.counts` makes.

    The means are over the classes that have images. NaN without images.
    """
    classes = (counts.shape[-1] - 2) // 3
    correct, images, predicted = (
        counts[..., 2 + part * classes : 2 + (part + 1) * classes] for part in range(3)
    )
    present = (images > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = counts[..., 1] / counts[..., 0]
        recall = (correct / np.maximum(images, 1)).sum(axis=-1) / present
        # A class without images has no correct prediction, so it adds nothing.
        f1 = (2 * correct / np.maximum(images + predicted, 1)).sum(axis=-1) / present
    return np.stack([accuracy, recall, f1], axis=-1)
