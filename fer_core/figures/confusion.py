"""The confusion matrix as a figure whose cells can be clicked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.errors import FerError
from fer_core.expressions import COLORS
from fer_core.figures.style import blank_figure, label

_DARK_CELL = 0.65  # share of the fullest colour from which white is easier to read
_CELL_PIXELS = 40  # of a marker that is to be clicked


def confusion_figure(
    matrix: np.ndarray,
    class_names: Sequence[str],
    shares: bool,
    *,
    ink: str | None = None,
    chosen: tuple[str | None, str | None] = (None, None),
) -> go.Figure:
    """Draws true against predicted expressions, with the numbers in the cells.

    The last trace holds a marker for every cell, which a click selects: its `customdata` end with
    the true class and the predicted one.

    Args:
        matrix: images, shape (classes, classes); a row per truth, a column per prediction.
        class_names: in label order.
        shares: print each cell's share of its row instead of the number of images.
        ink: colour of the numbers in the pale cells; else that of the page's other text.
        chosen: true and predicted class of what is framed: a cell, or, with None, a row or column.

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
    # Streamlit would set these after the first drawing, which takes no click until then.
    figure.update_layout(clickmode="event+select", hovermode="closest", dragmode="pan")
    words = {"showgrid": False, "type": "category", "fixedrange": True}
    # Left alone, Plotly makes room for markers at the edges. Categories count from 0.
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
    """The numbers of those cells that are true in a mask of shape (classes, classes).

    `values` (classes, classes, 2) are images and their share of the row, `number` prints them.
    """
    names = np.asarray(list(map(label, class_names)))
    rows, columns = np.nonzero(cells)
    return go.Scatter(
        x=names[columns],
        y=names[rows],
        mode="text",
        texttemplate=number,
        textfont={"color": ink, "size": 13},
        # Plotly fades what is not selected, and of these nothing ever is.
        unselected={"textfont": {"color": ink}},
        customdata=values[cells],
        hoverinfo="skip",
    )


def _cell_markers(values: np.ndarray, class_names: Sequence[str]) -> go.Scatter:
    """Invisible squares that hear what a heatmap does not: its cells cannot be selected."""
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
    """The outline of a cell, a row or a column, as Plotly's shape; categories count from 0."""
    sides: dict[str, float] = {}
    for axis, name in zip("yx", chosen, strict=True):
        first = 0 if name is None else class_names.index(name)
        last = len(class_names) - 1 if name is None else first
        sides |= {f"{axis}0": first - 0.5, f"{axis}1": last + 0.5}
    return {"type": "rect", "line": {"color": COLORS["happy"], "width": 3}, **sides}
