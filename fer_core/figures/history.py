"""Draws a run's learning curves."""

from functools import cache

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fer_core.figures.style import (
    ABOVE_ALL,
    TRAIN_COLOR,
    VAL_COLOR,
    blank_figure,
    metric_format,
    minmax_downsample,
)

HISTORY_HEIGHT = 520  # pixels
MOST_POINTS = 1000  # of a line of steps; more are not visible
MANY_EPOCHS = 60  # above this, small markers do not overlap


def history_figure(history: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """Draws loss and accuracy of one run, during and after training.

    The axis counts epochs: the first one is from 0 to 1, and 2.5 is the middle of the third.

    Args:
        history: epoch (from 0), loss, accuracy, val_loss, val_accuracy; a row per completed epoch.
        steps: epoch (fractional, from 0), loss, accuracy; about a row per second.
    """
    figure = go.Figure(_empty_history())
    if len(history) > MANY_EPOCHS:
        figure.update_traces(marker_size=3)
    for row, metric in enumerate(("loss", "accuracy")):
        within, training, validation = figure.data[3 * row : 3 * row + 3]
        _fill(within, steps, metric)
        _fill(training, history, metric, shift=1)
        _fill(validation, history, f"val_{metric}", shift=1)
    return figure


@cache
def _empty_history() -> go.Figure:
    """Builds the figure without data, cached because Plotly is slow at it."""
    titles = ("Loss", "Accuracy")
    panels = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.1, subplot_titles=titles)
    figure = blank_figure(panels)
    for row, metric in enumerate(("loss", "accuracy"), start=1):
        for trace in _history_traces(metric):
            trace.showlegend = row == 1
            figure.add_trace(trace, row=row, col=1)
    # The user's zoom and hidden traces persist while `uirevision` stays the same.
    figure.update_layout(height=HISTORY_HEIGHT, uirevision="history", margin={"t": 60})
    figure.update_xaxes(rangemode="tozero")
    figure.update_xaxes(title_text="Epoch", row=2)
    figure.update_yaxes(nticks=6, minallowed=0)
    figure.update_yaxes(tickformat=metric_format("accuracy", 0), maxallowed=ABOVE_ALL, row=2)
    return figure


def _history_traces(metric: str) -> tuple[go.Scatter, ...]:
    within = go.Scatter(
        name="Training, running mean",
        legendgroup="steps",
        mode="lines",
        line={"color": TRAIN_COLOR, "width": 1},
        hovertemplate=f"epoch %{{x:.2f}}: %{{y:{metric_format(metric, 2)}}}<extra></extra>",
    )
    return (
        within,
        _epoch_trace(metric, "Training, per epoch", TRAIN_COLOR, mode="markers"),
        _epoch_trace(f"val_{metric}", "Validation", VAL_COLOR, symbol="diamond"),
    )


def _epoch_trace(
    metric: str,
    name: str,
    color: str,
    *,
    mode: str = "lines+markers",
    symbol: str = "circle",
) -> go.Scatter:
    """Returns a trace with a marker at the end of each epoch."""
    return go.Scatter(
        name=name,
        legendgroup=name,
        mode=mode,
        line={"color": color, "width": 2},
        marker={"color": color, "size": 7, "symbol": symbol},
        hovertemplate=f"epoch %{{x}}: %{{y:{metric_format(metric, 2)}}}<extra>{name}</extra>",
    )


def _fill(trace: go.Scatter, table: pd.DataFrame, metric: str, shift: int = 0) -> go.Scatter:
    """Sets the trace's data to the downsampled metric; `shift` is added to the epoch."""
    numbers = table[["epoch", metric]].to_numpy("float32")  # halves the size of the message
    few = numbers[minmax_downsample(numbers[:, 1], MOST_POINTS)]
    trace.x, trace.y = few[:, 0] + shift, few[:, 1]
    return trace
