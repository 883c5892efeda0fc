"""Images whose label is most likely wrong, as a network that has not learned them sees it."""

import numpy as np
import pandas as pd

from fer_core.evaluation.calibration import apply_temperature
from fer_core.evaluation.metrics import predicted


def find_label_issues(predictions: pd.DataFrame, temperature: float = 1.0) -> pd.DataFrame:
    """The predictions whose labels are in doubt, the most doubtful first.

    Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in
    Dataset Labels", 2021), by the library cleanlab: an image is in doubt where the network gives
    another class a probability that it gives only to images of that class.

    Args:
        predictions: for images that the network has not learned from. Rows of a class that it does
            not know are never in doubt, and neither are leaked ones, which it has learned.

    Returns:
        The rows with `answered`, what the network would call them, and `label_quality` in [0, 1],
        the probability of the label as it is.
    """
    from cleanlab.filter import find_label_issues  # a second to load

    names = [str(column).removeprefix("p_") for column in predictions.filter(regex="^p_")]
    usable = predictions["expression"].isin(names)
    if "leaked" in predictions:
        usable &= ~predictions["leaked"].astype(bool)
    rows = predictions[usable]
    present = [name for name in names if (rows["expression"] == name).any()]
    if len(present) < 2:
        return _judged(rows.iloc[:0], np.zeros(0))
    probabilities = apply_temperature(
        rows[[f"p_{name}" for name in names]].to_numpy(float), temperature
    )
    # Of classes without images nothing can be known; the others share what they had.
    kept = probabilities[:, [names.index(name) for name in present]]
    kept = kept / kept.sum(axis=1, keepdims=True)
    labels = pd.Index(present).get_indexer(rows["expression"])
    order = find_label_issues(
        labels, kept, return_indices_ranked_by="self_confidence", n_jobs=1, verbose=False
    )
    return _judged(rows.iloc[order], kept[order, labels[order]])


def _judged(rows: pd.DataFrame, quality: np.ndarray) -> pd.DataFrame:
    answered = predicted(rows) if len(rows) else pd.Series([], dtype=object)
    return rows.assign(answered=answered, label_quality=quality)
