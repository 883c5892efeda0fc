"""How far probabilities can be believed, against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from fer_core.evaluation.calibration import (
    ALWAYS_ABSTAIN,
    abstention_threshold,
    apply_temperature,
    calibrate,
    calibration_error,
    coverage,
    coverage_at,
    fit_temperature,
    reliability,
    with_temperature,
)
from fer_core.evaluation.metrics import accuracy_interval


def predictions(confidence: float, right: int, wrong: int) -> pd.DataFrame:
    """Answers "a", all with that confidence."""
    truths = ["a"] * right + ["b"] * wrong
    return pd.DataFrame({"expression": truths, "p_a": confidence, "p_b": 1 - confidence})


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    assert calibration_error(predictions(0.9, 6, 4)) == pytest.approx(0.3)
    both = pd.concat([predictions(0.9, 6, 4), predictions(0.6, 30, 0)])
    assert calibration_error(both) == pytest.approx(0.3 * 10 / 40 + 0.4 * 30 / 40)


def test_reliability_has_a_row_per_bin_that_is_not_empty() -> None:
    table = reliability(pd.concat([predictions(0.95, 9, 1), predictions(1.0, 4, 0)]))
    assert table["images"].tolist() == [14]  # from 14/15 up, 1 included
    assert table["accuracy"].tolist() == pytest.approx([13 / 14])
    assert table[["low", "high"]].iloc[0].tolist() == pytest.approx(accuracy_interval(13, 14))


def test_the_fitted_temperature_matches_confidence_to_accuracy() -> None:
    table = predictions(0.95, 70, 30)
    temperature = fit_temperature(table)
    # Both logits are ±log(19) / 2; divided by the temperature they must give 0.7.
    assert temperature == pytest.approx(np.log(19) / np.log(7 / 3), rel=1e-3)
    assert calibration_error(table, temperature) == pytest.approx(0, abs=1e-3)


def test_temperature_keeps_order_and_sum_of_probabilities() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], "float32")
    cooler = apply_temperature(probabilities, 2.0)
    assert cooler.dtype == np.float32
    assert cooler.sum(axis=1) == pytest.approx([1, 1])
    assert (np.argsort(cooler[0]) == np.argsort(probabilities[0])).all()
    roots = np.sqrt([0.7, 0.2, 0.1])
    assert cooler[0] == pytest.approx(roots / roots.sum(), rel=1e-5)
    assert apply_temperature(probabilities, 1.0) is probabilities
    assert apply_temperature(probabilities[:0], 2.0).shape == (0, 3)


def test_no_temperature_is_fitted_without_known_labels() -> None:
    table = pd.DataFrame({"expression": ["c"], "p_a": [0.6], "p_b": [0.4]})
    assert fit_temperature(table) == 1.0


def test_a_calibration_has_the_error_before_and_after() -> None:
    table = predictions(0.95, 70, 30)
    found = calibrate(table)
    assert found.temperature == fit_temperature(table)
    assert found.error_before == pytest.approx(0.25) and found.error_after < 1e-3


def test_calibrated_predictions_are_a_copy() -> None:
    before = predictions(0.9, 1, 1)
    after = with_temperature(before, 2.0)
    # Both logits are ±log(9) / 2: divided by 2 they are those of 3 to 1.
    assert after["p_a"].tolist() == pytest.approx([0.75, 0.75])
    assert after["p_b"].tolist() == pytest.approx([0.25, 0.25])
    assert before["p_a"].tolist() == [0.9, 0.9]
    assert after["expression"].tolist() == ["a", "b"]


def test_coverage_adds_the_most_confident_first_and_ties_together() -> None:
    table = pd.concat([predictions(0.6, 0, 1), predictions(0.9, 1, 0), predictions(0.8, 1, 1)])
    found = coverage(table)
    assert found["confidence"].tolist() == [0.9, 0.8, 0.6]
    assert found["images"].tolist() == [1, 3, 4]
    assert found["coverage"].tolist() == [0.25, 0.75, 1]
    assert found["accuracy"].tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    assert found[["low", "high"]].iloc[1].tolist() == pytest.approx(accuracy_interval(2, 3))


def test_the_threshold_is_the_lowest_confidence_with_enough_accuracy() -> None:
    table = pd.concat([predictions(0.9, 30, 0), predictions(0.7, 25, 15), predictions(0.6, 0, 10)])
    # 30 of 30, 55 of 70, 55 of 80.
    assert abstention_threshold(table, 0.9) == 0.9
    assert abstention_threshold(table, 0.78) == 0.7
    assert abstention_threshold(table, 0.68) == 0.6
    assert abstention_threshold(table, 0) == 0


def test_the_model_always_abstains_if_no_threshold_is_accurate_enough() -> None:
    table = predictions(0.9, 60, 40)
    assert abstention_threshold(table, 0.8) == ALWAYS_ABSTAIN
    found = coverage_at(table, ALWAYS_ABSTAIN)
    assert (found.coverage, found.accuracy, found.faces) == (0, None, 100)


def test_a_few_correct_predictions_are_not_enough_for_a_threshold() -> None:
    table = pd.concat([predictions(0.9, 5, 0), predictions(0.7, 10, 35)])
    assert abstention_threshold(table, 0.8) == ALWAYS_ABSTAIN
    assert abstention_threshold(predictions(0.9, 5, 0), 0.8) == 0.9  # there are no more


def test_leaked_images_do_not_influence_the_threshold() -> None:
    known = predictions(0.7, 50, 0).assign(leaked=True)
    table = pd.concat(
        [known, predictions(0.7, 20, 20).assign(leaked=False)]
        + [predictions(0.9, 25, 0).assign(leaked=False)]
    )
    assert abstention_threshold(table, 0.8) == 0.9
    assert abstention_threshold(table.drop(columns="leaked"), 0.8) == 0.7
    found = coverage_at(table, 0.9)
    assert found.faces == 65 and found.coverage == pytest.approx(25 / 65)
    assert found.accuracy is not None and found.accuracy.total == 25


def test_the_threshold_is_chosen_on_calibrated_predictions() -> None:
    table = pd.concat([predictions(0.95, 60, 10), predictions(0.8, 20, 20)])
    found = calibrate(table)
    assert found.threshold == abstention_threshold(with_temperature(table, found.temperature))
    assert found.threshold != 0.95
