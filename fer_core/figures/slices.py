"""Draws the scores of slices with their intervals, the worst on top."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.figures.style import ABOVE_ALL, VAL_COLOR, blank_figure, label
from fer_core.text import shortened

MAX_DRAWN_SLICES = 40  # slices; more would be a page of their own
_MEAN_COLOR = "rgba(128,128,128,0.8)"


def slice_figure(table: pd.DataFrame, overall: float, chosen: int | None = None) -> go.Figure:
    """Draws the accuracy of each slice as a dot with its interval, and that of all as a line.

    A dot's custom data begin with the code of its slice.

    Args:
        table: of a `SliceReport`, the worst first; slices without a score are left out.
        overall: accuracy on all images, in [0, 1].
        chosen: code of the slice that is emphasized.
    """
    rows = table[table["accuracy"].notna()].head(MAX_DRAWN_SLICES)
    figure = blank_figure()
    figure.add_trace(_dots(rows, chosen))
    figure.add_vline(x=overall, line={"color": _MEAN_COLOR, "dash": "dot", "width": 1})
    low, high = min(rows["accuracy_low"].min(), overall), max(rows["accuracy_high"].max(), overall)
    room = 0.05 * (high - low)
    figure.update_layout(height=110 + 34 * len(rows), showlegend=False, clickmode="event+select")
    figure.update_xaxes(
        range=[max(0, low - room), min(ABOVE_ALL, high + room)],
        tickformat=".0%",
        showgrid=True,
        title_text="Accuracy (dotted: all of these images)",
    )
    figure.update_yaxes(
        showgrid=False,
        tickvals=list(range(len(rows))),
        ticktext=[_short(str(name)) for name in rows["slice"]],
        range=[len(rows) - 0.5, -0.5],  # the first on top
    )
    return figure


def _dots(rows: pd.DataFrame, chosen: int | None) -> go.Scatter:
    return go.Scatter(
        x=rows["accuracy"],
        y=list(range(len(rows))),  # not names: two may look the same when shortened
        error_x={
            "array": rows["accuracy_high"] - rows["accuracy"],
            "arrayminus": rows["accuracy"] - rows["accuracy_low"],
            "thickness": 2,
            "width": 5,
        },
        mode="markers",
        marker={
            "color": VAL_COLOR,
            "size": [16 if code == chosen else 10 for code in rows["code"]],
        },
        customdata=np.stack([rows["code"], rows["images"]], axis=-1),
        text=[label(shortened(str(name))) for name in rows["slice"]],
        hovertemplate="%{text}: %{x:.1%}, %{customdata[1]:,} images<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _short(name: str) -> str:
    return label(name if len(name) <= 24 else f"{name[:22]}…")
