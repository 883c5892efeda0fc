"""The figure of a face's last seconds before the camera."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import plotly.graph_objects as go

from fer_core.expressions import colors
from fer_core.figures.style import blank_figure

RECENT_HEIGHT = 260  # pixels
_PER_SECOND = 5  # points that are drawn; the smoothed probabilities change no faster
_LONGEST_GAP = 2.0  # seconds; in a longer one the face was not there, and nothing is drawn


def recent_figure(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    now: float,
    span: float,
) -> go.Figure:
    """Probabilities over the last seconds as areas upon each other, the first class at the bottom.

    Args:
        seconds: (n,), rising, by the clock that `now` is of.
        probabilities: (n, classes), in [0, 1].
        span: seconds that the axis shows.
    """
    figure = go.Figure(_empty(tuple(class_names), span))
    seconds, probabilities = _with_gaps(*_thinned(seconds, probabilities))
    before_now = (seconds - now).astype("float32")  # half as much to send
    for trace, values in zip(figure.data, probabilities.T.astype("float32"), strict=True):
        trace.x, trace.y = before_now, values
    return figure


@cache
def _empty(class_names: tuple[str, ...], span: float) -> go.Figure:
    """The figure without its numbers; to make it takes Plotly a long time."""
    figure = blank_figure()
    for name, color in zip(class_names, colors(class_names), strict=True):
        figure.add_scatter(
            name=name,
            stackgroup="expressions",
            mode="lines",
            line={"width": 0.5, "color": color},
            hovertemplate=f"{name}: %{{y:.0%}}<extra></extra>",
        )
    # A person's zoom and hidden traces stay for as long as `uirevision` does.
    figure.update_layout(height=RECENT_HEIGHT, uirevision="recent", hovermode="x unified")
    figure.update_xaxes(range=[-span, 0], title_text="Seconds before now", showgrid=False)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", nticks=5, fixedrange=True)
    return figure


def _thinned(seconds: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last of the points in every part of a second."""
    parts = np.floor(seconds * _PER_SECOND)
    kept = np.append(parts[1:] != parts[:-1], True)[: len(seconds)]
    return seconds[kept], probabilities[kept]


def _with_gaps(seconds: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Falls to nothing where the face was not there, instead of going straight across."""
    after = np.flatnonzero(np.diff(seconds) > _LONGEST_GAP) + 1
    edges = np.repeat(after, 2)
    where = np.column_stack([seconds[after - 1], seconds[after]]).ravel()
    return np.insert(seconds, edges, where), np.insert(probabilities, edges, 0.0, axis=0)
