"""What sessions that watch the same run share."""

import json
import time
from pathlib import Path

import pandas as pd
import pytest

from fer_core import figures
from fer_core.runs.records import HISTORY_COLUMNS, STEPS_COLUMNS
from fer_core.runs.run import Run
from fer_core.storage.csv_tables import append_row, save_table
from pages.components.train import run_watch as watching
from pages.components.train.run_watch import (
    FIRST_PACE,
    FIRST_ROWS,
    HIDDEN_PAUSE,
    LONGEST_PAUSE,
    LOOK,
    LOOK_HERE,
    SHARE,
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
    """How far the first line reaches."""
    table = json.loads(curves)["data"][0]["x"]
    assert table["dtype"] == "f4"
    return len(table["bdata"]) * 3 // 4 // 4  # base64 of float32


def test_a_run_without_a_step_has_no_curves(run: Run) -> None:
    assert RunView(run).curves(complete=False) == ""


def test_curves_are_drawn_again_when_one_could_see_what_is_new(run: Run) -> None:
    add_steps(run, 1, 600)
    watched = RunView(run)
    curves = watched.curves(complete=False)
    add_steps(run, 601, 3)
    assert watched.curves(complete=False) is curves
    add_steps(run, 604, 1)
    assert drawn_steps(watched.curves(complete=False)) == 604
    add_steps(run, 605, 1)
    add_epoch(run, 0)
    assert drawn_steps(watched.curves(complete=False)) == 605


def test_curves_of_an_ended_run_lack_nothing_and_are_drawn_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_steps(run, 1, 600)
    watched = RunView(run)
    watched.curves(complete=False)
    add_steps(run, 601, 1)
    curves = watched.curves(complete=True)
    assert drawn_steps(curves) == 601
    monkeypatch.setattr(figures, "history_figure", lambda *tables: pytest.fail("drawn again"))
    assert watched.curves(complete=True) is curves


def test_a_resumed_run_loses_the_steps_that_it_does_again(run: Run) -> None:
    add_steps(run, 1, 600)
    watched = RunView(run)
    watched.curves(complete=False)
    steps = run.steps
    save_table(run.directory / "steps.csv", steps[steps["step"] <= 598], STEPS_COLUMNS)
    assert drawn_steps(watched.curves(complete=False)) == 598
    add_steps(run, 599, 10)
    assert drawn_steps(watched.curves(complete=False)) == 608


def test_viewers_take_turns(run: Run) -> None:
    watched = RunView(run)
    assert [watched.pause(name) / FIRST_PACE for name in "aabcde"] == [1, 1, 2, 3, 4, 5]
    for number in range(100):
        pause = watched.pause(f"viewer {number}")
    assert pause == LONGEST_PAUSE


def test_after_its_first_minutes_a_run_is_looked_at_less_often(run: Run) -> None:
    watched = RunView(run)
    assert watched.pause("a") == FIRST_PACE
    add_steps(run, 1, FIRST_ROWS)
    assert watched.pause("a") > FIRST_PACE


@pytest.mark.parametrize("processors", [1, 2, 4, 64])
@pytest.mark.parametrize(("here", "look"), [(True, LOOK_HERE), (False, LOOK)])
def test_all_viewers_together_take_their_share_of_the_processors_at_most(
    run: Run, monkeypatch: pytest.MonkeyPatch, processors: int, here: bool, look: float
) -> None:
    monkeypatch.setattr(watching, "processors", lambda: processors)
    add_steps(run, 1, FIRST_ROWS)
    watched = RunView(run)
    for count in range(1, 6):
        for number in range(count):
            pause = watched.pause(f"viewer {number}", here=here)
        assert count * look / pause < 1.001 * SHARE * processors or pause == LONGEST_PAUSE
        assert pause >= FIRST_PACE


def test_who_watches_from_another_machine_may_look_more_often(run: Run) -> None:
    add_steps(run, 1, FIRST_ROWS)
    near, far = (RunView(run).pause("a", here=here) for here in (True, False))
    assert far < near


def test_a_viewer_who_left_or_looks_elsewhere_takes_no_turn(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = RunView(run)
    for name in "abc":
        watched.pause(name)
    assert watched.pause("b", hidden=True) == HIDDEN_PAUSE
    assert watched.pause("a") == 2 * FIRST_PACE
    later = time.monotonic() + 2 * LONGEST_PAUSE + 1
    monkeypatch.setattr(watching.time, "monotonic", lambda: later)
    assert watched.pause("a") == FIRST_PACE


def test_a_run_that_was_deleted_is_not_there(run: Run) -> None:
    watched = RunView(run)
    assert watched.is_there
    run.directory.rmdir()
    assert not watched.is_there
    assert isinstance(watched.history, pd.DataFrame) and not len(watched.history)


def test_a_look_at_a_long_run_takes_less_than_a_hundred_milliseconds(run: Run) -> None:
    epoch = pd.DataFrame({"epoch": range(300)})
    epoch[list(HISTORY_COLUMNS[1:])] = 0.5
    save_table(run.directory / "history.csv", epoch, HISTORY_COLUMNS)
    steps = pd.DataFrame({"step": range(20_000), "epoch": [n / 66 for n in range(20_000)]})
    steps[list(STEPS_COLUMNS[2:])] = 0.5
    save_table(run.directory / "steps.csv", steps, STEPS_COLUMNS)
    watched = RunView(run)
    watched.curves(complete=False)
    add_epoch(run, 300)
    started = time.thread_time()  # others use the same processors
    watched.curves(complete=False)
    assert time.thread_time() - started < 0.1
