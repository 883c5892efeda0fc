"""What is shown of predictions, together."""

import pandas as pd
import pytest

from fer_core.evaluation.report import EvaluationReport
from fer_core.runs.records import Calibration

TABLE = pd.DataFrame(
    {
        "path": ["1", "2", "3", "4"],
        "row": "",
        "expression": ["a", "a", "b", "b"],
        "leaked": [True, False, False, False],
        "p_a": [0.9, 0.2, 0.9, 0.1],
        "p_b": [0.1, 0.8, 0.1, 0.9],
    }
)


def test_a_report_scores_all_images_and_clean_ones() -> None:
    found = EvaluationReport(TABLE, ("a", "b"))
    assert (found.score.accuracy.correct, found.score.accuracy.total) == (2, 4)
    assert found.score.clean is not None and found.score.leaked == 1
    assert (found.score.clean.correct, found.score.clean.total) == (1, 3)
    assert found.top_two.correct == 4
    assert found.confusion.tolist() == [[1, 1], [1, 1]]


def test_a_report_without_temperature_has_no_calibrated_values() -> None:
    found = EvaluationReport(TABLE, ("a", "b"))
    assert found.reliability[1] is None and found.calibration_errors[1] is None
    assert found.calibrated["confidence"].tolist() == [0.9, 0.8, 0.9, 0.9]


def test_coverage_uses_calibrated_confidence() -> None:
    found = EvaluationReport(TABLE, ("a", "b"), Calibration(2.0, 0.0, 0.0))
    # 9 to 1 becomes 3 to 1, 4 to 1 becomes 2 to 1.
    assert found.calibrated["confidence"].tolist() == pytest.approx([3 / 4, 2 / 3, 3 / 4, 3 / 4])
    passed, left_out = found.split_at(0.7)
    assert passed is not None and (passed.correct, passed.total) == (2, 3)
    assert left_out is not None and (left_out.correct, left_out.total) == (0, 1)
    assert found.split_at(0.9)[0] is None and found.split_at(0.0)[1] is None


def test_a_report_has_calibration_errors_before_and_after() -> None:
    before, after = EvaluationReport(
        TABLE, ("a", "b"), Calibration(2.0, 0.0, 0.0)
    ).calibration_errors
    # 2 of 3 right at 0.9, none of 1 at 0.8; tempered 2 of 3 at 3/4, none of 1 at 2/3.
    assert before == pytest.approx((3 * (0.9 - 2 / 3) + 0.8) / 4)
    assert after == pytest.approx((3 * (3 / 4 - 2 / 3) + 2 / 3) / 4)
