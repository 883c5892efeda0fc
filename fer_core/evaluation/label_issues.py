"""Finds likely label errors with cleanlab's confident learning."""

import numpy as np
import pandas as pd

from fer_core.evaluation.calibration import apply_temperature
from fer_core.evaluation.metrics import predicted


def find_label_issues(predictions: pd.DataFrame, temperature: float = 1.0) -> pd.DataFrame:
    """Returns the predictions whose label is likely wrong, the most suspicious first.

    Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in
    Dataset Labels", 2021): a label is an issue if the model gives another class a probability
    that is typical of images of that class.

    Args:
        predictions: for held-out images. Leaked images, and images of a class that the model
            lacks, are never issues.
        temperature: to calibrate the probabilities with.

    Returns:
        The rows with `predicted`, the model's label, and `label_quality` in [0, 1], the
        probability of the given label.
    """
    from cleanlab.filter import find_label_issues  # takes a second to load

    names = [str(column).removeprefix("p_") for column in predictions.filter(regex="^p_")]
    usable = predictions["expression"].isin(names)
    if "leaked" in predictions:
        usable &= ~predictions["leaked"].astype(bool)
    rows = predictions[usable]
    present = [name for name in names if (rows["expression"] == name).any()]
    if len(present) < 2:
        return _with_quality(rows.iloc[:0], np.zeros(0))
    probabilities = apply_temperature(
        rows[[f"p_{name}" for name in names]].to_numpy(float), temperature
    )
    # Classes without images have no threshold: drop them and renormalize.
    kept = probabilities[:, [names.index(name) for name in present]]
    kept = kept / kept.sum(axis=1, keepdims=True)
    labels = pd.Index(present).get_indexer(rows["expression"])
    order = find_label_issues(
        labels, kept, return_indices_ranked_by="self_confidence", n_jobs=1, verbose=False
    )
    return _with_quality(rows.iloc[order], kept[order, labels[order]])


def _with_quality(rows: pd.DataFrame, quality: np.ndarray) -> pd.DataFrame:
    label = predicted(rows) if len(rows) else pd.Series([], dtype=object)
    return rows.assign(predicted=label, label_quality=quality)
