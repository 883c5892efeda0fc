"""Every Plotly figure: data in, `go.Figure` out; they suit a light and a dark page alike."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fer_core.expressions import COLORS, colors

METRICS = {  # columns of a history, and their names on the screen
    "val_accuracy": "Validation accuracy",
    "accuracy": "Training accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
MOST_POINTS = 1000  # of a line of steps; more cannot be told apart on a screen

# At least 3.5:1 on white and on near black; told apart with any kind of colour vision.
_TRAIN, _VAL = "#2B8CC4", COLORS["angry"]
_SPLIT_COLORS = {"train": _TRAIN, "val": _VAL, "test": COLORS["neutral"]}
_SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}
_DASHES = ("solid", "dash", "dot", "dashdot")
_GRID = "rgba(128,128,128,0.25)"
_CLEAR = "rgba(0,0,0,0)"
_ABOVE_ALL = 1.02  # of accuracies, with room for a marker at 100 %
_DARK_CELL = 0.65  # share of the fullest colour from which white is easier to read


def class_balance_figure(counts: pd.DataFrame) -> go.Figure:
    """Images per class and split as grouped bars.

    Args:
        counts: images; a row per class in label order, a column per split.
    """
    figure = _figure()
    for split in counts.columns:
        images = counts[split]
        shares = images / max(1, images.sum())
        name = _SPLIT_NAMES.get(str(split), str(split))
        figure.add_bar(
            x=[str(label) for label in counts.index],
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


def probability_figure(probabilities: Mapping[str, float]) -> go.Figure:
    """One face's probabilities, in [0, 1], as a bar per expression, the first on top."""
    names, values = list(probabilities), list(probabilities.values())
    figure = _figure()
    figure.add_bar(
        x=values,
        y=names,
        orientation="h",
        marker_color=colors(names),
        text=[f"{value:.1%}" for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
    )
    figure.update_layout(height=50 + 28 * len(names), bargap=0.3, margin={"t": 8})
    # Room on the right for the number of a bar that reaches 100 %.
    figure.update_xaxes(range=[0, 1.18], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return figure


def history_figure(history: pd.DataFrame, steps: pd.DataFrame) -> go.Figure:
    """Loss and accuracy of one run while and after it trains.

    The axis counts epochs: 2.5 is in the middle of the third, and the first has ended at 1.

    Args:
        history: epoch (from 0), loss, accuracy, val_loss, val_accuracy; a row per whole epoch.
        steps: epoch (a fraction, from 0), loss, accuracy; about a row a second.
    """
    titles = ("Loss", "Accuracy")
    panels = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.1, subplot_titles=titles)
    figure = _figure(panels)
    for row, metric in enumerate(("loss", "accuracy"), start=1):
        for trace in _history_traces(history, steps, metric):
            trace.showlegend = row == 1
            figure.add_trace(trace, row=row, col=1)
    # A person's zoom and hidden traces stay for as long as `uirevision` does.
    figure.update_layout(height=520, uirevision="history", margin={"t": 60})
    figure.update_xaxes(rangemode="tozero")
    figure.update_xaxes(title_text="Epoch", row=2)
    figure.update_yaxes(nticks=6, minallowed=0)
    figure.update_yaxes(tickformat=".0%", maxallowed=_ABOVE_ALL, row=2)
    return figure


def compare_figure(histories: Mapping[str, pd.DataFrame], metric: str) -> go.Figure:
    """The curves of several runs.

    Args:
        histories: of each run, by its name: epoch (from 0) and the metric's column.
        metric: a key of METRICS.

    Raises:
        ValueError: no such metric.
    """
    if metric not in METRICS:
        raise ValueError(f"`metric` must be one of {', '.join(METRICS)}. Received: {metric!r}")
    figure = _figure()
    looks = zip(histories.items(), cycle(COLORS.values()), strict=False)
    for number, ((name, history), color) in enumerate(looks):
        dash = _DASHES[number // len(COLORS) % len(_DASHES)]
        figure.add_trace(_epoch_trace(history, metric, name, color, dash=dash))
    figure.update_layout(height=420, uirevision=metric, showlegend=True)
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text=METRICS[metric], tickformat=_format(metric, 0), minallowed=0)
    if metric.endswith("accuracy"):
        figure.update_yaxes(maxallowed=_ABOVE_ALL)
    return figure


def confusion_figure(
    matrix: np.ndarray, class_names: Sequence[str], shares: bool, *, ink: str | None = None
) -> go.Figure:
    """What was seen against what was predicted, with the numbers in the cells.

    Args:
        matrix: images, shape (classes, classes); a row per truth, a column per prediction.
        class_names: in label order.
        shares: print each cell's share of its row instead of the number of images.
        ink: colour of the numbers in the pale cells; else that of the page's other text.

    Raises:
        ValueError: the matrix has another shape.
    """
    n = len(class_names)
    if matrix.shape != (n, n):
        raise ValueError(f"`matrix` must be of shape ({n}, {n}). Received: {matrix.shape}")
    portions = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    strength = portions if shares else matrix / max(1, matrix.max())
    figure = _figure()
    figure.add_heatmap(
        x=list(class_names),
        y=list(class_names),
        z=strength,
        zmin=0,
        zmax=1,
        colorscale=[[0, "rgba(0,114,178,0.04)"], [1, "rgba(0,114,178,1)"]],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    number = "%{customdata[1]:.0%}" if shares else "%{customdata[0]:,}"
    values = np.dstack([matrix, portions])
    dark = strength >= _DARK_CELL
    for cells, color in ((~dark, ink), (dark, "white")):
        figure.add_trace(_cell_numbers(cells, values, class_names, number, color))
    figure.update_layout(height=60 + max(300, 52 * n), showlegend=False, margin={"t": 8})
    words = {"showgrid": False, "type": "category"}
    figure.update_xaxes(title_text="Predicted", constrain="domain", **words)
    figure.update_yaxes(title_text="True expression", autorange="reversed", **words)
    return figure


def _figure(figure: go.Figure | None = None) -> go.Figure:
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


def _history_traces(
    history: pd.DataFrame, steps: pd.DataFrame, metric: str
) -> tuple[go.Scatter, ...]:
    few = _thinned(steps, metric)
    within = go.Scatter(
        x=few["epoch"],
        y=few[metric],
        name="Training, as it goes",
        legendgroup="steps",
        mode="lines",
        line={"color": _TRAIN, "width": 1},
        hovertemplate=f"epoch %{{x:.2f}}: %{{y:{_format(metric, 2)}}}<extra></extra>",
    )
    return (
        within,
        _epoch_trace(history, metric, "Training, whole epoch", _TRAIN, mode="markers"),
        _epoch_trace(history, f"val_{metric}", "Validation", _VAL, symbol="diamond"),
    )


def _epoch_trace(
    history: pd.DataFrame,
    metric: str,
    name: str,
    color: str,
    *,
    mode: str = "lines+markers",
    symbol: str = "circle",
    dash: str = "solid",
) -> go.Scatter:
    """A marker at the end of each epoch."""
    few = _thinned(history, metric)
    return go.Scatter(
        x=few["epoch"] + 1,
        y=few[metric],
        name=name,
        legendgroup=name,
        mode=mode,
        line={"color": color, "width": 2, "dash": dash},
        marker={"color": color, "size": 7, "symbol": symbol},
        hovertemplate=f"epoch %{{x}}: %{{y:{_format(metric, 2)}}}<extra>{name}</extra>",
    )


def _format(metric: str, digits: int) -> str:
    """How Plotly prints the metric; `digits` are those of a percentage."""
    return f".{digits}%" if metric.endswith("accuracy") else "~g" if digits == 0 else ".4f"


def _thinned(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Epoch and metric of at most `MOST_POINTS` rows, evenly spread, both ends among them."""
    table = table[["epoch", metric]].astype("float32")  # half as much to send
    if len(table) <= MOST_POINTS:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, MOST_POINTS).round().astype(int)]


def _cell_numbers(
    cells: np.ndarray, values: np.ndarray, class_names: Sequence[str], number: str, ink: str | None
) -> go.Scatter:
    """The numbers of those cells that are true in a mask of shape (classes, classes).

    `values` (classes, classes, 2) are images and their share of the row, `number` prints them.
    """
    names = np.asarray(class_names)
    rows, columns = np.nonzero(cells)
    return go.Scatter(
        x=names[columns],
        y=names[rows],
        mode="text",
        texttemplate=number,
        textfont={"color": ink, "size": 13},
        customdata=values[cells],
        hovertemplate="%{y} taken for %{x}: %{customdata[0]:,} images, "
        "%{customdata[1]:.1%} of all that are %{y}<extra></extra>",
    )
