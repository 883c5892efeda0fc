"""Draws a face's probabilities over time: through a video, or over the last seconds."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.expressions import colors
from fer_core.figures.style import blank_figure, label
from fer_core.markers import Marker, TimeRange
from fer_core.text import shortened

TIMELINE_HEIGHT = 190  # pixels
RECENT_HEIGHT = 260
# A gap longer than this many seconds is left empty: the face was not visible. In a video with few
# frames per second the limit is `_GAP_STEPS` times the median distance of two frames instead.
_MAX_GAP = 1.0
_MAX_RECENT_GAP = 2.0
_GAP_STEPS = 3.0
# The origin of the date axis, which shows minutes and seconds.
TIMELINE_ORIGIN = "2000-01-01T00:00:00.000"
_EDGE = 1e-3  # seconds in which an area falls to zero
_EXCLUDED, _LINE = "rgba(128,128,128,0.6)", "#555"
_MAX_LABELS = 40  # of markers: more would cover each other
_MAX_LABEL = 24  # characters
_POINTS_PER_SECOND = 5  # of the recent figure; smoothed probabilities change no faster


def timeline_figure(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    whole: float,
    legend: bool = True,
    baseline: np.ndarray | None = None,
    markers: Sequence[Marker] = (),
    excluded: Sequence[TimeRange] = (),
) -> go.Figure:
    """Draws a face's probabilities through a video as stacked areas, the first class lowest.

    Args:
        seconds: (n,), ascending, since the beginning of the video.
        probabilities: (n, classes), in [0, 1].
        class_names: in label order.
        whole: the length of the video in seconds.
        legend: show the legend.
        baseline: (classes,), subtracted; the differences are lines, which the axis says.
        markers: drawn as labeled vertical lines.
        excluded: ranges that are shaded.
    """
    if baseline is None:
        seconds, probabilities = _with_gaps_and_ends(seconds, probabilities)
        traces = list(_areas(class_names))
    else:
        seconds, probabilities = _with_breaks(seconds, probabilities - baseline)
        traces = list(_lines(class_names))
    times = timeline_times(seconds)
    figure = blank_figure()
    for trace, values in zip(traces, probabilities.T, strict=True):
        figure.add_trace(trace.update(x=times, y=values.astype("float32")))
    top = 8 + (28 if legend else 0) + (14 if markers else 0)
    figure.update_layout(
        height=TIMELINE_HEIGHT + top - 8,
        showlegend=legend,
        hovermode="x unified",
        margin={"t": top},
        shapes=[*_ranges(excluded), *_marker_lines(markers)],
        annotations=_marker_labels(markers),
    )
    if legend and markers:  # above the labels
        figure.update_layout(legend_y=1.16)
    _set_axes(figure, whole, is_change=baseline is not None)
    return figure


def _set_axes(figure: go.Figure, whole: float, *, is_change: bool) -> None:
    figure.update_xaxes(
        type="date",
        range=timeline_times([0.0, whole]),
        tickformatstops=[
            {"dtickrange": [None, 999], "value": "%M:%S.%1f"},
            {"dtickrange": [1000, None], "value": "%H:%M:%S" if whole >= 3600 else "%M:%S"},
        ],
        hoverformat="%M:%S.%L",
        showgrid=False,
    )
    figure.update_yaxes(range=[0, 1], tickformat=".0%", nticks=4, fixedrange=True)
    if is_change:
        figure.update_yaxes(
            range=[-1, 1], tickformat="+.0%", zeroline=True, title_text="minus baseline"
        )


def _place(seconds: float) -> str:
    return timeline_times([seconds])[0]


def _ranges(excluded: Sequence[TimeRange]) -> Iterable[dict[str, Any]]:
    for each in excluded:
        yield _shape("rect", each.start, each.end) | {
            "fillcolor": _EXCLUDED,
            "line_width": 0,
        }


def _marker_lines(markers: Sequence[Marker]) -> Iterable[dict[str, Any]]:
    for each in markers:
        yield _shape("line", each.seconds, each.seconds) | {
            "line": {"color": _LINE, "width": 1.5, "dash": "dot"}
        }


def _shape(kind: str, start: float, end: float) -> dict[str, Any]:
    """Returns a shape as high as the plot."""
    return {
        "type": kind,
        "x0": _place(start),
        "x1": _place(end),
        "y0": 0,
        "y1": 1,
        "yref": "paper",
    }


def _marker_labels(markers: Sequence[Marker]) -> list[dict[str, Any]]:
    return [
        {
            "x": _place(each.seconds),
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "text": label(_shortened(each.label)),
            "hovertext": label(shortened(each.label)),
            "showarrow": False,
            "font": {"size": 11},
        }
        for each in markers[:_MAX_LABELS]
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"


def timeline_times(seconds: np.ndarray | Sequence[float]) -> list[str]:
    """Returns the places on the axis of `timeline_figure` of seconds since the video's beginning.

    They are texts: Plotly takes numbers on a date axis for the time where the browser is.
    """
    milliseconds = np.rint(1e3 * np.asarray(seconds, float)).astype("timedelta64[ms]")
    times: list[str] = np.datetime_as_string(
        np.datetime64(TIMELINE_ORIGIN, "ms") + milliseconds
    ).tolist()
    return times


def recent_figure(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    now: float,
    span: float,
) -> go.Figure:
    """Draws a face's last seconds before the camera as stacked areas, the first class lowest.

    Args:
        seconds: (n,), ascending, on the same clock as `now`.
        probabilities: (n, classes), in [0, 1].
        class_names: in label order.
        now: the right end of the axis.
        span: the length of the axis in seconds.
    """
    figure = go.Figure(_empty_recent(tuple(class_names), span))
    seconds, probabilities = _with_gaps(*_downsample(seconds, probabilities))
    before_now = (seconds - now).astype("float32")  # halves the size of the message
    for trace, values in zip(figure.data, probabilities.T.astype("float32"), strict=True):
        trace.x, trace.y = before_now, values
    return figure


@cache
def _empty_recent(class_names: tuple[str, ...], span: float) -> go.Figure:
    """Builds the recent figure without data, cached because Plotly is slow at it."""
    figure = blank_figure()
    figure.add_traces(list(_areas(class_names)))
    # The user's zoom and hidden traces persist while `uirevision` stays the same.
    figure.update_layout(height=RECENT_HEIGHT, uirevision="recent", hovermode="x unified")
    figure.update_xaxes(range=[-span, 0], title_text="Seconds before now", showgrid=False)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", nticks=5, fixedrange=True)
    return figure


def _areas(class_names: Sequence[str]) -> Iterable[go.Scatter]:
    for name, color in zip(map(label, class_names), colors(class_names), strict=True):
        yield go.Scatter(
            name=name,
            stackgroup="expressions",
            mode="lines",
            line={"width": 0.5, "color": color},
            hovertemplate=f"{name}: %{{y:.0%}}<extra></extra>",
        )


def _lines(class_names: Sequence[str]) -> Iterable[go.Scatter]:
    for name, color in zip(map(label, class_names), colors(class_names), strict=True):
        yield go.Scatter(
            name=name,
            mode="lines",
            line={"width": 1.5, "color": color},
            hovertemplate=f"{name}: %{{y:+.0%}}<extra></extra>",
        )


def _downsample(seconds: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keeps the last point of every fifth of a second."""
    parts = np.floor(seconds * _POINTS_PER_SECOND)
    kept = np.append(parts[1:] != parts[:-1], True)[: len(seconds)]
    return seconds[kept], probabilities[kept]


