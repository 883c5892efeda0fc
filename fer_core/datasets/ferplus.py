"""Relabels images by the majority of their FER+ votes."""

import numpy as np
import pandas as pd

from fer_core.datasets.splits import EXCLUDED
from fer_core.errors import FerError

VOTES = "votes_"  # prefix of the columns with FER+'s votes
_NO_EXPRESSION = (f"{VOTES}unknown", f"{VOTES}nf")  # unclear; not a face
_OUTLIER = 1  # a single vote does not count


def has_votes(index: pd.DataFrame) -> bool:
    """Tells whether an index has columns with FER+'s votes."""
    return any(str(name).startswith(VOTES) for name in index)


def with_majority_labels(index: pd.DataFrame, name: str) -> pd.DataFrame:
    """Returns a copy of the index with FER+'s labels; the order of its rows is kept.

    Follows Barsoum et al., "Training Deep Networks for Facial Expression Recognition with
    Crowd-Sourced Label Distribution", 2016 (arXiv 1608.01041): expressions with a single vote are
    removed, and the label is the one with more than half of the votes that are left. Images
    without such a majority, or whose majority is "unknown" or "not a face", get the split
    EXCLUDED. Of FER2013, 25,060, 3,199 and 3,153 images are left in the three splits.

    Args:
        name: of the dataset, for the message.

    Raises:
        FerError: there are no votes.
    """
    if not has_votes(index):
        raise FerError(
            f"FER+ labels need a dataset with FER+'s votes. {name} has none: put fer2013new.csv "
            "beside the images and add the dataset again."
        )
    columns = [column for column in index if str(column).startswith(VOTES)]
    votes = index[columns].to_numpy(float)
    votes = np.where(votes > _OUTLIER, votes, 0)  # also for missing ones
    winners = np.array(columns, object)[votes.argmax(axis=1)]
    is_labeled = votes.max(axis=1) > votes.sum(axis=1) / 2
    is_labeled &= ~np.isin(winners, _NO_EXPRESSION)
    labels = [str(winner).removeprefix(VOTES) for winner in winners]
    changes = {
        "expression": np.where(is_labeled, labels, index["expression"]),
        "split": np.where(is_labeled, index["split"], EXCLUDED),
    }
    texts = {name: pd.Series(values, index.index, dtype="str") for name, values in changes.items()}
    kept = dict(zip(columns, votes.astype(int).T, strict=True))
    return index.assign(**kept, **texts)
