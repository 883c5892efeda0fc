"""The loss and the accuracy of a model with a second head for FER+'s votes.

Outputs and targets are (n, 2 * classes): those of the label, then those of the votes.
"""

from typing import Any

import keras


class LabelAndVotesLoss(keras.losses.Loss):  # type: ignore[misc]
    """Adds the cross-entropy of the votes, times a weight, to that of the label."""

    def __init__(self, vote_weight: float) -> None:
        """Takes the weight of the votes; that of the label is 1."""
        super().__init__(name="label_and_votes")
        self.vote_weight = vote_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each image, (n,)."""
        labels, votes = zip(_halves(y_true), _halves(y_pred), strict=True)
        cross_entropy = keras.losses.categorical_crossentropy
        return cross_entropy(*labels) + self.vote_weight * cross_entropy(*votes)


def label_accuracy() -> keras.metrics.Metric:
    """Returns the accuracy of the label, a metric named "accuracy"."""

    def is_right(y_true: Any, y_pred: Any) -> Any:
        return keras.metrics.categorical_accuracy(_halves(y_true)[0], _halves(y_pred)[0])

    return keras.metrics.MeanMetricWrapper(is_right, name="accuracy")


def _halves(values: Any) -> Any:
    return keras.ops.split(values, 2, axis=-1)
