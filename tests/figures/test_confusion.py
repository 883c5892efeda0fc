"""The confusion matrix: what is drawn, and what a click finds."""

import numpy as np
import plotly.graph_objects as go
import pytest

from fer_core.figures.confusion import confusion_figure


def cells_of(figure: go.Figure) -> dict[tuple[str, str], list[float]]:
    """Images and share of every cell, by truth and prediction."""
    return {
        (y, x): list(values)
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "text"
        for x, y, values in zip(trace.x, trace.y, trace.customdata, strict=True)
    }


@pytest.mark.parametrize("shares", [False, True])
def test_cells_have_counts_and_shares_of_their_row(shares: bool) -> None:
    matrix = np.array([[8, 2], [0, 1000]])
    figure = confusion_figure(matrix, ["happy", "sad"], shares=shares)
    assert cells_of(figure) == {
        ("happy", "happy"): [8, 0.8],
        ("happy", "sad"): [2, 0.2],
        ("sad", "happy"): [0, 0],
        ("sad", "sad"): [1000, 1],
    }


def test_numbers_are_white_in_dark_cells() -> None:
    figure = confusion_figure(np.array([[9, 1], [5, 5]]), ["happy", "sad"], True, ink="red")
    pale, dark = figure.data[1:3]
    assert (dark.textfont.color, list(dark.y), list(dark.x)) == ("white", ["happy"], ["happy"])
    assert (pale.textfont.color, len(pale.x)) == ("red", 3)
    for trace in (pale, dark):  # a click elsewhere must not fade them
        assert trace.unselected.textfont.color == trace.textfont.color


def test_a_class_without_images_has_shares_of_zero() -> None:
    figure = confusion_figure(np.zeros((2, 2), dtype=int), ["happy", "sad"], shares=True)
    assert {tuple(values) for values in cells_of(figure).values()} == {(0, 0)}


def test_a_matrix_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Received: \(3, 3\)"):
        confusion_figure(np.zeros((3, 3), dtype=int), ["happy", "sad"], shares=False)


def test_every_cell_has_an_invisible_marker_for_clicks() -> None:
    markers = confusion_figure(np.array([[8, 2], [0, 9]]), ["happy", "sad"], shares=True).data[-1]
    assert [list(data) for data in markers.customdata] == [
        [8, 0.8, "happy", "happy"],
        [2, 0.2, "happy", "sad"],
        [0, 0, "sad", "happy"],
        [9, 1, "sad", "sad"],
    ]
    assert list(zip(markers.y, markers.x, strict=True)) == [
        (truth, answer) for _, _, truth, answer in markers.customdata
    ]
    shown = (markers.marker, markers.selected.marker, markers.unselected.marker)
    assert [each.opacity for each in shown] == [0, 0, 0]


@pytest.mark.parametrize(
    ("chosen", "box"),  # y0, y1, x0, x1 in numbers of classes
    [
        (("sad", "happy"), (0.5, 1.5, -0.5, 0.5)),
        (("happy", None), (-0.5, 0.5, -0.5, 1.5)),
        ((None, "sad"), (-0.5, 1.5, 0.5, 1.5)),
    ],
)
def test_a_selected_cell_row_or_column_is_framed(
    chosen: tuple[str | None, str | None], box: tuple[float, ...]
) -> None:
    figure = confusion_figure(np.eye(2, dtype=int), ["happy", "sad"], shares=True, chosen=chosen)
    (frame,) = figure.layout.shapes
    assert (frame.y0, frame.y1, frame.x0, frame.x1) == box


def test_nothing_is_framed_without_a_selection() -> None:
    assert not confusion_figure(np.eye(2, dtype=int), ["happy", "sad"], shares=True).layout.shapes
