"""Scores predictions by FER+'s labels."""

import numpy as np
import pandas as pd

from fer_core.datasets import SPLITS, Dataset, with_majority_labels
from fer_core.evaluation.predictions import find_images


def with_ferplus_labels(predictions: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Returns the predictions of images that FER+ labels, with the majority as `expression`.

    The labels and the images left out are those of `datasets.with_majority_labels`; images that
    the dataset does not have are left out, too.

    Raises:
        FerError: the dataset has no votes.
    """
    labeled = with_majority_labels(dataset.stored_index, dataset.name)
    positions = find_images(predictions, labeled)
    rows = labeled.iloc[positions]
    is_labeled = (positions >= 0) & rows["split"].isin(SPLITS).to_numpy()
    expressions = np.asarray(rows["expression"], object)
    relabeled = predictions.assign(
        expression=pd.Series(expressions, predictions.index, dtype="str")
    )
    return relabeled[is_labeled].reset_index(drop=True)
