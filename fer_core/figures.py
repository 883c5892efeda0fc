"""Every Plotly figure: data in, `go.Figure` out; they suit a light and a dark page alike."""

from collections.abc import Mapping
from functools import cache

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from fer_core.expressions import COLORS, colors
from fer_core.thinning import extremes

METRICS = {  # columns of a history, and their names on the screen
    "val_accuracy": "Validation accuracy",
    "accuracy": "Training accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
HISTORY_HEIGHT = 520  # pixels
MOST_POINTS = 1000  # of a line of steps; more cannot be told apart on a screen
MANY_EPOCHS = 60  # from here on markers are small, or they would hide each other

# At least 3.5:1 on white and on near black; told apart with any kind of colour vision.
_TRAIN, _VAL = "#2B8CC4", COLORS["angry"]
_SPLIT_COLORS = {"train": _TRAIN, "val": _VAL, "test": COLORS["neutral"]}
_SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}
_GRID = "rgba(128,128,128,0.25)"
_CLEAR = "rgba(0,0,0,0)"
ABOVE_ALL = 1.02  # of accuracies, with room for a marker at 100 %


def class_balance_figure(counts: pd.DataFrame) -> go.Figure:
    """Images per class and split as grouped bars.

    Args:
        counts: images; a row per class in label order, a column per split.
    """
    figure = blank_figure()
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
    figure = blank_figure()
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
    figure = go.Figure(_empty_history())
    if len(history) > MANY_EPOCHS:
        figure.update_traces(marker_size=3)
    for row, metric in enumerate(("loss", "accuracy")):
        within, training, validation = figure.data[3 * row : 3 * row + 3]
        _fill(within, steps, metric)
        _fill(training, history, metric, shift=1)
        _fill(validation, history, f"val_{metric}", shift=1)
    return figure


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


@cache
def _empty_history() -> go.Figure:
    """The history's figure without its numbers; to make it takes Plotly a long time."""
    titles = ("Loss", "Accuracy")
    panels = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.1, subplot_titles=titles)
    figure = blank_figure(panels)
    for row, metric in enumerate(("loss", "accuracy"), start=1):
        for trace in _history_traces(metric):
            trace.showlegend = row == 1
            figure.add_trace(trace, row=row, col=1)
    # A person's zoom and hidden traces stay for as long as `uirevision` does.
    figure.update_layout(height=HISTORY_HEIGHT, uirevision="history", margin={"t": 60})
    figure.update_xaxes(rangemode="tozero")
    figure.update_xaxes(title_text="Epoch", row=2)
    figure.update_yaxes(nticks=6, minallowed=0)
    figure.update_yaxes(tickformat=metric_format("accuracy", 0), maxallowed=ABOVE_ALL, row=2)
    return figure


def _history_traces(metric: str) -> tuple[go.Scatter, ...]:
    within = go.Scatter(
        name="Training, as it goes",
        legendgroup="steps",
        mode="lines",
        line={"color": _TRAIN, "width": 1},
        hovertemplate=f"epoch %{{x:.2f}}: %{{y:{metric_format(metric, 2)}}}<extra></extra>",
    )
    return (
        within,
        _epoch_trace(metric, "Training, whole epoch", _TRAIN, mode="markers"),
        _epoch_trace(f"val_{metric}", "Validation", _VAL, symbol="diamond"),
    )


def _epoch_trace(
    metric: str,
    name: str,
    color: str,
    *,
    mode: str = "lines+markers",
    symbol: str = "circle",
) -> go.Scatter:
    """A marker at the end of each epoch."""
    return go.Scatter(
        name=name,
        legendgroup=name,
        mode=mode,
        line={"color": color, "width": 2},
        marker={"color": color, "size": 7, "symbol": symbol},
        hovertemplate=f"epoch %{{x}}: %{{y:{metric_format(metric, 2)}}}<extra>{name}</extra>",
    )


def metric_format(metric: str, digits: int) -> str:
    """How Plotly prints the metric; `digits` are those of a percentage, 0 as few as needed."""
    few, many = ("~%", f".{digits}%") if metric.endswith("accuracy") else ("~g", ".4f")
    return many if digits else few


def _fill(trace: go.Scatter, table: pd.DataFrame, metric: str, shift: int = 0) -> go.Scatter:
    """The trace, with the metric over the epoch, thinned; `shift` is added to the epoch."""
    numbers = table[["epoch", metric]].to_numpy("float32")  # half as much to send
    few = numbers[extremes(numbers[:, 1], MOST_POINTS)]
    trace.x, trace.y = few[:, 0] + shift, few[:, 1]
    return trace