def _with_gaps(seconds: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inserts zeros where the face was not visible, instead of interpolating."""
    after = np.flatnonzero(np.diff(seconds) > _MAX_RECENT_GAP) + 1
    edges = np.repeat(after, 2)
    where = np.column_stack([seconds[after - 1], seconds[after]]).ravel()
    return np.insert(seconds, edges, where), np.insert(probabilities, edges, 0.0, axis=0)


def _with_gaps_and_ends(
    seconds: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Inserts zeros at both ends and where the face was not visible."""
    if not len(seconds):
        return seconds, probabilities
    after = _absences(seconds)
    edges = np.concatenate([[0], np.repeat(after, 2), [len(seconds)]])
    ends = np.column_stack([seconds[after - 1] + _EDGE, seconds[after] - _EDGE]).ravel()
    where = np.concatenate([[seconds[0] - _EDGE], ends, [seconds[-1] + _EDGE]])
    return np.insert(seconds, edges, where), np.insert(probabilities, edges, 0.0, axis=0)


def _with_breaks(seconds: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inserts missing values where the face was not visible, which interrupt a line."""
    after = _absences(seconds)
    where = seconds[after - 1] + _EDGE
    return np.insert(seconds, after, where), np.insert(values, after, np.nan, axis=0)


def _absences(seconds: np.ndarray) -> np.ndarray:
    """Returns the positions of the frames before which the face was not visible."""
    steps = np.diff(seconds)
    longest = max(_MAX_GAP, _GAP_STEPS * float(np.median(steps))) if len(steps) else _MAX_GAP
    return np.asarray(np.flatnonzero(steps > longest) + 1)
