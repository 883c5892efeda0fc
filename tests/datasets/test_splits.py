"""Validation and test are drawn from train without leaks, the same way every time."""

import numpy as np
import pandas as pd
import pytest

from fer_core.datasets.splits import complete_splits, parse_split, parse_splits


def index_of(expressions: list[str], contents: list[str] | None = None, split: str = ""):
    """An index of pictures that all differ, unless their contents are given."""
    contents = contents or [f"picture {i}" for i in range(len(expressions))]
    return pd.DataFrame({"expression": expressions, "content": contents, "split": split})


MANY = index_of(["happy"] * 200 + ["disgust"] * 20 + ["sad"] * 2)


def positions(index: pd.DataFrame, split: str) -> set[int]:
    return set(np.flatnonzero(index["split"] == split).tolist())


@pytest.mark.parametrize(
    ("word", "split"),
    [
        *[(word, "train") for word in ("train", "Training", "TRAIN")],
        *[(word, "val") for word in ("val", "Valid", "validation", "PublicTest")],
        *[(word, "test") for word in ("test", "Testing", "PrivateTest")],
        *[(word, None) for word in ("", "angry", "trainer")],
    ],
)
def test_names_of_splits_are_recognized(word, split):
    assert parse_split(word) == split


def test_names_of_either_split_are_the_one_that_no_other_name_is():
    assert parse_splits(["train", "Evaluation"]) == {"train": "train", "Evaluation": "val"}
    assert parse_splits(["train", "dev", "evaluation"])["evaluation"] == "test"
    assert parse_splits(["train", "test", "holdout"])["holdout"] == "val"
    assert parse_splits(["eval_set", "hold-out"]) == {"eval_set": "val", "hold-out": "test"}
    assert parse_splits(["train", "fold1"])["fold1"] == ""


def test_validation_is_drawn_from_each_class_of_train():
    drawn = complete_splits(MANY, 0.1, seed=0)
    counts = drawn.groupby(["expression", "split"]).size()
    assert counts["happy", "val"] == 20
    assert counts["disgust", "val"] == 2
    assert set(drawn["split"]) == {"train", "val"}


def test_a_class_of_two_images_has_one_in_each_split():
    for fraction in (0.01, 0.5, 0.99):
        counts = complete_splits(MANY, fraction, seed=0).groupby(["expression", "split"]).size()
        assert counts.min() >= 1
        assert len(counts) == 6


def test_a_class_of_one_image_stays_in_train():
    drawn = complete_splits(index_of(["happy", "sad", "sad"]), 0.5, seed=0)
    assert drawn["split"].iloc[0] == "train"


def test_a_larger_fraction_takes_the_same_images_and_more():
    sets = [positions(complete_splits(MANY, f, seed=3), "val") for f in (0.05, 0.1, 0.2, 0.5)]
    assert all(small < large for small, large in zip(sets, sets[1:], strict=False))


def test_the_draw_depends_only_on_the_seed():
    first = complete_splits(MANY, 0.2, seed=1)
    pd.testing.assert_frame_equal(first, complete_splits(MANY, 0.2, seed=1))
    assert positions(first, "val") != positions(complete_splits(MANY, 0.2, seed=2), "val")
    shuffled = complete_splits(MANY.sample(frac=1, random_state=0), 0.2, seed=1).sort_index()
    pd.testing.assert_frame_equal(first, shuffled)


def test_duplicates_stay_in_one_split_even_with_different_labels():
    contents = [f"picture {i // 3}" for i in range(300)]
    expressions = ["happy", "happy", "sad"] * 100
    drawn = complete_splits(index_of(expressions, contents), 0.2, seed=0)
    assert drawn.groupby("content")["split"].nunique().max() == 1
    assert 0.15 < (drawn["split"] == "val").mean() < 0.25


def test_named_splits_are_kept():
    index = index_of(["happy", "sad"] * 30)
    index["split"] = ["train"] * 20 + ["val"] * 20 + ["test"] * 20
    pd.testing.assert_frame_equal(complete_splits(index, 0.5, seed=0, test_fraction=0.5), index)


def test_test_is_drawn_only_if_requested_and_missing():
    assert positions(complete_splits(MANY, 0.1, seed=0), "test") == set()
    drawn = complete_splits(MANY, 0.1, seed=0, test_fraction=0.2)
    assert len(positions(drawn, "test")) == 45
    larger = complete_splits(MANY, 0.4, seed=0, test_fraction=0.2)
    assert positions(larger, "test") == positions(drawn, "test")


def test_the_given_index_is_not_modified():
    before = MANY.copy()
    complete_splits(MANY, 0.2, seed=0, test_fraction=0.2)
    pd.testing.assert_frame_equal(MANY, before)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(ValueError, match="between 0 and 1"):
        complete_splits(MANY, fraction, seed=0)
