"""The figures that set several runs side by side."""

from collections.abc import Mapping
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from fer_core.errors import FerError
from fer_core.evaluation import Accuracy
from fer_core.expressions import COLORS
from fer_core.figures.style import ABOVE_ALL, METRICS, blank_figure, label, metric_format
from fer_core.text import SPLIT_NAMES

_SPLIT_LOOKS = {  # name, colour and sign of a split
    "val": (SPLIT_NAMES["val"], COLORS["angry"], "diamond"),
    "test": (SPLIT_NAMES["test"], COLORS["neutral"], "circle"),
}
_DASHES = ("solid", "dash", "dot", "dashdot")
_FEW = 40  # points of a curve that each get a marker
_TIMES = ((3 * 3600, 3600, "h"), (180, 60, "min"))  # seconds from which, seconds of one, word
_BAND = 0.18  # opacity


def compare_figure(curves: Mapping[str, pd.DataFrame], metric: str, axis: str) -> go.Figure:
    """The curves of several runs, and of groups of runs with a band around them.

    Args:
        curves: by name: the metric's column and the axis's; a band has `low` and `high` too.
        metric: a key of `figures.METRICS`.
        axis: "epochs", "steps" or "seconds", each counted to the end of an epoch.

    Raises:
        FerError: no such metric or axis.
    """
    if metric not in METRICS:
        raise FerError(f"`metric` must be one of {', '.join(METRICS)}. Received: {metric!r}")
    unit, word, title = _unit(curves, axis)
    figure = blank_figure()
    for number, ((name, curve), color) in enumerate(
        zip(curves.items(), cycle(COLORS.values()), strict=False)
    ):
        x = (curve[axis] / unit).astype("float32")  # half as much to send
        if "low" in curve:
            figure.add_trace(_band(x, curve, name, color))
        dash = _DASHES[number // len(COLORS) % len(_DASHES)]
        figure.add_trace(_curve(x, curve[metric], name, {"color": color, "dash": dash}, word))
    figure.update_layout(height=400 + 12 * len(curves), showlegend=True, legend=_LEGEND)
    figure.update_xaxes(title_text=title, rangemode="tozero")
    tickformat = metric_format(metric, 0)
    figure.update_yaxes(title_text=METRICS[metric], tickformat=tickformat, minallowed=0)
    if tickformat.endswith("%"):
        figure.update_yaxes(maxallowed=ABOVE_ALL)
    return figure


def interval_figure(accuracies: Mapping[str, Mapping[str, Accuracy]]) -> go.Figure:
    """Accuracies with their 95 % intervals: a row per run, its splits side by side.

    Args:
        accuracies: by run and by split, "val" and "test"; not every run has every split.
    """
    figure = blank_figure()
    for split, (name, color, symbol) in _SPLIT_LOOKS.items():
        rows = {run: splits[split] for run, splits in accuracies.items() if split in splits}
        if rows:
            figure.add_trace(_intervals(rows, name, color, symbol))
    figure.update_layout(height=90 + 34 * len(accuracies), scattermode="group", showlegend=True)
    every = [accuracy for splits in accuracies.values() for accuracy in splits.values()]
    low, high = min(one.low for one in every), max(one.high for one in every)
    room = 0.05 * (high - low)
    # Plotly would begin at 0, where intervals of thousands of images are too narrow to be seen.
    figure.update_xaxes(range=[max(0, low - room), min(ABOVE_ALL, high + room)])
    figure.update_xaxes(tickformat=".0%", minallowed=0, maxallowed=ABOVE_ALL, showgrid=True)
    figure.update_yaxes(
        type="category",
        showgrid=False,
        categoryorder="array",
        categoryarray=list(accuracies),
        range=[len(accuracies) - 0.5, -0.5],  # the first on top
    )
    return figure


# Below the curves, as many columns as there is room for; Plotly lets a long one be scrolled.
_LEGEND = {
    "orientation": "h",
    "yref": "container",
    "y": 0,
    "yanchor": "bottom",
    "entrywidthmode": "pixels",
    "entrywidth": 300,
}


def _unit(curves: Mapping[str, pd.DataFrame], axis: str) -> tuple[float, str, str]:
    """Returns the divisor of the axis, the text before or after its numbers, and its title."""
    if axis == "seconds":
        longest = max((curve[axis].max() for curve in curves.values() if len(curve)), default=0)
        fitting = ((unit, word) for least, unit, word in _TIMES if longest >= least)
        unit, word = next(fitting, (1, "s"))
        return unit, f"%{{x:.1f}} {word}", f"Training time, {word}"
    words = {"epochs": ("epoch %{x}", "Epoch"), "steps": ("step %{x:,}", "Step")}
    if axis not in words:
        raise FerError(f"`axis` must be epochs, steps or seconds. Received: {axis!r}")
    return 1, *words[axis]


def _curve(
    x: pd.Series, y: pd.Series, name: str, line: Mapping[str, str], position: str
) -> go.Scatter:
    value = metric_format(str(y.name), 2)
    return go.Scatter(
        x=x,
        y=y.astype("float32"),
        name=label(name),
        legendgroup=name,
        mode="lines+markers" if len(x) <= _FEW else "lines",
        line={**line, "width": 2},
        marker={"size": 6},
        hovertemplate=f"{position}: %{{y:{value}}}<extra>%{{fullData.name}}</extra>",
    )


def _band(x: pd.Series, curve: pd.DataFrame, name: str, color: str) -> go.Scatter:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return go.Scatter(
        x=pd.concat([x, x[::-1]]),
        y=pd.concat([curve["high"], curve["low"][::-1]]).astype("float32"),
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},{_BAND})",
    )


def _intervals(rows: Mapping[str, Accuracy], name: str, color: str, symbol: str) -> go.Scatter:
    accuracies = list(rows.values())
    return go.Scatter(
        x=[accuracy.value for accuracy in accuracies],
        y=list(rows),
        error_x={
            "array": [accuracy.high - accuracy.value for accuracy in accuracies],
            "arrayminus": [accuracy.value - accuracy.low for accuracy in accuracies],
            "thickness": 2,
            "width": 5,
        },
        name=name,
        orientation="h",
        offsetgroup=name,
        mode="markers",
        marker={"color": color, "size": 10, "symbol": symbol},
        customdata=[str(accuracy) for accuracy in accuracies],
        hovertemplate=f"%{{y}}, {name.lower()}: %{{customdata}}<extra></extra>",
    )
