"""Figures: what is drawn, from what data."""

import numpy as np
import pandas as pd
import pytest

from fer_core import figures
from fer_core.expressions import COLORS, EXPRESSIONS
from fer_core.figures.confusion import confusion_figure
from fer_core.figures.history import MOST_POINTS


def history(epochs: int) -> pd.DataFrame:
    table = pd.DataFrame({"epoch": range(epochs)})
    for column in ("loss", "accuracy", "val_loss", "val_accuracy"):
        table[column] = 1 / (table["epoch"] + 2)
    return table


def steps(count: int, epochs: float = 2.0) -> pd.DataFrame:
    epoch = np.linspace(0, epochs, count)
    return pd.DataFrame({"epoch": epoch, "loss": 2 - epoch / 10, "accuracy": epoch / 10})


def test_class_balance_has_a_bar_per_class_and_split() -> None:
    counts = pd.DataFrame({"train": [30, 10], "val": [3, 1]}, index=["happy", "disgust"])
    train, val = figures.class_balance_figure(counts).data
    assert (train.name, list(train.x), list(train.y)) == (
        "Training",
        ["happy", "disgust"],
        [30, 10],
    )
    assert list(val.customdata) == [0.75, 0.25]
    assert train.marker.color != val.marker.color


def test_probabilities_are_drawn_in_order_in_the_expressions_colors() -> None:
    (bars,) = figures.probability_figure({"happy": 0.9, "angry": 0.1}).data
    assert list(bars.y) == ["happy", "angry"]
    assert list(bars.marker.color) == [COLORS["happy"], COLORS["angry"]]
    assert list(bars.text) == ["90.0%", "10.0%"]


def test_an_epoch_is_drawn_at_its_end() -> None:
    figure = figures.history_figure(history(3), steps(50, epochs=3))
    validation = next(trace for trace in figure.data if trace.name == "Validation")
    assert list(validation.x) == [1, 2, 3]


def test_loss_and_accuracy_share_a_legend_and_an_axis() -> None:
    figure = figures.history_figure(history(3), steps(50, epochs=3))
    assert [trace.showlegend for trace in figure.data] == [True] * 3 + [False] * 3
    assert figure.layout.xaxis.matches == "x2"
    assert figure.layout.uirevision


@pytest.mark.parametrize(("epochs", "rows"), [(0, 0), (0, 1), (1, 1)])
def test_a_run_without_epochs_can_be_drawn(epochs: int, rows: int) -> None:
    figure = figures.history_figure(history(epochs), steps(rows))
    assert len(figure.data[0].x) == rows


def test_long_runs_are_downsampled() -> None:
    table = steps(20_000)
    table.loc[12_345, "loss"] = 9.0
    line = figures.history_figure(history(2), table).data[0]
    assert len(line.x) <= MOST_POINTS
    assert (line.x[0], line.x[-1], max(line.y)) == (0, 2, 9)


def test_the_figure_of_a_long_run_is_less_than_40_kilobytes() -> None:
    figure = figures.history_figure(history(300), steps(20_000, epochs=300))
    assert len(figure.to_json()) < 40_000


def test_ticks_of_a_nearly_constant_accuracy_differ() -> None:
    figure = figures.history_figure(history(2), steps(2))
    assert figure.layout.yaxis2.tickformat == "~%"  # 14.2 %, where ".0%" would say 14 % twice


def test_figures_have_a_transparent_background() -> None:
    drawn = [
        figures.class_balance_figure(pd.DataFrame({"train": [1]}, index=["happy"])),
        figures.probability_figure(dict.fromkeys(EXPRESSIONS, 1 / 7)),
        figures.history_figure(history(1), steps(1)),
        confusion_figure(np.eye(7, dtype=int), EXPRESSIONS, shares=False),
    ]
    for figure in drawn:
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.height


def test_the_accuracy_axis_stays_within_its_range() -> None:
    panels = figures.history_figure(history(1), steps(1)).layout
    assert panels.yaxis2.minallowed == 0
    assert 1 <= panels.yaxis2.maxallowed < 1.05


def test_numeric_class_names_are_categories() -> None:
    names = ["0", "1", "7"]
    counts = pd.DataFrame({"train": [3, 2, 1]}, index=names)
    confusion = confusion_figure(np.eye(3, dtype=int), names, shares=False)
    assert figures.class_balance_figure(counts).layout.xaxis.type == "category"
    assert figures.probability_figure(dict.fromkeys(names, 1 / 3)).layout.yaxis.type == "category"
    assert confusion.layout.xaxis.type == confusion.layout.yaxis.type == "category"
