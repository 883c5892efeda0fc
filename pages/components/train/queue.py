"""The queue of runs, with buttons to reorder and cancel them."""

from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.tasks import kinds, queue, read_preferences, save_preferences
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import STATE_COLORS, BadgeColor, format_run, plain

# Changes of the queue rerun the page at once while it shows an active run: see `monitor`.
REFRESH_SECONDS = 60.0
EPOCH_SECONDS = 10.0  # while the queue shows the epoch of a run that is not shown below
_AUTO_RESUME = "auto-resume"


def show_queue(shown: Run, snapshot: queue.Snapshot) -> None:
    """Shows the queue of the workspace, refreshed while runs train or wait.

    Args:
        shown: the run that the page shows below.
        snapshot: the queue at the start of the page run; decides the refresh interval.
    """
    training, waiting = snapshot
    others = [task for task in training if task.id != shown.id]
    interval = EPOCH_SECONDS if others else REFRESH_SECONDS
    st.fragment(_show_queue, run_every=interval if training or waiting else None)(shown)


def _show_queue(shown: Run) -> None:
    training, waiting = (
        [Run(task.directory) for task in tasks] for tasks in queue.snapshot(kinds.TRAIN)
    )
    if waiting and not training:
        queue.wake()  # in case the supervisor was killed
    with st.container():  # keeps the toggle in place whether or not there is a list
        if training or waiting:
            _show_list(training, waiting, shown)
    st.session_state[_AUTO_RESUME] = read_preferences().auto_resume
    st.toggle(
        "Resume interrupted runs automatically",
        key=_AUTO_RESUME,
        on_change=run_or_toast,
        args=(_save_auto_resume,),
        **writing(
            help="After a restart of the machine, or when the system killed a run, training "
            "resumes from the last completed epoch. After three attempts without a completed "
            "epoch it stays interrupted."
        ),
    )


def _show_list(training: list[Run], waiting: list[Run], shown: Run) -> None:
    st.markdown("**Queue**")
    with st.container(border=True, gap="xsmall"):
        for run in training:
            # The monitor below shows the epoch of its run, and is refreshed more often.
            epoch = "" if run.id == shown.id else f", epoch {_epoch(run)}"
            with _row(run.state, STATE_COLORS[run.state], f"{_title(run)}{epoch}"):
                _show_watch_button(run, shown)
        for number, run in enumerate(waiting, start=1):
            with _row(f"{number}", "gray", _title(run)):
                if len(waiting) > 1:
                    _show_move_buttons(run, first=number == 1, last=number == len(waiting))
                _show_cancel_button(run)
                _show_watch_button(run, shown)


def _row(badge: str, color: BadgeColor, text: str) -> DeltaGenerator:
    """Shows a row of the list; returns the container for the buttons at its end."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    # Inside the text, so that it stays on its first line on narrow screens.
    line.markdown(f":{color}-badge[{badge}] {plain(text)}", width="content")
    line.space("stretch")
    return line


def _show_move_buttons(run: Run, *, first: bool, last: bool) -> None:
    for label, icon, steps, disabled in (
        ("Earlier", ":material/arrow_upward:", -1, first),
        ("Later", ":material/arrow_downward:", 1, last),
    ):
        st.button(
            label,
            icon=icon,
            type="tertiary",
            **writing(disabled=disabled),
            on_click=run_or_toast,
            args=(partial(queue.move, run, steps),),
            key=f"{label}-{run.id}",
        )


def _show_cancel_button(run: Run) -> None:
    st.button(
        "Cancel",
        icon=":material/close:",
        type="tertiary",
        on_click=run_or_toast,
        args=(partial(_cancel, run),),
        **writing(
            help="Removes the run from the queue. It stays on the Runs page and can be resumed."
        ),
        key=f"cancel-{run.id}",
    )


def _show_watch_button(run: Run, shown: Run) -> None:
    is_shown = run.id == shown.id
    pressed = st.button(
        "Shown below" if is_shown else "Watch",
        icon=":material/show_chart:",
        type="tertiary",
        disabled=is_shown,
        key=f"watch-{run.id}",
    )
    if pressed:
        st.query_params["run"] = run.id
        st.rerun()


def _cancel(run: Run) -> None:
    if not run.cancel():
        raise FerError(f"{_title(run)} can be canceled only while it waits. It is {run.state}.")


def _save_auto_resume() -> None:
    chosen = replace(read_preferences(), auto_resume=st.session_state[_AUTO_RESUME])
    save_preferences(chosen)


def _title(run: Run) -> str:
    return run.id if run.problem else format_run(run)


def _epoch(run: Run) -> str:
    if run.problem:
        return "–"
    epochs = run.goal.epochs
    return f"{min(len(run.history) + 1, epochs)} of {epochs}"
