"""How far probabilities can be believed, against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from fer_core.calibration import calibrate, calibration_error, fit_temperature, reliability, temper


def predictions(confidence: float, right: int, wrong: int) -> pd.DataFrame:
    """Answers "a", all with that confidence."""
    truths = ["a"] * right + ["b"] * wrong
    return pd.DataFrame({"expression": truths, "p_a": confidence, "p_b": 1 - confidence})


def test_the_error_is_how_far_confidence_and_accuracy_are_apart() -> None:
    assert calibration_error(predictions(0.9, 6, 4)) == pytest.approx(0.3)
    both = pd.concat([predictions(0.9, 6, 4), predictions(0.6, 30, 0)])
    assert calibration_error(both) == pytest.approx(0.3 * 10 / 40 + 0.4 * 30 / 40)


def test_reliability_has_a_row_for_every_confidence_that_was_met() -> None:
    table = reliability(pd.concat([predictions(0.95, 9, 1), predictions(1.0, 4, 0)]))
    assert table["images"].tolist() == [14]  # from 14/15 up, 1 included
    assert table["accuracy"].tolist() == pytest.approx([13 / 14])


def test_the_fitted_temperature_makes_confidence_as_high_as_accuracy() -> None:
    table = predictions(0.95, 70, 30)
    temperature = fit_temperature(table)
    # Both logits are ±log(19) / 2; divided by the temperature they must give 0.7.
    assert temperature == pytest.approx(np.log(19) / np.log(7 / 3), rel=1e-3)
    assert calibration_error(table, temperature) == pytest.approx(0, abs=1e-3)


def test_tempering_keeps_order_and_sum_and_one_changes_nothing() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], "float32")
    cooler = temper(probabilities, 2.0)
    assert cooler.dtype == np.float32
    assert cooler.sum(axis=1) == pytest.approx([1, 1])
    assert (np.argsort(cooler[0]) == np.argsort(probabilities[0])).all()
    roots = np.sqrt([0.7, 0.2, 0.1])
    assert cooler[0] == pytest.approx(roots / roots.sum(), rel=1e-5)
    assert temper(probabilities, 1.0) is probabilities
    assert temper(probabilities[:0], 2.0).shape == (0, 3)


def test_of_answers_none_of_whose_truths_is_known_no_temperature_is_made() -> None:
    table = pd.DataFrame({"expression": ["c"], "p_a": [0.6], "p_b": [0.4]})
    assert fit_temperature(table) == 1.0


def test_a_calibration_tells_the_error_before_and_after() -> None:
    table = predictions(0.95, 70, 30)
    found = calibrate(table)
    assert found.temperature == fit_temperature(table)
    assert found.error_before == pytest.approx(0.25) and found.error_after < 1e-3
