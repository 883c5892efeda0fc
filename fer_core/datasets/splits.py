"""Completes train and validation without leaks."""

import hashlib

import numpy as np
import pandas as pd

from fer_core.errors import FerError

SPLITS = ("train", "val", "test")
EXCLUDED = "excluded"  # of images that a person left out: no split to train or to evaluate on
VALIDATION_FRACTION = 0.1  # of train, where nobody says another
_WORDS = {
    "train": ("train", "training", "trainset", "train_set"),
    "val": ("val", "valid", "validation", "dev", "validset", "valid_set", "publictest"),
    "test": ("test", "testing", "testset", "test_set", "privatetest"),
}
_MEANING = {word: split for split, words in _WORDS.items() for word in words}


def named_split(word: str) -> str | None:
    """The split that a data set's own word means, in any case, or None: "Valid" is "val"."""
    return _MEANING.get(word.strip().lower().replace("-", "_"))


def complete_splits(
    index: pd.DataFrame, fraction: float, seed: int, test_fraction: float = 0.0
) -> pd.DataFrame:
    """A copy of the index in which every row is in train, val or test.

    Rows without a split go to train. Where no row is in val, a fraction of train is drawn for it;
    with `test_fraction` the same first happens for test. Splits that are there stay as they are.

    The draw is per class, in an order that the seed and the images' content fix: a larger fraction
    takes the same images and more, and new images do not move the old ones. Images of identical
    content go together. A class with two different images gives at least one and keeps one.

    Args:
        index: with columns expression, split ("" where unknown) and content.

    Raises:
        FerError: a fraction is not below 1, or `fraction` is not above 0.
    """
    if not 0 < fraction < 1 or not 0 <= test_fraction < 1:
        raise FerError(
            "The fractions of train that become validation and test must be between 0 and 1. "
            f"Received: {fraction:g} and {test_fraction:g}"
        )
    index = index.copy()
    split = index["split"].to_numpy(dtype=object, copy=True)
    split[split == ""] = "train"
    if test_fraction and "test" not in split:
        split[_drawn(index, split == "train", test_fraction, f"test {seed}")] = "test"
    if "val" not in split:
        split[_drawn(index, split == "train", fraction, f"val {seed}")] = "val"
    return index.assign(split=split)


def redraw_validation(index: pd.DataFrame, fraction: float, seed: int) -> pd.DataFrame:
    """A copy of the index with another share of train and validation together as validation.

    Excluded images stay excluded, and have no part in the share.

    Raises:
        FerError: as `complete_splits`.
    """
    undrawn = index[index["split"] != EXCLUDED]
    undrawn = undrawn.assign(split=undrawn["split"].replace("val", "train"))
    drawn = complete_splits(undrawn, fraction, seed)
    return index.assign(split=drawn["split"].reindex(index.index, fill_value=EXCLUDED))


def _drawn(index: pd.DataFrame, train: np.ndarray, fraction: float, salt: str) -> np.ndarray:
    """Which rows are drawn from train, as a boolean array."""
    rows = index.loc[train, ["content", "expression"]]
    rows["images"] = rows.groupby("expression")["expression"].transform("size")
    # A picture that stands under two expressions is drawn with the rarer one.
    rows = rows.sort_values(["images", "expression"], kind="stable")
    groups = rows.groupby("content", sort=False).agg(
        expression=("expression", "first"), images=("expression", "size")
    )
    groups["order"] = [
        hashlib.sha256(f"{salt} {content}".encode()).digest() for content in groups.index
    ]
    groups = groups.sort_values("order")
    classes = groups.groupby("expression")
    wanted = (classes["images"].transform("sum") * fraction).round().clip(lower=1)
    taken_before = classes["images"].cumsum() - groups["images"]
    is_last = classes.cumcount() == classes["images"].transform("size") - 1
    taken = groups.index[(taken_before < wanted) & ~is_last]
    return train & index["content"].isin(taken).to_numpy()
