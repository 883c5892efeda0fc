"""Draws bar charts: images per class, probabilities of a face."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from fer_core.expressions import COLORS, colors
from fer_core.figures.style import TRAIN_COLOR, VAL_COLOR, blank_figure, blank_layout, label
from fer_core.text import SPLIT_NAMES

_SPLIT_COLORS = {"train": TRAIN_COLOR, "val": VAL_COLOR, "test": COLORS["neutral"]}


def class_balance_figure(counts: pd.DataFrame) -> go.Figure:
    """Draws images per class and split as grouped bars.

    Args:
        counts: images; a row per class in label order, a column per split.
    """
    figure = blank_figure()
    for split in counts.columns:
        images = counts[split]
        shares = images / max(1, images.sum())
        name = label(SPLIT_NAMES.get(str(split), str(split)))
        figure.add_bar(
            x=[label(str(name)) for name in counts.index],
            y=images,
            name=name,
            marker_color=_SPLIT_COLORS.get(str(split), COLORS["neutral"]),
            customdata=shares,
            hovertemplate=f"%{{x}}: %{{y:,}} images, %{{customdata:.1%}} of {name.lower()}"
            "<extra></extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25, height=340)
    figure.update_xaxes(showgrid=False, type="category")  # a class may be called "3"
    figure.update_yaxes(title_text="Images", rangemode="tozero")
    return figure


def group_sizes_figure(images: pd.Series, noun: str) -> go.Figure:
    """Draws how many subjects or groups have how many images.

    Args:
        images: of each of them.
        noun: what they are, e.g. "subjects".
    """
    figure = blank_figure()
    figure.add_histogram(
        x=images,
        nbinsx=30,
        marker_color=TRAIN_COLOR,
        hovertemplate=f"%{{x}} images: %{{y:,}} {noun}<extra></extra>",
    )
    figure.update_layout(height=200, bargap=0.05, margin={"t": 8})
    figure.update_xaxes(title_text="Images", rangemode="tozero")
    figure.update_yaxes(title_text=label(noun.capitalize()))
    return figure


def probability_figure(probabilities: Mapping[str, float]) -> go.Figure:
    """Draws a face's probabilities, in [0, 1], as a bar per expression, the first on top."""
    names, values = list(probabilities), list(probabilities.values())
    layout = blank_layout()
    layout["margin"]["t"] = 8
    # Leaves room on the right for the label of a bar that reaches 100 %.
    layout["xaxis"] |= {
        "range": [0, 1.18],
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "tickformat": ".0%",
    }
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False, "type": "category"}
    bars = {
        "type": "bar",
        "x": values,
        "y": list(map(label, names)),
        "orientation": "h",
        "marker": {"color": colors(names)},
        "text": [f"{value:.1%}" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.2%}<extra></extra>",
    }
    return go.Figure([bars], {**layout, "height": 50 + 28 * len(names), "bargap": 0.3})
