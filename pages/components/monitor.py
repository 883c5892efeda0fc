"""Watches a run: how far it is, its live curves, its log; and at the end what came of it."""

from typing import Literal

import streamlit as st

from fer_core import figures
from fer_core.runs import Run
from fer_core.tasks import TaskState
from pages.components.live_plot import live_plot, load_plotly
from pages.components.outcome import show_outcome
from pages.components.words import spoken_end, spoken_state

REFRESH_SECONDS = 1.0

_COLORS: dict[TaskState, Literal["gray", "blue", "orange", "green", "red"]] = {
    TaskState.QUEUED: "gray",
    TaskState.RUNNING: "blue",
    TaskState.STOPPING: "orange",
    TaskState.FINISHED: "green",
    TaskState.FAILED: "red",
    TaskState.INTERRUPTED: "orange",
    TaskState.CANCELLED: "gray",
}


def monitor(run: Run) -> None:
    """Shows the run, every second anew while it waits or trains."""
    active = run.state.is_active
    with st.container(gap=None):
        load_plotly()
        refresh = REFRESH_SECONDS if active else None
        st.fragment(_watch, run_every=refresh)(run, active)
    if not active:
        show_outcome(run)


def _watch(run: Run, active: bool) -> None:
    state = run.state
    if active and not state.is_active:
        st.rerun()  # the page shows the end, and this refreshes no more
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(run.name, anchor=False, width="content")
        st.badge(spoken_state(run), color=_COLORS[state])
    if active:
        _show_progress(run)
        _show_stop(run, state)
    history, steps = run.history, run.steps
    if len(history) or len(steps):
        live_plot(figures.history_figure(history, steps), key=f"curves-{run.id}")
    with st.expander("Log", icon=":material/notes:"):
        st.code(run.log(lines=100) or "Nothing yet.", language=None, wrap_lines=True)


def _show_progress(run: Run) -> None:
    progress = run.progress
    if run.state is TaskState.QUEUED or progress is None:
        waits = "It waits in the queue and begins when what was asked for earlier has ended."
        st.progress(0.0, text=waits if run.state is TaskState.QUEUED else "It begins …")
        return
    st.progress(progress.fraction, text=progress.message)
    epoch, speed, end, best = st.columns(4)
    history, epochs = run.history, run.config.epochs
    epoch.metric("Epoch", f"{min(len(history) + 1, epochs)} of {epochs}")
    speed.metric("Images per second", f"{progress.rate:,.0f}" if progress.rate else "–")
    left = progress.seconds_left
    end.metric("Ends at", "–" if left is None else spoken_end(left))
    best.metric(
        "Best validation accuracy",
        f"{history['val_accuracy'].max():.1%}" if len(history) else "–",
    )


def _show_stop(run: Run, state: TaskState) -> None:
    label = {TaskState.QUEUED: "Take from the queue", TaskState.STOPPING: "Stopping …"}
    st.button(
        label.get(state, "Stop training"),
        icon=":material/stop_circle:",
        on_click=run.request_stop,
        disabled=state is TaskState.STOPPING,
        help="Ends after the batch in hand; the history and the best model are kept.",
        key=f"stop-{run.id}",
    )
