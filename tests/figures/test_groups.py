"""Bars of participants, and means of conditions with their intervals."""

import pandas as pd
import pytest

from fer_core.figures.groups import condition_figure, participant_figure


def test_each_participant_is_a_bar_of_all_shares() -> None:
    shares = pd.DataFrame(
        {"sad": [0.25, 0.5], "happy": [0.75, 0.25], "not sure": [0.0, 0.25]}, ["P1", "<b>P2</b>"]
    )
    figure = participant_figure(shares, ("sad", "happy"))
    assert [list(bar.x) for bar in figure.data] == [[0.25, 0.5], [0.75, 0.25], [0.0, 0.25]]
    assert list(figure.data[0].y) == ["P1", "&lt;b&gt;P2&lt;/b&gt;"]
    assert len({bar.marker.color for bar in figure.data}) == 3


def test_intervals_reach_from_low_to_high_and_are_missing_without_one() -> None:
    figure = condition_figure(
        {"calm": {"sad": (0.4, 0.3, 0.6), "happy": (0.2, None, None)}, "loud": {"sad": (0.5, 0, 1)}}
    )
    calm, loud = figure.data
    assert (list(calm.y), list(loud.y)) == ([0.4, 0.2], [0.5])
    assert list(calm.error_y.array) == pytest.approx([0.2, 0.0])
    assert list(calm.error_y.arrayminus) == pytest.approx([0.1, 0.0])
    assert calm.marker.color != loud.marker.color
