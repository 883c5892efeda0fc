"""Precision, recall and F1 of every class with their intervals."""

import math

import numpy as np
import pandas as pd
import pytest

from fer_core.evaluation import metrics as evaluation
from fer_core.evaluation.class_scores import score_classes
from tests.evaluation.test_metrics import CLASSES, SEVEN

MATRIX = evaluation.confusion(SEVEN, CLASSES)


def test_the_values_are_those_of_the_report() -> None:
    names = ["precision", "recall", "f1", "images"]
    scores = score_classes(MATRIX, CLASSES)[names]
    pd.testing.assert_frame_equal(scores, evaluation.class_report(SEVEN, CLASSES)[names])


def test_precision_and_recall_have_wilsons_intervals() -> None:
    angry = score_classes(MATRIX, CLASSES).loc["angry"]  # 3 images, 2 answers, 1 right
    found = [angry["precision_low"], angry["precision_high"]]
    assert found == pytest.approx(evaluation.accuracy_interval(1, 2))
    found = [angry["recall_low"], angry["recall_high"]]
    assert found == pytest.approx(evaluation.accuracy_interval(1, 3))


def test_the_interval_of_f1_is_wilsons_for_the_share_in_the_union_taken_through() -> None:
    angry = score_classes(MATRIX, CLASSES).loc[
        "angry"
    ]  # right 1 of the 4 that are or were called so
    low, high = evaluation.accuracy_interval(1, 4)
    assert angry["f1"] == pytest.approx(2 * 0.25 / 1.25)
    assert angry["f1_low"] == pytest.approx(2 * low / (1 + low))
    assert angry["f1_high"] == pytest.approx(2 * high / (1 + high))


def test_of_a_class_without_images_or_answers_nothing_is_known() -> None:
    scores = score_classes(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]]), CLASSES)
    assert scores.loc["sad", ["precision", "recall", "f1"]].tolist() == [0, 0, 0]
    assert scores.loc["sad"].filter(like="_").isna().all()
    assert math.isnan(scores.loc["angry", "precision_low"])
    assert scores.loc["angry", "recall_low"] == 0


def test_the_intervals_hold_the_truth_in_about_95_of_100_samples() -> None:
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
