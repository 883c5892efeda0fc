"""Defines the common style of all figures, which suits light and dark pages."""

import math
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.expressions import COLORS
from fer_core.text import visible

METRICS = {  # columns of a history and their labels
    "val_accuracy": "Validation accuracy",
    "accuracy": "Training accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
ABOVE_ALL = 1.02  # upper end of an accuracy axis, with room for a marker at 100 %

# A contrast of at least 3.5:1 on white and near black; distinguishable if color-blind.
TRAIN_COLOR, VAL_COLOR = "#2B8CC4", COLORS["angry"]
_GRID = "rgba(128,128,128,0.25)"
_CLEAR = "rgba(0,0,0,0)"


def blank_layout() -> dict[str, Any]:
    """Returns the common style as a new dict, to be filled and given to `go.Figure`.

    That takes a tenth of the time of updating a figure, which matters where a face waits for it.
    """
    axis = {"gridcolor": _GRID, "zeroline": False, "automargin": True}
    return {
        # Streamlit fills in a template that has a layout; Plotly's default has a white background.
        "template": go.layout.Template(layout={"paper_bgcolor": _CLEAR}),
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.06, "yanchor": "bottom", "title_text": ""},
        "hoverlabel": {"namelength": -1},
        "xaxis": axis.copy(),
        "yaxis": axis.copy(),
    }


def blank_figure(figure: go.Figure | None = None) -> go.Figure:
    """Applies the common style to a figure, by default an empty one; the page sets the fonts."""
    layout = blank_layout()
    if figure is None:
        return go.Figure(layout=layout)
    figure.update_xaxes(layout.pop("xaxis"))  # of all subplots
    figure.update_yaxes(layout.pop("yaxis"))
    figure.update_layout(layout)
    return figure


def label(name: str) -> str:
    """Returns a name as Plotly shows it literally: its texts may hold tags and placeholders."""
    return escape(visible(name), quote=False).replace("%{", "%\u2060{")


def metric_format(metric: str, digits: int) -> str:
    """Returns the format of a metric in Plotly; 0 `digits` prints as few as needed."""
    few, many = ("~%", f".{digits}%") if metric.endswith("accuracy") else ("~g", ".4f")
    return many if digits else few


def minmax_downsample(values: np.ndarray, most: int) -> np.ndarray:
    """Returns the ascending positions of at most `most` values that draw the same line.

    Keeps the first and the last value, and the minimum and maximum of each block of values: evenly
    spaced values would miss peaks. Blocks begin at the same positions as more values are appended,
    so that earlier parts of a growing line do not change.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    block = 2 ** math.ceil(math.log2(2 * count / (most - 4)))
    starts = np.arange(0, count, block)
    # Padded with the last value; argmin and argmax return its first position.
    blocks = np.pad(values, (0, len(starts) * block - count), mode="edge").reshape(-1, block)
    found = (blocks.argmin(axis=1), blocks.argmax(axis=1))
    return np.unique(np.concatenate([[0, count - 1], *(starts + offset for offset in found)]))
