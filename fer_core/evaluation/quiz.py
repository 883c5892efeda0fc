"""A person against a network: who knows more expressions of the same faces?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.evaluation.metrics import Accuracy, accuracy, accuracy_interval

FACES = 20
# On FER2013, after Goodfellow and others, "Challenges in Representation Learning", 2013.
HUMAN_ACCURACY, HUMAN_SPREAD = 0.65, 0.05


def draw_faces(answers: pd.DataFrame, positions: np.ndarray, seed: int) -> np.ndarray:
    """Rows of the answers to guess, at random: at most `FACES`, of images that can be shown.

    Images that the network has learned from are left out: that would not be fair.

    Args:
        positions: of each answer's image in its data set; -1 where it is not there.
    """
    fair = positions >= 0
    if "leaked" in answers:
        fair &= ~answers["leaked"].to_numpy(bool)
    rows = np.flatnonzero(fair)
    return np.random.default_rng(seed).permutation(rows)[:FACES]


def user_accuracy(answers: pd.DataFrame, rows: np.ndarray, guesses: Sequence[str]) -> Accuracy:
    """How many of the guesses, one for each of the first rows, name the expression.

    Raises:
        ValueError: nothing was guessed, or more than there are faces.
    """
    truths = answers["expression"].iloc[rows[: len(guesses)]]
    correct = sum(truth == guess for truth, guess in zip(truths, guesses, strict=True))
    return Accuracy(correct, len(guesses), *accuracy_interval(correct, len(guesses)))


def model_accuracy(answers: pd.DataFrame, rows: np.ndarray) -> Accuracy:
    """How many of the same faces the network knew."""
    return accuracy(answers.iloc[rows])
