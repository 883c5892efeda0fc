"""A network's answers one by one: those of one cell of the confusion matrix, the worst first."""

import numpy as np
import pandas as pd

from fer_core.evaluation.calibration import confidences
from fer_core.evaluation.metrics import predicted

# What answers can be sorted by.
LARGEST_ERROR, MOST_CONFIDENT, LEAST_CONFIDENT = "error", "confident", "unsure"
WRONG = ""  # any answer but the true expression; no class can be called so


def with_predicted_label(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions with two columns more: `answered`, and `confidence`, its probability."""
    return predictions.assign(
        answered=predicted(predictions), confidence=confidences(predictions)
    ).reset_index(drop=True)


def choose(
    answers: pd.DataFrame,
    truth: str | None,
    answered: str | None,
    order: str = LARGEST_ERROR,
) -> np.ndarray:
    """Returns rows of `with_predicted_label` with one truth and one answer; None means any.

    The largest error comes first: wrong answers, those given with most confidence before others,
    then right ones, the least confident first. Of equals the first in the data set comes first.
    """
    chosen = np.ones(len(answers), dtype=bool)
    right = (answers["answered"] == answers["expression"]).to_numpy()
    if truth is not None:
        chosen &= (answers["expression"] == truth).to_numpy()
    if answered == WRONG:
        chosen &= ~right
    elif answered is not None:
        chosen &= (answers["answered"] == answered).to_numpy()
    confidence = answers["confidence"].to_numpy()
    rank = {
        LARGEST_ERROR: np.where(right, confidence, -confidence),
        MOST_CONFIDENT: -confidence,
        LEAST_CONFIDENT: confidence,
    }[order]
    rows = np.flatnonzero(chosen)
    if order == LARGEST_ERROR:
        return rows[np.lexsort((rank[rows], right[rows]))]
    return rows[np.argsort(rank[rows], kind="stable")]


def find_images(answers: pd.DataFrame, index: pd.DataFrame) -> np.ndarray:
    """The position in a data set's index of each answer's image; -1 where it is not there.

    So is what cannot be told: images of which the index has several of the same path and row.
    """
    keys = _keys(index)
    known = ~keys.duplicated(keep=False)
    where = pd.Series(np.flatnonzero(known), keys[known])
    return where.reindex(_keys(answers)).fillna(-1).to_numpy(int)


def _keys(table: pd.DataFrame) -> pd.Index:
    rows = table["row"].astype("str").fillna("")
    return pd.Index(table["path"].astype("str") + "\n" + rows)
