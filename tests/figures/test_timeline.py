"""A face's course through a video, as areas."""

import numpy as np
import pytest

from fer_core.expressions import COLORS
from fer_core.figures.timeline import timeline_figure, timeline_times
from fer_core.markers import Marker, TimeRange

NAMES = ("sad", "happy")


def seconds_of(trace) -> np.ndarray:
    times = np.asarray(trace.x, "datetime64[ms]") - np.datetime64("2000-01-01")
    return times / np.timedelta64(1, "s")


def test_the_areas_are_stacked_in_the_expressions_colors() -> None:
    figure = timeline_figure(
        np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.4, 0.6]]), NAMES, whole=5.0
    )
    assert [trace.name for trace in figure.data] == ["sad", "happy"]
    assert {trace.stackgroup for trace in figure.data} == {"expressions"}
    assert figure.data[0].line.color == COLORS["sad"]
    assert figure.data[1].y[1:-1] == pytest.approx([0.1, 0.6])
    assert seconds_of(figure.data[0])[1:-1] == pytest.approx([0, 1])
    assert figure.layout.xaxis.range == ("2000-01-01T00:00:00.000", "2000-01-01T00:00:05.000")


def test_times_are_the_same_in_every_time_zone() -> None:
    seconds = np.arange(0, 12, 0.5)
    figure = timeline_figure(seconds, np.ones((len(seconds), 1)), ("sad",), whole=12.0)
    assert all(isinstance(time, str) for time in figure.data[0].x)  # numbers would be local


def test_the_areas_drop_to_zero_while_the_face_is_away() -> None:
    figure = timeline_figure(np.array([0.0, 0.5, 1.0, 4.0]), np.ones((4, 1)), ("sad",), whole=5.0)
    assert figure.data[0].y.tolist() == [0, 1, 1, 1, 0, 0, 1, 0]
    assert seconds_of(figure.data[0]) == pytest.approx([0, 0, 0.5, 1, 1, 4, 4, 4], abs=2e-3)


def test_a_low_frame_rate_makes_no_gaps() -> None:
    seconds = np.arange(0, 20, 2.0)
    figure = timeline_figure(seconds, np.ones((10, 1)), ("sad",), whole=20.0)
    assert figure.data[0].y.tolist() == [0] + [1] * 10 + [0]


def test_a_face_with_one_frame_or_none_can_be_drawn() -> None:
    one = timeline_figure(np.array([1.0]), np.ones((1, 1)), ("sad",), whole=2.0, legend=False)
    assert one.data[0].y.tolist() == [0, 1, 0]
    assert one.layout.showlegend is False
    assert len(timeline_figure(np.empty(0), np.empty((0, 1)), ("sad",), whole=2.0).data[0].x) == 0


@pytest.mark.parametrize(("whole", "expected"), [(20.0, "%M:%S"), (4000.0, "%H:%M:%S")])
def test_the_time_axis_shows_minutes_and_hours(whole: float, expected: str) -> None:
    figure = timeline_figure(np.array([1.0]), np.ones((1, 1)), ("sad",), whole=whole)
    assert figure.layout.xaxis.tickformatstops[-1].value == expected


def test_markers_are_lines_with_literal_labels_and_excluded_ranges_are_shaded() -> None:
    figure = timeline_figure(
        np.array([0.0, 1.0]),
        np.ones((2, 1)),
        ("sad",),
        whole=5.0,
        markers=[Marker(2.0, "<b>go</b>"), Marker(4.5, "x" * 100)],
        excluded=[TimeRange(3.0, 4.0)],
    )
    shaded, *lines = figure.layout.shapes
    assert [shape.x0 for shape in lines] == timeline_times([2.0, 4.5])
    assert [shaded.type, shaded.x0, shaded.x1] == ["rect", *timeline_times([3.0, 4.0])]
    literal, long = figure.layout.annotations
    assert literal.text == "&lt;b&gt;go&lt;/b&gt;" and len(long.text) < 30


def test_differences_from_a_baseline_are_lines_which_the_axis_says() -> None:
    figure = timeline_figure(
        np.array([0.0, 0.5, 1.0, 4.0]),
        np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]]),
        NAMES,
        whole=5.0,
        baseline=np.array([0.5, 0.5]),
    )
    assert figure.data[0].y.tolist() == pytest.approx([0.4, -0.1, 0, np.nan, -0.3], nan_ok=True)
    assert {trace.stackgroup for trace in figure.data} == {None}
    assert "baseline" in figure.layout.yaxis.title.text
    assert figure.layout.yaxis.range[0] < 0
    empty = timeline_figure(np.empty(0), np.empty((0, 1)), ("sad",), whole=2.0, baseline=np.ones(1))
    assert len(empty.data[0].x) == 0
