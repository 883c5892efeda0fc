"""Draws the confusion matrix with cells that can be clicked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.errors import FerError
from fer_core.expressions import COLORS
from fer_core.figures.style import blank_figure, label

_DARK_CELL = 0.65  # fraction of the full color from which white text is easier to read
_CELL_PIXELS = 40  # size of a marker that takes clicks


def confusion_figure(
    matrix: np.ndarray,
    class_names: Sequence[str],
    shares: bool,
    *,
    ink: str | None = None,
    chosen: tuple[str | None, str | None] = (None, None),
) -> go.Figure:
    """Draws true against predicted expressions, with the numbers in the cells.

    The last trace has a marker for every cell, which a click selects; its `customdata` ends with
    the true and the predicted class.

    Args:
        matrix: images, shape (classes, classes); a row per truth, a column per prediction.
        class_names: in label order.
        shares: show each cell's fraction of its row instead of its number of images.
        ink: color of the numbers in light cells; by default the page's text color.
        chosen: true and predicted class of the cell to frame; with one None, a column or row.

    Raises:
        FerError: the matrix has another shape.
    """
    n = len(class_names)
    if matrix.shape != (n, n):
        raise FerError(f"`matrix` must be of shape ({n}, {n}). Received: {matrix.shape}")
    portions = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    strength = portions if shares else matrix / max(1, matrix.max())
    figure = blank_figure()
    figure.add_trace(_cells(strength, class_names))
    number = "%{customdata[1]:.0%}" if shares else "%{customdata[0]:,}"
    values = np.dstack([matrix, portions])
    dark = strength >= _DARK_CELL
    for cells, color in ((~dark, ink), (dark, "white")):
        figure.add_trace(_cell_numbers(cells, values, class_names, number, color))
    figure.add_trace(_cell_markers(values, class_names))
    if any(name is not None for name in chosen):
        figure.add_shape(_frame(chosen, list(class_names)))
    figure.update_layout(height=60 + max(300, 52 * n), showlegend=False, margin={"t": 8})
    # Streamlit itself sets these only after the first drawing, and misses clicks until then.
    figure.update_layout(clickmode="event+select", hovermode="closest", dragmode="pan")
    words = {"showgrid": False, "type": "category", "fixedrange": True}
    # Fixed because Plotly adds margins for markers. Categories count from 0.
    figure.update_xaxes(title_text="Predicted", range=[-0.5, n - 0.5], **words)
    figure.update_yaxes(title_text="True expression", range=[n - 0.5, -0.5], **words)
    return figure


def _cells(strength: np.ndarray, class_names: Sequence[str]) -> go.Heatmap:
    return go.Heatmap(
        x=list(map(label, class_names)),
        y=list(map(label, class_names)),
        z=strength,
        zmin=0,
        zmax=1,
        colorscale=[[0, "rgba(0,114,178,0.04)"], [1, "rgba(0,114,178,1)"]],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )


def _cell_numbers(
    cells: np.ndarray, values: np.ndarray, class_names: Sequence[str], number: str, ink: str | None
) -> go.Scatter:
    """Returns the numbers of the cells that a mask of shape (classes, classes) selects.

    `values` (classes, classes, 2) are images and fractions of the row; `number` formats them.
    """
    names = np.asarray(list(map(label, class_names)))
    rows, columns = np.nonzero(cells)
    return go.Scatter(
        x=names[columns],
        y=names[rows],
        mode="text",
        texttemplate=number,
        textfont={"color": ink, "size": 13},
        # Plotly fades unselected points, and these are never selected.
        unselected={"textfont": {"color": ink}},
        customdata=values[cells],
        hoverinfo="skip",
    )


def _cell_markers(values: np.ndarray, class_names: Sequence[str]) -> go.Scatter:
    """Returns invisible squares that take clicks, which cells of a heatmap do not."""
    n = len(class_names)
    truths, answers = np.repeat(list(class_names), n), np.tile(list(class_names), n)
    return go.Scatter(
        x=list(map(label, answers)),
        y=list(map(label, truths)),
        mode="markers",
        marker={"symbol": "square", "size": _CELL_PIXELS, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[
            [int(images), float(share), str(truth), str(answer)]
            for (images, share), truth, answer in zip(
                values.reshape(-1, 2), truths, answers, strict=True
            )
        ],
        hovertemplate="%{y} predicted as %{x}: %{customdata[0]:,} images, "
        "%{customdata[1]:.1%} of all that are %{y}<extra></extra>",
    )


def _frame(chosen: tuple[str | None, str | None], class_names: list[str]) -> dict[str, Any]:
    """Returns the outline of a cell, row or column as a shape; categories count from 0."""
    sides: dict[str, float] = {}
    for axis, name in zip("yx", chosen, strict=True):
        first = 0 if name is None else class_names.index(name)
        last = len(class_names) - 1 if name is None else first
        sides |= {f"{axis}0": first - 0.5, f"{axis}1": last + 0.5}
    return {"type": "rect", "line": {"color": COLORS["happy"], "width": 3}, **sides}
