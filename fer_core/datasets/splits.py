"""Completes train, validation and test splits without leaks between them."""

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pandas as pd

from fer_core.datasets.split_groups import (
    CLUSTER,
    draw_units,
    in_drawn_order,
    known_columns,
    units_of,
)
from fer_core.errors import FerError

SPLITS = ("train", "val", "test")
EXCLUDED = "excluded"  # the split of excluded images, which no run trains or evaluates on
VALIDATION_FRACTION = 0.1  # default share of train
_SYNONYMS = {
    "train": ("train", "training", "trainset", "trn"),
    "val": (
        *("val", "valid", "validation", "dev", "devel", "valset", "validset", "devset"),
        *("eval", "evaluation"),
    ),
    "test": ("test", "testing", "testset", "tst", "holdout", "heldout"),
}
_EITHER = frozenset({"eval", "evaluation", "holdout", "heldout"})  # validation or test
_LIKE = ("train", "valid", "test")
_SPLIT_OF = {word: split for split, words in _SYNONYMS.items() for word in words}
# FER2013's two test sets: the public one serves for validation.
_USAGES = {"publictest": "val", "privatetest": "test"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # of "FER2013Train_set": FER, Train, set


@lru_cache(maxsize=10_000)  # asked for each image, of few folders
def parse_split(word: str) -> str | None:
    """Returns the split that a name stands for: "Valid", "val_set" and "FER2013Valid" are "val".

    A name with words of two splits, such as "train_val", stands for none.
    """
    plain = _plain(word)
    for usage, split in _USAGES.items():
        if usage in plain:
            return split
    found = {_SPLIT_OF[each] for each in _words(word) if each in _SPLIT_OF}
    return found.pop() if len(found) == 1 else None


def parse_splits(words: Iterable[str]) -> dict[str, str]:
    """Returns the split that each of the names of one dataset stands for, "" if none.

    "evaluation" is "val", but "test" beside another name of validation; "holdout" likewise.
    """
    found = {word: parse_split(word) or "" for word in words}
    open_words = [word for word in found if found[word] and not _EITHER.isdisjoint(_words(word))]
    plain = {split for word, split in found.items() if word not in open_words}
    if len(plain & {"val", "test"}) == 1:
        other = "test" if "val" in plain else "val"
        found.update(dict.fromkeys(open_words, other))
    return found


def _words(name: str) -> list[str]:
    return [_plain(name), *map(str.lower, _WORDS.findall(name))]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.lower())


def looks_like_split(name: str) -> bool:
    """Returns whether a name that stands for no split begins a word like one: "Testdaten"."""
    return parse_split(name) is None and any(word.startswith(_LIKE) for word in _words(name))


def without_split(name: str) -> str:
    """Returns a name without the words of a split: "train_happy" is "happy"."""
    words = [each for each in _WORDS.findall(name) if each.lower() not in _SPLIT_OF]
    return " ".join(words)


def complete_splits(
    index: pd.DataFrame, fraction: float, seed: int, test_fraction: float = 0.0
) -> pd.DataFrame:
    """Returns a copy of the index in which every row is in train, val or test.

    Rows without a split go to train. If no row is in val, a fraction of train is drawn for it;
    with `test_fraction`, the same is done for test first. Existing splits are kept.

    The draw is stratified by class, in an order fixed by the seed and the images' content: a
    larger fraction takes the same images and more, and new images do not move old ones. Images
    of one subject stay in one split, or else of one group, or else of one cluster of copies, and
    those with identical content in any case. Where no split can be drawn by subjects, since there
    is only one, groups are drawn, and so on. A class with at least two different images (or
    subjects, or groups) gives at least one and keeps at least one.

    Args:
        index: with the columns expression, split ("" if unknown) and content, maybe with subject,
            group and cluster ("" if unknown).

    Raises:
        FerError: `fraction` is not in (0, 1), or `test_fraction` is not in [0, 1).
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
        split[_draw(index, split == "train", test_fraction, f"test {seed}")] = "test"
    if "val" not in split:
        split[_draw(index, split == "train", fraction, f"val {seed}")] = "val"
    return index.assign(split=split)


def redraw_validation(index: pd.DataFrame, fraction: float, seed: int) -> pd.DataFrame:
    """Returns a copy of the index with validation redrawn from train and validation together.

    Excluded images stay excluded and do not count toward the fraction.

    Raises:
        FerError: `fraction` is not in (0, 1).
    """
    undrawn = index[index["split"] != EXCLUDED]
    undrawn = undrawn.assign(split=undrawn["split"].replace("val", "train"))
    drawn = complete_splits(undrawn, fraction, seed)
    return index.assign(split=drawn["split"].reindex(index.index, fill_value=EXCLUDED))


def _draw(index: pd.DataFrame, train: np.ndarray, fraction: float, salt: str) -> np.ndarray:
    """Returns a boolean mask of the rows drawn from train."""
    rows, drawn = index.loc[train], train.copy()
    columns = [*known_columns(rows), CLUSTER]
    while True:
        units = units_of(rows, columns)
        draw = draw_units if len(columns) > 1 else _draw_images
        taken = draw(units, rows["expression"], fraction, salt)
        if len(taken) or len(columns) == 1:
            drawn[train] = units.isin(taken).to_numpy()
            return drawn
        columns = columns[1:]  # there is only one subject, or each class is one's


def _draw_images(units: pd.Series, expressions: pd.Series, fraction: float, salt: str) -> pd.Index:
    """Draws units of a few equal images each, by the fraction of every class."""
    rows = pd.DataFrame({"unit": units, "expression": expressions})
    rows["images"] = rows.groupby("expression")["expression"].transform("size")
    # An image that has two labels is drawn with the rarer class.
    rows = rows.sort_values(["images", "expression"], kind="stable")
    groups = rows.groupby("unit", sort=False).agg(
        expression=("expression", "first"), images=("expression", "size")
    )
    groups = groups.loc[in_drawn_order(groups.index, salt)]
    classes = groups.groupby("expression")
    wanted = (classes["images"].transform("sum") * fraction).round().clip(lower=1)
    taken_before = classes["images"].cumsum() - groups["images"]
    is_last = classes.cumcount() == classes["images"].transform("size") - 1
    return groups.index[(taken_before < wanted) & ~is_last]
