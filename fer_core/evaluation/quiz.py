"""Scores the quiz: the user against a model on the same faces."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.evaluation.metrics import Accuracy, accuracy, accuracy_interval

FACES = 20
# On FER2013, according to Goodfellow et al., "Challenges in Representation Learning", 2013.
HUMAN_ACCURACY, HUMAN_SPREAD = 0.65, 0.05


def draw_faces(predictions: pd.DataFrame, positions: np.ndarray, seed: int) -> np.ndarray:
    """Draws at most `FACES` rows of the predictions at random.

    Leaked images are left out, since the model was trained on them.

    Args:
        predictions: as `with_predicted_label` returns them.
        positions: of each image in its dataset; -1 if it cannot be shown.
        seed: of the draw.
    """
    fair = positions >= 0
    if "leaked" in predictions:
        fair &= ~predictions["leaked"].to_numpy(bool)
    rows = np.flatnonzero(fair)
    return np.random.default_rng(seed).permutation(rows)[:FACES]


def user_accuracy(predictions: pd.DataFrame, rows: np.ndarray, guesses: Sequence[str]) -> Accuracy:
    """Computes the user's accuracy; the guesses are for the first of the rows.

    Raises:
        FerError: there are no guesses.
    """
    truths = predictions["expression"].iloc[rows[: len(guesses)]]
    correct = sum(truth == guess for truth, guess in zip(truths, guesses, strict=True))
    return Accuracy(correct, len(guesses), *accuracy_interval(correct, len(guesses)))


def model_accuracy(predictions: pd.DataFrame, rows: np.ndarray) -> Accuracy:
    """Computes the model's accuracy on the same faces."""
    return accuracy(predictions.iloc[rows])
