"""Draws figures of experiments: their trials, and which settings matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.experiments import Importance, RateTest
from fer_core.expressions import COLORS
from fer_core.figures.style import TRAIN_COLOR, VAL_COLOR, blank_figure, label

_ACCURACY = "Validation accuracy"
_TICKS = 5
_SCALE = ["#0072b2", "#cc79a7", "#e69f00"]  # seen on white as well as on black
_MOST_CHOICES = 12  # of which each has a tick


@dataclass(frozen=True)
class Axis:
    """Holds the values of one setting in all trials."""

    name: str
    values: Sequence[Any]
    log: bool = False


def parallel_figure(axes: Sequence[Axis], accuracies: Sequence[float]) -> go.Figure:
    """Draws the trials as lines over parallel axes: a setting each, and the accuracy at the end.

    Lines are colored by their accuracy, and can be filtered by dragging along an axis.
    """
    scores = [100 * accuracy for accuracy in accuracies]
    every = [*axes, Axis(f"{_ACCURACY}, %", scores)]
    dimensions = [_number_axis(axis) or _choice_axis(axis) for axis in every]
    figure = blank_figure(
        go.Figure(
            go.Parcoords(
                dimensions=dimensions,
                line={
                    "color": scores,
                    "colorscale": _SCALE,
                    "showscale": False,
                },
                labelangle=-20,  # they overlap on narrow screens
            )
        )
    )
    figure.update_layout(height=400, margin={"l": 70, "r": 70, "t": 84, "b": 24})
    return figure


def _number_axis(axis: Axis) -> dict[str, Any] | None:
    """Returns an axis of numbers, or None if there are others, or the same number only."""
    values = axis.values
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
        return None
    numbers = np.asarray(values, float)
    if not len(numbers) or numbers.min() == numbers.max():
        return None
    is_log = axis.log and numbers.min() > 0
    shown = np.log10(numbers) if is_log else numbers
    ticks = _ticks(shown, is_log)
    texts = [f"{10**tick if is_log else tick:.3g}" for tick in ticks]
    ends = [min(ticks[0], shown.min()), max(ticks[-1], shown.max())]
    return {
        "label": label(axis.name),
        "values": shown.tolist(),
        "tickvals": ticks.tolist(),
        "ticktext": texts,
        "range": [float(end) for end in ends],
    }


def _ticks(values: np.ndarray, is_log: bool) -> np.ndarray:
    """Returns where to label an axis: at its few values, at powers of ten, or evenly."""
    found = np.unique(values)
    if len(found) <= _TICKS:
        return found
    decades = np.arange(np.floor(found[0]), np.ceil(found[-1]) + 1)
    if is_log and 2 < len(decades) <= 2 * _TICKS:
        return decades
    return np.linspace(found[0], found[-1], _TICKS)


def _choice_axis(axis: Axis) -> dict[str, Any]:
    texts = [_text(value) for value in axis.values]
    choices = sorted(set(texts))
    return {
        "label": label(axis.name),
        "values": [choices.index(text) for text in texts],
        "tickvals": list(range(len(choices)))[:_MOST_CHOICES],
        "ticktext": [label(choice) for choice in choices[:_MOST_CHOICES]],
        "range": [-0.5, len(choices) - 0.5],
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "×".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def rate_figure(found: RateTest) -> go.Figure:
    """Draws the loss over the learning rates that were tried, and the suggested one."""
    figure = blank_figure()
    for losses, name, opacity in ((found.losses, "Loss", 0.35), (found.smoothed, "Smoothed", 1)):
        figure.add_trace(
            go.Scatter(
                x=list(found.rates),
                y=[float(loss) for loss in losses],
                name=name,
                mode="lines",
                opacity=opacity,
                line={"color": TRAIN_COLOR, "width": 2},
                hovertemplate="%{x:.2g}: %{y:.3f}<extra>%{fullData.name}</extra>",
            )
        )
    if found.suggestion is not None:
        figure.add_vline(x=found.suggestion, line={"color": VAL_COLOR, "dash": "dash", "width": 2})
    figure.update_layout(height=320)
    figure.update_xaxes(type="log", title_text="Learning rate", exponentformat="power", dtick=1)
    figure.update_yaxes(title_text="Training loss")
    return figure


def importance_figure(found: Sequence[Importance], names: Sequence[str]) -> go.Figure:
    """Draws the importance of settings with its interval, the largest on top."""
    shown = [label(name) for name in names]
    figure = blank_figure(
        go.Figure(
            go.Scatter(
                x=[each.value for each in found],
                y=shown,
                error_x={
                    "array": [max(0.0, each.high - each.value) for each in found],
                    "arrayminus": [max(0.0, each.value - each.low) for each in found],
                    "thickness": 2,
                    "width": 5,
                },
                mode="markers",
                marker={"color": COLORS["angry"], "size": 10},
                hovertemplate="%{y}: %{x:.2f}<extra></extra>",
            )
        )
    )
    figure.update_layout(height=110 + 34 * len(found))
    figure.update_xaxes(title_text="Share of the variance of the accuracy", zeroline=True)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure
