"""The view of a run that all sessions share."""

import json
import time
from pathlib import Path

import pandas as pd
import pytest

from fer_core import figures
from fer_core.runs.records import HISTORY_COLUMNS, STEPS_COLUMNS
from fer_core.runs.run import Run
from fer_core.storage.csv_tables import append_row, save_table
from pages.components.train.run_watch import (
    FIRST_REFRESH_SECONDS,
    FIRST_ROWS,
    HIDDEN_REFRESH_SECONDS,
    REFRESH_SECONDS,
    RunView,
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def add_steps(run: Run, first: int, count: int) -> None:
    for step in range(first, first + count):
        row = dict.fromkeys(STEPS_COLUMNS, 0.5) | {"step": step, "epoch": step / 100}
        append_row(run.directory / "steps.csv", row, STEPS_COLUMNS)


def add_epoch(run: Run, epoch: int) -> None:
    row = dict.fromkeys(HISTORY_COLUMNS, 0.5) | {"epoch": epoch}
    append_row(run.directory / "history.csv", row, HISTORY_COLUMNS)


def drawn_steps(curves: str) -> int:
    """Returns the number of points of the first line."""
    table = json.loads(curves)["data"][0]["x"]
    assert table["dtype"] == "f4"
    return len(table["bdata"]) * 3 // 4 // 4  # base64 of float32


def test_a_run_without_a_step_has_no_curves(run: Run) -> None:
    assert RunView(run).curves(complete=False) == ""


def test_curves_are_redrawn_when_new_steps_would_be_visible(run: Run) -> None:
    add_steps(run, 1, 600)
    view = RunView(run)
    curves = view.curves(complete=False)
    add_steps(run, 601, 3)
    assert view.curves(complete=False) is curves
    add_steps(run, 604, 1)
    assert drawn_steps(view.curves(complete=False)) == 604
    add_steps(run, 605, 1)
    add_epoch(run, 0)
    assert drawn_steps(view.curves(complete=False)) == 605


def test_curves_of_an_ended_run_are_complete_and_drawn_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_steps(run, 1, 600)
    view = RunView(run)
    view.curves(complete=False)
    add_steps(run, 601, 1)
    curves = view.curves(complete=True)
    assert drawn_steps(curves) == 601
    monkeypatch.setattr(figures, "history_figure", lambda *tables: pytest.fail("drawn again"))
    assert view.curves(complete=True) is curves


def test_a_resumed_run_drops_the_steps_that_it_repeats(run: Run) -> None:
    add_steps(run, 1, 600)
    view = RunView(run)
    view.curves(complete=False)
    steps = run.steps
    save_table(run.directory / "steps.csv", steps[steps["step"] <= 598], STEPS_COLUMNS)
    assert drawn_steps(view.curves(complete=False)) == 598
    add_steps(run, 599, 10)
    assert drawn_steps(view.curves(complete=False)) == 608


def test_a_run_is_refreshed_often_at_first_and_seldom_in_a_hidden_tab(run: Run) -> None:
    view = RunView(run)
    assert view.refresh_seconds() == FIRST_REFRESH_SECONDS
    add_steps(run, 1, FIRST_ROWS)
    assert view.refresh_seconds() == REFRESH_SECONDS
    assert view.refresh_seconds(hidden=True) == HIDDEN_REFRESH_SECONDS


def test_the_view_of_a_deleted_run_is_empty(run: Run) -> None:
    view = RunView(run)
    assert view.exists
    run.directory.rmdir()
    assert not view.exists
    assert isinstance(view.history, pd.DataFrame) and not len(view.history)


def test_a_refresh_of_a_long_run_takes_less_than_100_milliseconds(run: Run) -> None:
    epoch = pd.DataFrame({"epoch": range(300)})
    epoch[list(HISTORY_COLUMNS[1:])] = 0.5
    save_table(run.directory / "history.csv", epoch, HISTORY_COLUMNS)
    steps = pd.DataFrame({"step": range(20_000), "epoch": [n / 66 for n in range(20_000)]})
    steps[list(STEPS_COLUMNS[2:])] = 0.5
    save_table(run.directory / "steps.csv", steps, STEPS_COLUMNS)
    view = RunView(run)
    view.curves(complete=False)
    add_epoch(run, 300)
    started = time.thread_time()  # not wall time: the machine may be busy
    view.curves(complete=False)
    assert time.thread_time() - started < 0.1
