"""Selects and sorts single predictions, such as those of a confusion matrix cell."""

import numpy as np
import pandas as pd

from fer_core.evaluation.calibration import confidences
from fer_core.evaluation.metrics import predicted

# Sort orders.
LARGEST_ERROR, MOST_CONFIDENT, LEAST_CONFIDENT = "error", "confident", "unsure"
WRONG = ""  # any label but the true one; not a valid class name


def with_predicted_label(predictions: pd.DataFrame) -> pd.DataFrame:
    """Adds the columns `predicted`, the most probable label, and `confidence`, its probability."""
    return predictions.assign(
        predicted=predicted(predictions), confidence=confidences(predictions)
    ).reset_index(drop=True)


def choose(
    table: pd.DataFrame,
    truth: str | None,
    label: str | None,
    order: str = LARGEST_ERROR,
) -> np.ndarray:
    """Returns the row numbers with that true and that predicted label; None means any.

    `LARGEST_ERROR` sorts wrong predictions first, the most confident ones before the others, then
    correct ones, the least confident first. Ties keep the order of the table.

    Args:
        table: as `with_predicted_label` returns it.
        truth: the true expression.
        label: the predicted expression, or `WRONG`.
        order: one of the sort orders above.
    """
    chosen = np.ones(len(table), dtype=bool)
    correct = (table["predicted"] == table["expression"]).to_numpy()
    if truth is not None:
        chosen &= (table["expression"] == truth).to_numpy()
    if label == WRONG:
        chosen &= ~correct
    elif label is not None:
        chosen &= (table["predicted"] == label).to_numpy()
    confidence = table["confidence"].to_numpy()
    rank = {
        LARGEST_ERROR: np.where(correct, confidence, -confidence),
        MOST_CONFIDENT: -confidence,
        LEAST_CONFIDENT: confidence,
    }[order]
    rows = np.flatnonzero(chosen)
    if order == LARGEST_ERROR:
        return rows[np.lexsort((rank[rows], correct[rows]))]
    return rows[np.argsort(rank[rows], kind="stable")]


def find_images(predictions: pd.DataFrame, index: pd.DataFrame) -> np.ndarray:
    """Returns the position of each prediction's image in a dataset's index; -1 if it is missing.

    Images whose path and row occur more than once in the index count as missing.
    """
    keys = _keys(index)
    unique = ~keys.duplicated(keep=False)
    positions = pd.Series(np.flatnonzero(unique), keys[unique])
    return positions.reindex(_keys(predictions)).fillna(-1).to_numpy(int)


def _keys(table: pd.DataFrame) -> pd.Index:
    rows = table["row"].astype("str").fillna("")
    return pd.Index(table["path"].astype("str") + "\n" + rows)
