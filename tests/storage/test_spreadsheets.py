"""Tables for spreadsheet programs."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.storage.spreadsheets import defused, defused_csv, export_csv, undefused

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "'=1", "-")
HARMLESS = ("happy", "-5", "+1.5e-3", "-.5", "-inf", "1=2", "a@b", "", "'tis", "17.png")
CELLS = st.text(st.sampled_from("'=+-@\t\r\n.,;\"a1e "), max_size=6) | st.text(max_size=6)


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_like_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_and_words_stay(cell: str) -> None:
    assert defused(cell) == cell


@given(CELLS)
def test_every_cell_can_be_turned_back(cell: str) -> None:
    assert undefused(defused(cell)) == cell
    assert not defused(cell).startswith(("=", "@", "\t", "\r"))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1))
def test_a_saved_table_keeps_its_rows(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("one", "other"), *rows])
    (_, *read) = csv.reader(io.StringIO(defused_csv(text.getvalue()), newline=""))
    assert [tuple(map(undefused, row)) for row in read] == rows


def test_a_table_keeps_its_numbers() -> None:
    table = pd.DataFrame(
        {"=x": [-1.5, 2.0], "n": [-1, 2], "path": ["=1+1", "-7"], "row": [None, 3]}
    )
    before = table.copy()
    assert export_csv(table) == "'=x,n,path,row\n-1.5,-1,'=1+1,\n2.0,2,-7,3.0\n"
    pd.testing.assert_frame_equal(table, before)
    mixed = pd.DataFrame({"cell": ["=a", -1.5, "b\r=c"]}, dtype=object)
    assert export_csv(mixed) == 'cell\n\'=a\n-1.5\n"b\r=c"\n'
