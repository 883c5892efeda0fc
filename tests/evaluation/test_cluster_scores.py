"""Intervals over subjects, and the test for folds, agree with values computed by other means."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fer_core.errors import FerError
from fer_core.evaluation.cluster_scores import cluster_difference, cluster_scores
from fer_core.evaluation.metrics import accuracy
from fer_core.evaluation.significance import corrected_t_test

NAMES = ["happy", "sad"]


def answers(subjects: list[tuple[int, int]]) -> tuple[pd.DataFrame, pd.Series]:
    """Returns predictions of subjects with so many right and wrong answers, and their subjects."""
    rows = [
        (f"{subject}-{number}.png", "", NAMES[number % 2], number < right, f"S{subject}")
        for subject, (right, wrong) in enumerate(subjects)
        for number in range(right + wrong)
    ]
    table = pd.DataFrame(rows, columns=["path", "row", "expression", "right", "subject"])
    says_happy = (table["expression"] == "happy") == table["right"]
    table = table.assign(p_happy=says_happy.astype(float), p_sad=1.0 - says_happy)
    return table.drop(columns=["right", "subject"]), table["subject"]


def test_scores_are_those_of_all_images_and_the_mean_counts_subjects_alike():
    predictions, subjects = answers([(9, 1), (1, 1), (0, 4)])
    found = cluster_scores(predictions, subjects, NAMES)
    assert (found.clusters, found.images) == (3, 16)
    assert found.accuracy.value == pytest.approx(10 / 16)
    assert found.mean.value == pytest.approx((0.9 + 0.5 + 0) / 3)


def test_the_interval_of_three_subjects_reaches_over_all_possible_draws_of_them():
    sizes = [(9, 1), (1, 1), (0, 4)]
    predictions, subjects = answers(sizes)
    found = cluster_scores(predictions, subjects, NAMES)
    draws = [(a, b, c) for a in sizes for b in sizes for c in sizes]  # 27, equally likely
    shares = [sum(right for right, _ in d) / sum(map(sum, d)) for d in draws]
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx((min(shares), max(shares)))


def test_with_a_cluster_for_each_image_the_interval_is_the_usual_one():
    predictions, subjects = answers([(1, 0)] * 80 + [(0, 1)] * 20)
    found, usual = cluster_scores(predictions, subjects, NAMES), accuracy(predictions)
    assert found.accuracy.low == pytest.approx(usual.low, abs=0.02)
    assert found.accuracy.high == pytest.approx(usual.high, abs=0.02)


def test_images_of_one_subject_that_are_right_together_widen_the_interval():
    together = answers([(10, 0)] * 8 + [(0, 10)] * 2)
    alone = answers([(8, 2)] * 8 + [(7, 3), (9, 1)])
    wide, narrow = (cluster_scores(*each, NAMES).accuracy for each in (together, alone))
    assert wide.value == narrow.value
    assert wide.high - wide.low > 0.4 and narrow.high - narrow.low < 0.1


@pytest.mark.parametrize("each", [(5, 0), (4, 1)])
def test_subjects_that_agree_are_no_proof_of_what_others_do(each: tuple[int, int]) -> None:
    found = cluster_scores(*answers([each] * 20), NAMES)
    for interval in (found.accuracy, found.mean):
        assert interval.value == each[0] / 5
        assert interval.low < interval.value - 0.1
    assert np.isnan(found.f1.low)


def test_a_label_that_the_model_lacks_is_refused() -> None:
    predictions, subjects = answers([(3, 1), (2, 2)])
    with pytest.raises(FerError, match="sad"):
        cluster_scores(predictions, subjects, ["happy", "angry"])


def test_one_subject_tells_nothing_about_others():
    found = cluster_scores(*answers([(3, 1)]), NAMES)
    assert found.accuracy.value == 0.75 and np.isnan(found.accuracy.low)


def test_the_difference_of_two_models_is_drawn_by_subjects_too():
    clusters = pd.Series(np.repeat(np.arange(20), 5))
    first = np.ones(100, bool)
    second = np.repeat(np.arange(20) >= 4, 5)  # wrong for four of the subjects
    found = cluster_difference(first, second, clusters)
    low, high = stats.binom.ppf((0.025, 0.975), 20, 0.2) / 20
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.051)
    same = cluster_difference(first, first, clusters)
    assert same.value == 0 and np.isnan(same.low)


def test_the_corrected_t_test_widens_the_ordinary_one_by_the_overlap_of_the_folds():
    differences = [0.03, 0.01, 0.04, 0.00, 0.02]
    # By hand: mean 0.02, sample variance 0.00025, 1/5 + 1/4 = 0.45, t = 0.02 / 0.0106066. With
    # four degrees of freedom, p = 1 - sin(a) (1 + cos(a)² / 2), where tan(a) = t / 2.
    found = corrected_t_test(differences, 1 / 4)
    assert found.difference == pytest.approx(0.02) and found.t == pytest.approx(1.8856181)
    assert found.p_value == pytest.approx(0.1324189, abs=1e-6)
    ordinary = stats.ttest_1samp(differences, 0)
    uncorrected = corrected_t_test(differences, 1e-12)
    assert (uncorrected.t, uncorrected.p_value) == pytest.approx(tuple(ordinary), rel=1e-6)


def test_recipes_that_never_differ_do_not_differ():
    assert corrected_t_test([0.0, 0.0, 0.0], 0.5).p_value == 1
    with pytest.raises(FerError):
        corrected_t_test([0.1], 0.5)
