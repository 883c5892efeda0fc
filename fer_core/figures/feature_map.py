"""A map of faces as a figure in which points can be pressed and drawn around."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fer_core.evaluation import FaceMap
from fer_core.expressions import colors, sort_classes
from fer_core.figures.style import blank_figure, label

MOST_IN_SVG = 4000  # points that a browser draws one by one; more are drawn by its WebGL
_HEIGHT = 620  # pixels


def map_figure(
    drawn: FaceMap, answers: pd.DataFrame, class_names: Sequence[str], drag: str = "pan"
) -> tuple[go.Figure, list[np.ndarray]]:
    """Every image a point in the colour of its true class: right ones dots, wrong ones crosses.

    Args:
        answers: the map's predictions, as `with_predicted_label` returns them.
        class_names: the model's, in the order of the legend; other classes come after them.
        drag: what a drag does, in Plotly's words: "pan", "lasso" or "select".

    Returns:
        The figure; and for each of its traces the row in `answers` of each of its points.
    """
    table = answers.iloc[drawn.rows]
    truth, answered = table["expression"].to_numpy(object), table["predicted"].to_numpy(object)
    others = sort_classes(set(truth.tolist()) - set(class_names))
    names = [*class_names, *others]
    figure, rows = blank_figure(), []
    for wrong in (False, True):  # crosses above the dots
        for name, color in zip(names, colors(names), strict=True):
            here = (truth == name) & ((answered != truth) == wrong)
            if here.any():
                trace = _crosses(name, answered[here]) if wrong else _dots(name)
                figure.add_trace(_placed(trace, drawn.points[here], color, len(drawn.rows)))
                rows.append(drawn.rows[here])
    # Streamlit would set how clicks are taken after the first drawing, and lose those until then.
    clicks = "event" if drag == "lasso" else "event+select"
    figure.update_layout(height=_HEIGHT, dragmode=drag, hovermode="closest", clickmode=clicks)
    # Below, where Plotly's own buttons do not cover it.
    figure.update_layout(legend={"itemsizing": "constant", "y": 0, "yanchor": "top"})
    figure.update_xaxes(showticklabels=False, showgrid=False)
    figure.update_yaxes(showticklabels=False, showgrid=False)
    return figure, rows


def _dots(name: str) -> dict[str, object]:
    return {
        "name": label(name),
        "marker": {"symbol": "circle", "opacity": 0.55},
        "hovertemplate": f"{label(name)}, correct<extra></extra>",
    }


def _crosses(name: str, answered: np.ndarray) -> dict[str, object]:
    return {
        "name": f"{label(name)}, wrong",
        "marker": {"symbol": "x", "opacity": 0.85},
        "text": list(map(label, answered)),
        "hovertemplate": f"{label(name)}, predicted as %{{text}}<extra></extra>",
    }


def _placed(
    trace: dict[str, object], points: np.ndarray, color: str, total: int
) -> go.Scatter | go.Scattergl:
    """The trace at these points, drawn as it suits so many in all."""
    kind = go.Scatter if total <= MOST_IN_SVG else go.Scattergl
    made = kind(trace, x=points[:, 0], y=points[:, 1], mode="markers")
    size = float(np.clip(300 / np.sqrt(total), 3.5, 8))  # pixels: the fuller, the smaller
    made.update(marker={"color": color, "size": size}, unselected={"marker": {"opacity": 0.1}})
    return made
