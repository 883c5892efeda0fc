"""Every Plotly figure: data in, `go.Figure` out; they suit a light and a dark page alike."""

import math
from html import escape

import numpy as np
import plotly.graph_objects as go

from fer_core.expressions import COLORS
from fer_core.text import visible

METRICS = {  # columns of a history, and their names on the screen
    "val_accuracy": "Validation accuracy",
    "accuracy": "Training accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
ABOVE_ALL = 1.02  # of accuracies, with room for a marker at 100 %

# At least 3.5:1 on white and on near black; told apart with any kind of colour vision.
TRAIN_COLOR, VAL_COLOR = "#2B8CC4", COLORS["angry"]
_GRID = "rgba(128,128,128,0.25)"
_CLEAR = "rgba(0,0,0,0)"


def blank_figure(figure: go.Figure | None = None) -> go.Figure:
    """A figure in our looks; fonts and their colour are left to the page that shows it."""
    figure = figure or go.Figure()
    figure.update_layout(
        # Streamlit fills a template that has a layout; Plotly's own would paint a white ground.
        template=go.layout.Template(layout={"paper_bgcolor": _CLEAR}),
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.06, "yanchor": "bottom", "title_text": ""},
        hoverlabel={"namelength": -1},
    )
    figure.update_xaxes(gridcolor=_GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=_GRID, zeroline=False, automargin=True)
    return figure


def label(name: str) -> str:
    """Returns a name as Plotly shows it literally: its texts may hold tags and placeholders."""
    return escape(visible(name), quote=False).replace("%{", "%\u2060{")


def metric_format(metric: str, digits: int) -> str:
    """Returns the format of a metric in Plotly; 0 `digits` prints as few as needed."""
    few, many = ("~%", f".{digits}%") if metric.endswith("accuracy") else ("~g", ".4f")
    return many if digits else few


def minmax_downsample(values: np.ndarray, most: int) -> np.ndarray:
    """Positions, rising, of at most so many values that draw the same line.

    Of each stretch of values the least and the greatest are kept, and of all the first and the
    last. Rows picked at even distances would lose the peaks. The stretches begin where they began
    when the table was shorter, so that a line that grows stays as it was further left.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    length = 2 ** math.ceil(math.log2(2 * count / (most - 4)))
    starts = np.arange(0, count, length)
    # Filled up with the last value, whose first position is the one that is found.
    stretches = np.pad(values, (0, len(starts) * length - count), mode="edge")
    stretches = stretches.reshape(-1, length)
    found = (stretches.argmin(axis=1), stretches.argmax(axis=1))
    return np.unique(np.concatenate([[0, count - 1], *(starts + place for place in found)]))
