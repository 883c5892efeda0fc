"""What trains and what waits, in order, and buttons that change it."""

import streamlit as st

from fer_core import preferences, queue
from fer_core.preferences import Preferences
from fer_core.runs import Run
from pages.components.words import STATE_COLORS, plain, spoken_run

REFRESH_SECONDS = 2.0
_BY_ITSELF = "resume-by-itself"


@st.fragment(run_every=REFRESH_SECONDS)
def show_queue() -> None:
    """Shows the queue of the workspace, whoever asked for what is in it."""
    trains, waits = ([Run(task.directory) for task in tasks] for tasks in queue.lineup("train"))
    with st.container():  # one place, whether the list is there or not
        if trains or waits:
            _show_list(trains, waits)
    st.session_state[_BY_ITSELF] = preferences.read_preferences().resume_by_itself
    st.toggle(
        "Resume interrupted runs by themselves",
        key=_BY_ITSELF,
        on_change=_choose_resuming,
        help="After a restart of the machine, or when the system ended a training, it goes on from "
        "its last whole epoch without a click; not when that has led nowhere three times.",
    )


def _show_list(trains: list[Run], waits: list[Run]) -> None:
    st.markdown("**Queue**")
    with st.container(border=True, gap="xsmall"):
        for run in trains:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(run.state, color=STATE_COLORS[run.state], width="content")
                st.markdown(f"{plain(_title(run))}, epoch {_epoch(run)}", width="content")
                _offer_watching(run)
        for number, run in enumerate(waits, start=1):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(f"{number}", color="gray", width="content")
                st.markdown(plain(_title(run)), width="content")
                _show_buttons(run, first=number == 1, last=number == len(waits))
                _offer_watching(run)


def _show_buttons(run: Run, *, first: bool, last: bool) -> None:
    for label, icon, steps, disabled in (
        ("Earlier", ":material/arrow_upward:", -1, first),
        ("Later", ":material/arrow_downward:", 1, last),
    ):
        st.button(
            label,
            icon=icon,
            type="tertiary",
            disabled=disabled,
            on_click=queue.move,
            args=(run, steps),
            key=f"{label}-{run.id}",
        )
    st.button(
        "Cancel",
        icon=":material/close:",
        type="tertiary",
        on_click=_cancel,
        args=(run,),
        help="Takes it from the queue. It stays among the runs and can be resumed.",
        key=f"cancel-{run.id}",
    )


def _offer_watching(run: Run) -> None:
    pressed = st.button(
        "Watch", icon=":material/show_chart:", type="tertiary", key=f"watch-{run.id}"
    )
    if pressed:
        st.query_params["run"] = run.id
        st.rerun()


def _cancel(run: Run) -> None:
    if not run.cancel():
        st.toast(f"{plain(_title(run))} has begun, or was cancelled already.")


def _choose_resuming() -> None:
    preferences.save_preferences(Preferences(resume_by_itself=st.session_state[_BY_ITSELF]))


def _title(run: Run) -> str:
    return run.id if run.problem else spoken_run(run)


def _epoch(run: Run) -> str:
    if run.problem:
        return "–"
    epochs = run.goal.epochs
    return f"{min(len(run.history) + 1, epochs)} of {epochs}"
