"""The figure of the last seconds before the camera."""

import numpy as np
import pytest

from fer_core.expressions import COLORS, EXPRESSIONS
from fer_core.figures.timeline import recent_figure

NAMES = ("happy", "sad")


def test_the_areas_add_up_to_one() -> None:
    seconds = np.array([97.0, 98.0, 99.0])
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]])
    figure = recent_figure(seconds, probabilities, NAMES, now=100.0, span=30.0)
    assert [trace.name for trace in figure.data] == list(NAMES)
    assert [trace.line.color for trace in figure.data] == [COLORS[name] for name in NAMES]
    assert {trace.stackgroup for trace in figure.data} == {"expressions"}
    assert figure.data[0].x.tolist() == [-3, -2, -1]
    assert (figure.data[0].y + figure.data[1].y).tolist() == [1, 1, 1]
    assert figure.layout.xaxis.range == (-30, 0)


def test_the_areas_have_a_gap_while_the_face_is_away() -> None:
    seconds = np.array([90.0, 90.5, 98.0, 98.5])
    figure = recent_figure(seconds, np.full((4, 2), 0.5), NAMES, now=100.0, span=30.0)
    assert figure.data[0].x.tolist() == [-10, -9.5, -9.5, -2, -2, -1.5]
    assert figure.data[0].y.tolist() == [0.5, 0.5, 0, 0, 0.5, 0.5]


def test_recent_points_are_downsampled() -> None:
    seconds = np.linspace(70, 100, 900, endpoint=False)
    shares = np.random.default_rng(0).dirichlet(np.ones(7), 900)
    figure = recent_figure(seconds, shares, EXPRESSIONS, now=100.0, span=30.0)
    assert len(figure.data[0].x) == pytest.approx(150, abs=2)
    assert len(figure.to_json()) < 20_000


def test_earlier_points_do_not_change() -> None:
    seconds = np.linspace(70, 100, 900, endpoint=False)
    shares = np.random.default_rng(0).dirichlet(np.ones(2), 900)
    now, later = (
        recent_figure(seconds, shares, NAMES, now=when, span=30.0) for when in (100.0, 100.33)
    )
    assert now.data[0].y.tolist() == later.data[0].y.tolist()


def test_without_a_face_the_figure_has_only_axes() -> None:
    figure = recent_figure(np.empty(0), np.empty((0, 2)), NAMES, now=100.0, span=30.0)
    assert len(figure.data[0].x) == 0
    assert figure.layout.yaxis.range == (0, 1)
