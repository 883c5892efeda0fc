"""Draws the faces of a quiz and scores the user and the model on them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.evaluation.metrics import Accuracy, accuracy, accuracy_interval

FACES = 20
# On FER2013: Goodfellow et al., "Challenges in Representation Learning", 2013.
HUMAN_ACCURACY, HUMAN_SPREAD = 0.65, 0.05


def draw_faces(predictions: pd.DataFrame, positions: np.ndarray, seed: int) -> np.ndarray:
    """Returns up to `FACES` random rows of the predictions, of images that can be shown.

    Images that are also in the training split are left out, since the model has learned them.

    Args:
        positions: of each prediction's image in its dataset; -1 for a missing image.
    """
    fair = positions >= 0
    if "leaked" in predictions:
        fair &= ~predictions["leaked"].to_numpy(bool)
    rows = np.flatnonzero(fair)
    return np.random.default_rng(seed).permutation(rows)[:FACES]


def user_accuracy(predictions: pd.DataFrame, rows: np.ndarray, guesses: Sequence[str]) -> Accuracy:
    """Returns the accuracy of the guesses, which belong to the first of the rows.

    Raises:
        FerError: there is no guess.
        ValueError: there are more guesses than rows.
    """
    truths = predictions["expression"].iloc[rows[: len(guesses)]]
    correct = sum(truth == guess for truth, guess in zip(truths, guesses, strict=True))
    return Accuracy(correct, len(guesses), *accuracy_interval(correct, len(guesses)))


def model_accuracy(predictions: pd.DataFrame, rows: np.ndarray) -> Accuracy:
    """Returns the accuracy of the model on the same rows."""
    return accuracy(predictions.iloc[rows])
