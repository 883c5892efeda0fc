"""Folds keep subjects, sequences and copies whole, and say in numbers when they cannot be drawn."""

import numpy as np
import pandas as pd
import pytest

from fer_core.datasets.folds import (
    Fold,
    count_units,
    draw_folds,
    fold_unit,
    plan_folds,
    with_fold,
)
from fer_core.errors import FerError
from tests.datasets.test_split_groups import LAB, lab_index

STORED = LAB.assign(split="train")
STORED.loc[STORED["subject"].isin(["S000", "S001", "S002"]), "split"] = "test"
STORED.loc[STORED["subject"] == "S003", "split"] = "val"


def plan(index: pd.DataFrame = STORED, count: int = 5, unit: str = "subject", seed: int = 0):
    return plan_folds(index, "lab", count, unit, seed)


@pytest.mark.parametrize("unit", ["subject", "group"])
def test_every_image_outside_test_validates_once_and_no_unit_is_in_two_folds(unit):
    drawn = [with_fold(STORED, STORED, "lab", Fold(k, 5, unit, 0)) for k in range(5)]
    validated = sum((index["split"] == "val").astype(int) for index in drawn)
    assert (validated == (STORED["split"] != "test")).all()
    for index in drawn:
        assert (index.loc[STORED["split"] == "test", "split"] == "test").all()
        inside = index[index["split"] != "test"]
        assert inside.groupby(unit)["split"].nunique().max() == 1
        shares = pd.crosstab(inside["expression"], inside["split"], normalize="columns")
        assert (shares["val"] - shares["train"]).abs().max() < 0.08


def test_folds_depend_on_the_seed_and_not_on_the_order_of_rows():
    first = plan().folds["fold"]
    shuffled = plan(STORED.sample(frac=1, random_state=0)).folds["fold"].sort_index()
    assert (first == shuffled).all()
    assert (first != plan(seed=1).folds["fold"]).any()


def test_as_many_folds_as_subjects_leave_one_subject_out():
    folds = plan(count=37).folds
    assert folds.groupby("fold")["unit"].nunique().eq(1).all()
    assert folds["fold"].nunique() == folds["unit"].nunique() == 37


def test_single_images_are_divided_as_evenly_as_their_classes_allow():
    rng = np.random.default_rng(0)
    expressions = pd.Series(rng.choice(["a", "b", "c"], 1003, p=[0.7, 0.29, 0.01]))
    folds = draw_folds(pd.Series(map(str, range(1003))), expressions, 10, "salt")
    counts = pd.crosstab(expressions, folds)
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1
    assert counts.sum().max() - counts.sum().min() <= 1


def test_copies_stay_together_where_no_subject_is_known():
    index = STORED.drop(columns=["subject", "group"]).assign(cluster="")
    index.loc[index.index[::10], "cluster"] = "copies"
    assert fold_unit(index) == "cluster"
    folds = plan(index, 3, "cluster").folds
    assert folds.loc[index["cluster"].loc[folds.index] == "copies", "fold"].nunique() == 1
    assert fold_unit(index.assign(cluster="")) == "image"


def test_equal_images_of_two_subjects_join_them():
    index = STORED.copy()
    first = [index.index[index["subject"] == name][0] for name in ("S010", "S011")]
    index.loc[first, "content"] = "the same"
    assert count_units(index, "subject") == 36
    folds = plan(index, 36).folds
    assert folds.loc[first, "fold"].nunique() == 1


def test_images_of_unknown_subjects_neither_train_nor_validate():
    index = STORED.copy()
    index.loc[index["subject"] == "S005", "subject"] = ""
    drawn = with_fold(index, index, "lab", Fold(0, 4, "subject", 0))
    assert (drawn.loc[index["subject"] == "", "split"] == "excluded").all()
    assert "12 images of no known subject" in " ".join(plan(index, 4).describe())


def test_corrections_move_no_image_to_another_fold():
    corrected = STORED.assign(split=STORED["split"].mask(STORED.index % 7 == 0, "excluded"))
    for number in range(3):
        fold = Fold(number, 3, "subject", 0)
        before = with_fold(STORED, STORED, "lab", fold)["split"]
        after = with_fold(corrected, STORED, "lab", fold)["split"]
        assert (after == before.mask(corrected["split"] == "excluded", "excluded")).all()


def one_large() -> pd.DataFrame:
    index = STORED.copy()
    index.loc[index.index % 10 > 0, "subject"] = "S009"
    return index


def one_with_contempt() -> pd.DataFrame:
    index = STORED.copy()
    others = (index["expression"] == "contempt") & (index["subject"] != "S007")
    return index.assign(expression=index["expression"].mask(others, "sad"))


@pytest.mark.parametrize(
    ("index", "count", "unit", "numbers"),
    [
        (STORED, 38, "subject", ["37 subjects", "38"]),
        (STORED, 1, "subject", ["at least 2", "1"]),
        (STORED.assign(subject=""), 5, "subject", ["0 of 444", "sequence"]),
        (STORED.drop(columns=["subject", "group"]), 5, "group", ["0 of 444", "image"]),
        (one_large(), 5, "subject", ["S009", "of the 444", "%"]),
        (one_with_contempt(), 5, "subject", ["contempt", "S007", "All 3 images"]),
    ],
)
def test_folds_that_cannot_be_drawn_are_refused_with_the_numbers(index, count, unit, numbers):
    with pytest.raises(FerError) as caught:
        plan(index, count, unit).check(("angry", "contempt", "happy"))
    assert all(number in str(caught.value) for number in numbers), str(caught.value)


def test_a_fold_without_any_of_the_chosen_classes_is_refused():
    shown = STORED["expression"].mask(STORED["subject"] == "S012", "sad")
    index = STORED.assign(expression=shown)
    with pytest.raises(FerError, match="1 fold of 37"):
        plan(index, 37).check(("angry", "happy"))


def test_a_class_of_one_subject_may_be_left_out():
    plan(one_with_contempt()).check(("angry", "happy", "sad"))


def test_folds_are_as_balanced_as_those_of_scikit_learn():
    from sklearn.model_selection import StratifiedGroupKFold

    index = lab_index(subjects=60, sequences=3)
    index = index[np.random.default_rng(1).random(len(index)) < 0.6]  # uneven subjects
    theirs = np.zeros(len(index), int)
    splitter = StratifiedGroupKFold(6, shuffle=True, random_state=0)
    for number, (_, rows) in enumerate(
        splitter.split(index, index["expression"], index["subject"])
    ):
        theirs[rows] = number
    ours = draw_folds(index["subject"], index["expression"], 6, "salt")

    def unevenness(folds: np.ndarray) -> float:
        shares = pd.crosstab(index["expression"].to_numpy(), folds, normalize="index")
        return float(shares.std(axis=1).mean())

    assert unevenness(ours) <= 1.2 * unevenness(theirs)
