"""The section that compares slices of the images."""

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.datasets.metadata import join_table, parse_table, propose_join, save_metadata
from fer_core.datasets.registry import open_dataset
from fer_core.evaluation.metrics import predicted
from tests.pages.conftest import PageOpener, RunFactory, drawn_run, rerun, text_of


def turned_on(page: AppTest) -> AppTest:
    (toggle,) = [each for each in page.toggle if "slices" in each.label]
    toggle.set_value(True)
    return rerun(page)


def chosen(page: AppTest, column: str) -> AppTest:
    (box,) = [each for each in page.selectbox if each.label == "Slice by"]
    box.set_value(column)
    return rerun(page)


def test_slices_by_a_joined_column_are_shown_worst_first(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    run = drawn_run(finished_run)
    dataset, predictions = open_dataset("drawn"), run.predictions("val")
    assert predictions is not None
    right = predicted(predictions) == predictions["expression"]
    is_first = right & (right.cumsum() <= 16)  # and 54 wrong ones: 16 of 70 are right
    is_first |= ~right & ((~right).cumsum() <= 54)
    sides = zip(predictions["path"], is_first, strict=True)
    lines = [f"{path},{'a' if first else 'b'}" for path, first in sides]
    table = parse_table("\n".join(["file,side", *lines]).encode())
    index = dataset.stored_index
    join = propose_join(table, index, "drawn")
    save_metadata(dataset, join_table(table, index, join, "drawn"))
    page = chosen(turned_on(open_page("evaluate", run=run.id)), "side")
    (shown,) = [each.value for each in page.dataframe if "Slice" in each.value]
    accuracies = [100 * right[is_first].mean(), 100 * right[~is_first].mean()]
    assert shown["Accuracy"].tolist() == pytest.approx(sorted(accuracies))
    assert f"{abs(accuracies[1] - accuracies[0]):.1f} points" in text_of(page)
    (minimum,) = [each for each in page.number_input if each.label == "Minimum images"]
    minimum.set_value(71)
    (shown,) = [each.value for each in rerun(page).dataframe if "Slice" in each.value]
    assert shown["95 % interval"].tolist() == ["too few: 70"] * 2


def test_without_the_dataset_the_section_says_what_to_do(
    open_page: PageOpener, finished_run: RunFactory
) -> None:
    finished_run()
    page = turned_on(open_page("evaluate"))
    assert any("Add it to slice" in caption.value for caption in page.caption)
