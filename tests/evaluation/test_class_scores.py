"""Precision, recall and F1 of every class with their intervals."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_fscore_support

from fer_core.evaluation import class_scores, metrics
from fer_core.evaluation.class_scores import MACRO_AVERAGE, hide_empty_classes, score_classes
from tests.evaluation.test_metrics import CLASSES, SEVEN

MATRIX = metrics.confusion(SEVEN, CLASSES)


VALUES = ["precision", "recall", "f1", "images"]


def test_precision_recall_and_f1_match_values_computed_by_hand() -> None:
    scores = score_classes(MATRIX, CLASSES)[VALUES]
    assert scores.loc["angry"].tolist() == pytest.approx([1 / 2, 1 / 3, 0.4, 3])
    assert scores.loc["happy"].tolist() == pytest.approx([1, 1, 1, 2])
    assert scores.loc["sad"].tolist() == pytest.approx([1 / 3, 1 / 2, 0.4, 2])


def test_class_scores_agree_with_scikit_learn() -> None:
    expected = precision_recall_fscore_support(
        SEVEN["expression"], metrics.predicted(SEVEN), labels=CLASSES, zero_division=0
    )
    scores = score_classes(MATRIX, CLASSES).loc[list(CLASSES), VALUES]
    assert pytest.approx(np.array(expected)) == scores.to_numpy().T


def test_the_macro_average_weighs_every_class_the_same() -> None:
    average = score_classes(MATRIX, CLASSES).loc[MACRO_AVERAGE, VALUES]
    assert average.tolist() == pytest.approx([11 / 18, 11 / 18, 0.6, 7])


def test_a_class_that_is_never_predicted_and_has_no_images_scores_zero() -> None:
    scores = score_classes(np.array([[1, 0], [0, 0]]), ["angry", "sad"])
    assert scores.loc["sad", VALUES].tolist() == [0, 0, 0, 0]
    assert scores["images"].dtype == int


def test_precision_and_recall_have_wilson_intervals() -> None:
    angry = score_classes(MATRIX, CLASSES).loc["angry"]  # 3 images, 2 answers, 1 right
    found = [angry["precision_low"], angry["precision_high"]]
    assert found == pytest.approx(metrics.accuracy_interval(1, 2))
    found = [angry["recall_low"], angry["recall_high"]]
    assert found == pytest.approx(metrics.accuracy_interval(1, 3))


def test_the_f1_interval_is_transformed_from_the_jaccard_index() -> None:
    angry = score_classes(MATRIX, CLASSES).loc[
        "angry"
    ]  # right 1 of the 4 that are or were called so
    low, high = metrics.accuracy_interval(1, 4)
    assert angry["f1"] == pytest.approx(2 * 0.25 / 1.25)
    assert angry["f1_low"] == pytest.approx(2 * low / (1 + low))
    assert angry["f1_high"] == pytest.approx(2 * high / (1 + high))


def test_a_class_without_images_or_predictions_has_unknown_scores() -> None:
    scores = score_classes(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]]), CLASSES)
    assert scores.loc["sad", ["precision", "recall", "f1"]].tolist() == [0, 0, 0]
    assert scores.loc["sad"].filter(like="_").isna().all()
    assert math.isnan(scores.loc["angry", "precision_low"])
    assert scores.loc["angry", "recall_low"] == 0


def test_intervals_cover_the_truth_in_about_95_percent_of_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(class_scores, "_RESAMPLES", 400)  # enough for the 2.5 % at each end
    shares = np.array([[0.15, 0.1, 0.05], [0.05, 0.35, 0.05], [0.02, 0.03, 0.2]])
    truth = score_classes((shares * 100_000).round().astype(int), CLASSES)
    rng = np.random.default_rng(7)
    hits = []
    for _ in range(400):
        sample = score_classes(rng.multinomial(300, shares.ravel()).reshape(3, 3), CLASSES)
        for name in ("precision", "recall", "f1"):
            hits.append(
                (sample[f"{name}_low"] <= truth[name]) & (truth[name] <= sample[f"{name}_high"])
            )
    rates = pd.DataFrame(hits).mean()
    # Four standard errors of 400 trials of 95 % are 4.4 %.
    assert rates.between(0.906, 0.994).all(), rates


def test_the_same_predictions_have_the_same_intervals() -> None:
    pd.testing.assert_frame_equal(score_classes(MATRIX, CLASSES), score_classes(MATRIX, CLASSES))


def test_without_any_image_all_scores_are_zero_and_all_bounds_unknown() -> None:
    scores = score_classes(np.zeros((2, 2), int), ["angry", "sad"])
    assert (scores[VALUES] == 0).all(axis=None)
    assert scores.drop(columns=VALUES).isna().all(axis=None)


def test_a_class_without_images_has_no_score_to_show() -> None:
    table = hide_empty_classes(score_classes(np.array([[3, 1], [0, 0]]), ("happy", "sad")))
    assert table.loc["sad", ["precision", "recall", "f1"]].isna().all()
    assert table.loc["happy", "recall"] == 0.75
    assert table["images"].tolist() == [4, 0, 4]
