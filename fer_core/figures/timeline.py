"""The figure of one face's probabilities through a video."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from fer_core.expressions import colors
from fer_core.figures.style import blank_figure

TIMELINE_HEIGHT = 190  # pixels
_GAP = 1.0  # seconds; in a longer one the face was not there, and nothing is drawn
_GAP_STEPS = 3.0  # as often as the usual distance of two frames, where these are far apart
# A date, in milliseconds since 1970: its axis has minutes and seconds. Not 1970 itself: Plotly
# takes numbers of four digits for years.
_MIDNIGHT = 946_684_800_000.0
_AT_ONCE = 1e-3  # seconds in which an area falls to nothing


def timeline_figure(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    whole: float,
    legend: bool = True,
) -> go.Figure:
    """Probabilities as areas upon each other, the first class at the bottom.

    Args:
        seconds: (n,), rising, since the video's beginning.
        probabilities: (n, classes), in [0, 1].
        whole: seconds that the axis shows.
    """
    seconds, probabilities = _with_gaps(seconds, probabilities)
    milliseconds = _MIDNIGHT + np.rint(1e3 * seconds)
    figure = blank_figure()
    for name, color, values in zip(class_names, colors(class_names), probabilities.T, strict=True):
        figure.add_scatter(
            x=milliseconds,
            y=values.astype("float32"),  # half as much to send
            name=name,
            stackgroup="expressions",
            mode="lines",
            line={"width": 0.5, "color": color},
            hovertemplate=f"{name}: %{{y:.0%}}<extra></extra>",
        )
    figure.update_layout(
        height=TIMELINE_HEIGHT + (30 if legend else 0),
        showlegend=legend,
        hovermode="x unified",
        margin={"t": 36 if legend else 8},
    )
    figure.update_xaxes(
        type="date",
        range=[_MIDNIGHT, _MIDNIGHT + 1e3 * whole],
        tickformatstops=[
            {"dtickrange": [None, 999], "value": "%M:%S.%1f"},
            {"dtickrange": [1000, None], "value": "%H:%M:%S" if whole >= 3600 else "%M:%S"},
        ],
        hoverformat="%M:%S.%L",
        showgrid=False,
    )
    figure.update_yaxes(range=[0, 1], tickformat=".0%", nticks=4, fixedrange=True)
    return figure


def _with_gaps(seconds: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Begins and ends with nothing, and falls to it where the face was not there."""
    if not len(seconds):
        return seconds, probabilities
    steps = np.diff(seconds)
    longest = max(_GAP, _GAP_STEPS * float(np.median(steps))) if len(steps) else _GAP
    after = np.flatnonzero(steps > longest) + 1
    edges = np.concatenate([[0], np.repeat(after, 2), [len(seconds)]])
    ends = np.column_stack([seconds[after - 1] + _AT_ONCE, seconds[after] - _AT_ONCE]).ravel()
    where = np.concatenate([[seconds[0] - _AT_ONCE], ends, [seconds[-1] + _AT_ONCE]])
    return np.insert(seconds, edges, where), np.insert(probabilities, edges, 0.0, axis=0)
