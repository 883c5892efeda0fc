"""Draws the means of participants and of conditions."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from fer_core.expressions import COLORS, colors
from fer_core.figures.style import blank_figure, label

_OTHER = "#4D4D4D"  # of shares that are no expression's
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")


def participant_figure(shares: pd.DataFrame, class_names: Sequence[str]) -> go.Figure:
    """Draws the shares of each participant as a stacked bar, the first on top.

    Args:
        shares: a row per bar, in [0, 1], that adds up to 1; the index names the bars, the columns
            the shares: first the expressions, in label order, then others.
        class_names: in label order.
    """
    figure = blank_figure()
    names = [label(str(name)) for name in shares.index]
    shades = dict(zip(class_names, colors(class_names), strict=True))
    for column in shares.columns:
        figure.add_bar(
            x=shares[column],
            y=names,
            name=label(str(column)),
            orientation="h",
            marker_color=shades.get(str(column), _OTHER),
            hovertemplate=f"%{{y}}, {label(str(column))}: %{{x:.1%}}<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=110 + 26 * len(names),
        bargap=0.25,
        legend_traceorder="normal",
    )
    figure.update_xaxes(range=[0, 1], dtick=0.2, tickformat=".0%", title_text="Share of frames")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return figure


def condition_figure(
    means: Mapping[str, Mapping[str, tuple[float, float | None, float | None]]],
) -> go.Figure:
    """Draws the mean share of each expression by condition, with intervals.

    Args:
        means: by condition and expression: the mean, in [0, 1], and the ends of its interval; None
            without one.
    """
    figure = blank_figure()
    looks = zip(cycle(COLORS.values()), cycle(_SYMBOLS), strict=False)
    for (condition, values), (color, symbol) in zip(means.items(), looks, strict=False):
        figure.add_trace(_points(condition, values, color, symbol))
    figure.update_layout(height=380, scattermode="group", scattergap=0.4, showlegend=len(means) > 1)
    figure.update_xaxes(showgrid=False, type="category")
    figure.update_yaxes(rangemode="tozero", tickformat=".0%", title_text="Mean share of frames")
    return figure


def _points(
    condition: str,
    values: Mapping[str, tuple[float, float | None, float | None]],
    color: str,
    symbol: str,
) -> go.Scatter:
    means = list(values.values())
    texts = [
        f"{value:.1%}" + ("" if low is None or high is None else f" ({low:.1%} to {high:.1%})")
        for value, low, high in means
    ]
    return go.Scatter(
        x=[label(name) for name in values],
        y=[value for value, _, _ in means],
        error_y={
            "array": [0.0 if high is None else high - value for value, _, high in means],
            "arrayminus": [0.0 if low is None else value - low for value, low, _ in means],
            "thickness": 2,
            "width": 5,
        },
        name=label(condition),
        offsetgroup=condition,
        mode="markers",
        cliponaxis=False,  # a marker at 0 % is whole
        marker={"color": color, "size": 10, "symbol": symbol},
        customdata=texts,
        hovertemplate=f"%{{x}}, {label(condition)}: %{{customdata}}<extra></extra>"
        if condition
        else "%{x}: %{customdata}<extra></extra>",
    )
