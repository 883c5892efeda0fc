"""Draws reliability diagrams and the trade-off between coverage and accuracy."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.expressions import COLORS
from fer_core.figures.style import blank_figure

_BEFORE, _AFTER = COLORS["angry"], COLORS["sad"]
_HEIGHT = 380  # pixels
_MOST_POINTS = 400  # of a curve; more are not visible
_FIRST_IMAGES = 20  # where the curve begins; the accuracy of fewer images means little


def reliability_figure(before: pd.DataFrame, after: pd.DataFrame | None = None) -> go.Figure:
    """Draws the reliability diagram: accuracy against confidence, with 95 % intervals.

    Args:
        before: for uncalibrated probabilities, as `calibration.reliability` returns it.
        after: the same for calibrated probabilities.
    """
    figure = blank_figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": "rgba(128,128,128,0.7)", "dash": "dot", "width": 1.5},
        name="Perfect calibration",
        hoverinfo="skip",
    )
    tables = [("Uncalibrated", before, _BEFORE, "diamond")]
    if after is not None:
        tables.append(("Calibrated", after, _AFTER, "circle"))
    for name, table, color, symbol in tables:
        figure.add_trace(_reliability_trace(name, table, color, symbol))
    figure.update_layout(height=_HEIGHT)
    _as_shares(figure, "Confidence", "Accuracy")
    return figure


def coverage_figure(table: pd.DataFrame, least: float | None = None) -> go.Figure:
    """Draws accuracy against coverage, the fraction of images that the model answers.

    Args:
        table: as `calibration.coverage` returns it.
        least: a threshold of confidence, in [0, 1], to mark.
    """
    figure = blank_figure()
    drawn = _thinned(table)
    for edge, fill in (("high", None), ("low", "tonexty")):
        figure.add_scatter(
            x=drawn["coverage"],
            y=drawn[edge],
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor="rgba(0,114,178,0.18)",
            name="95 % interval",
            showlegend=edge == "low",
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=drawn["coverage"],
        y=drawn["accuracy"],
        mode="lines",
        line={"color": _AFTER, "width": 2},
        name="Accuracy of the answers",
        customdata=drawn[["confidence", "images"]],
        hovertemplate="%{x:.1%} answered, %{customdata[1]:,} images: %{y:.1%} right<br>"
        "confidence at least %{customdata[0]:.1%}<extra></extra>",
    )
    passed = table[table["confidence"] >= least] if least is not None else table[:0]
    if len(passed):
        point = passed.iloc[-1]
        figure.add_scatter(
            x=[point["coverage"]],
            y=[point["accuracy"]],
            mode="markers",
            marker={"color": _BEFORE, "size": 11, "symbol": "diamond"},
            name="Chosen",
            hoverinfo="skip",
        )
    figure.update_layout(height=_HEIGHT)
    _as_shares(figure, "Coverage: share of images answered", "Accuracy")
    figure.update_yaxes(range=None, autorange=True)
    return figure


def _reliability_trace(name: str, table: pd.DataFrame, color: str, symbol: str) -> go.Scatter:
    share = table["images"] / max(1, table["images"].sum())
    return go.Scatter(
        x=table["confidence"],
        y=table["accuracy"],
        mode="lines+markers",
        line={"color": color, "width": 1.5},
        # The area of a marker is proportional to the number of its images.
        marker={"color": color, "symbol": symbol, "size": 6 + 22 * np.sqrt(share)},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": table["high"] - table["accuracy"],
            "arrayminus": table["accuracy"] - table["low"],
            "thickness": 1,
            "width": 3,
        },
        customdata=table[["images", "low", "high"]],
        hovertemplate="said %{x:.1%}, right %{y:.1%} (%{customdata[1]:.1%} to "
        f"%{{customdata[2]:.1%}}), %{{customdata[0]:,}} images<extra>{name}</extra>",
        name=name,
    )


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Returns evenly spaced rows of a curve, including the last."""
    table = table[table["images"] >= min(_FIRST_IMAGES, table["images"].max())]
    rows = np.unique(np.linspace(0, len(table) - 1, min(len(table), _MOST_POINTS)).astype(int))
    return table.iloc[rows]


def _as_shares(figure: go.Figure, x: str, y: str) -> None:
    figure.update_xaxes(title_text=x, range=[0, 1.02], tickformat=".0%", fixedrange=True)
    figure.update_yaxes(title_text=y, range=[0, 1.04], tickformat=".0%", fixedrange=True)
