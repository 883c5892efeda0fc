"""Figures of confidence: what is drawn, from what data."""

import numpy as np
import pandas as pd
import pytest

from fer_core.evaluation.calibration import coverage, reliability
from fer_core.figures.calibration import coverage_figure, reliability_figure


def predictions(images: int) -> pd.DataFrame:
    sure = np.linspace(0.5, 1, images)
    truths = np.where(np.arange(images) % 3, "a", "b")
    return pd.DataFrame({"expression": truths, "p_a": sure, "p_b": 1 - sure})


def test_reliability_is_drawn_with_intervals_before_and_after_calibration() -> None:
    before, after = reliability(predictions(90)), reliability(predictions(90), 2.0)
    diagonal, first, second = reliability_figure(before, after).data
    assert (list(diagonal.x), list(diagonal.y)) == ([0, 1], [0, 1])
    for trace, table in ((first, before), (second, after)):
        assert list(trace.x) == table["confidence"].tolist()
        assert list(trace.y) == table["accuracy"].tolist()
        bars = np.asarray(trace.y) + trace.error_y.array
        assert bars == pytest.approx(table["high"].to_numpy())
    assert len(reliability_figure(before).data) == 2


def test_coverage_is_drawn_with_its_interval_and_the_threshold() -> None:
    table = coverage(predictions(90))
    *band, line, chosen = coverage_figure(table, 0.75).data
    assert [trace.fill for trace in band] == [None, "tonexty"]
    assert line.x[-1] == 1 and line.y[-1] == pytest.approx(60 / 90)
    passed = table[table["confidence"] >= 0.75].iloc[-1]
    assert (chosen.x[0], chosen.y[0]) == (passed["coverage"], passed["accuracy"])
    assert len(coverage_figure(table, 2.0).data) == 3


@pytest.mark.parametrize("images", [1, 19, 5000])
def test_coverage_can_be_drawn_for_few_and_many_images(images: int) -> None:
    line = coverage_figure(coverage(predictions(images))).data[2]
    assert 1 <= len(line.x) <= 400
    assert line.x[-1] == 1
