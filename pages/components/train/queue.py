"""What trains and what waits, in order, and buttons that change it."""

from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.tasks import queue, read_preferences, save_preferences
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import STATE_COLORS, BadgeColor, format_run, plain

# Who watches a run that works or waits sees at once that the queue has changed: see monitor.
REFRESH_SECONDS = 60.0
EPOCH_SECONDS = 10.0  # where an epoch is shown that no curve below tells better
_BY_ITSELF = "resume-by-itself"


def show_queue(watched: Run, lineup: queue.Snapshot) -> None:
    """Shows the queue of the workspace, whoever asked for what is in it.

    The `watched` run stands below it already. Whether it is looked at again, and how soon, goes by
    the `lineup` of the runs that train and wait as the page began.
    """
    trains, waits = lineup
    others = [task for task in trains if task.id != watched.id]
    pause = EPOCH_SECONDS if others else REFRESH_SECONDS
    st.fragment(_show_queue, run_every=pause if trains or waits else None)(watched)


def _show_queue(watched: Run) -> None:
    trains, waits = ([Run(task.directory) for task in tasks] for tasks in queue.snapshot("train"))
    if waits and not trains:
        queue.wake()  # a supervisor that was killed must not leave the queue asleep
    with st.container():  # one place, whether the list is there or not
        if trains or waits:
            _show_list(trains, waits, watched)
    st.session_state[_BY_ITSELF] = read_preferences().auto_resume
    st.toggle(
        "Resume interrupted runs by themselves",
        key=_BY_ITSELF,
        on_change=run_or_toast,
        args=(_choose_resuming,),
        help="After a restart of the machine, or when the system ended a training, it goes on from "
        "its last whole epoch without a click; not when that has led nowhere three times.",
    )


def _show_list(trains: list[Run], waits: list[Run], watched: Run) -> None:
    st.markdown("**Queue**")
    with st.container(border=True, gap="xsmall"):
        for run in trains:
            # Of the run below the curve tells the epoch, and more often than the list is looked at.
            epoch = "" if run.id == watched.id else f", epoch {_epoch(run)}"
            with _row(run.state, STATE_COLORS[run.state], f"{_title(run)}{epoch}"):
                _offer_watching(run, watched)
        for number, run in enumerate(waits, start=1):
            with _row(f"{number}", "gray", _title(run)):
                if len(waits) > 1:
                    _offer_moves(run, first=number == 1, last=number == len(waits))
                _offer_cancelling(run)
                _offer_watching(run, watched)


def _row(badge: str, color: BadgeColor, text: str) -> DeltaGenerator:
    """A line of the list; gives the place for its buttons, at the end of the line."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    # Within the text, so that it stays beside its first line where the screen is narrow.
    line.markdown(f":{color}-badge[{badge}] {plain(text)}", width="content")
    line.space("stretch")
    return line


def _offer_moves(run: Run, *, first: bool, last: bool) -> None:
    for label, icon, steps, disabled in (
        ("Earlier", ":material/arrow_upward:", -1, first),
        ("Later", ":material/arrow_downward:", 1, last),
    ):
        st.button(
            label,
            icon=icon,
            type="tertiary",
            disabled=disabled,
            on_click=run_or_toast,
            args=(partial(queue.move, run, steps),),
            key=f"{label}-{run.id}",
        )


def _offer_cancelling(run: Run) -> None:
    st.button(
        "Cancel",
        icon=":material/close:",
        type="tertiary",
        on_click=run_or_toast,
        args=(partial(_cancel, run),),
        help="Takes it from the queue. It stays on the Runs page and can be resumed.",
        key=f"cancel-{run.id}",
    )


def _offer_watching(run: Run, watched: Run) -> None:
    is_shown = run.id == watched.id
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
        raise FerError(f"{_title(run)} must wait to be cancelled. It is {run.state}.")


def _choose_resuming() -> None:
    chosen = replace(read_preferences(), auto_resume=st.session_state[_BY_ITSELF])
    save_preferences(chosen)


def _title(run: Run) -> str:
    return run.id if run.problem else format_run(run)


def _epoch(run: Run) -> str:
    if run.problem:
        return "–"
    epochs = run.goal.epochs
    return f"{min(len(run.history) + 1, epochs)} of {epochs}"
