"""Watches a run: how far it is, its live curves, its log; and at the end what came of it."""

import streamlit as st

from fer_core import figures, queue
from fer_core.runs import Run
from fer_core.tasks import Progress, TaskState
from pages.components.live_plot import live_plot, load_plotly
from pages.components.outcome import show_end, show_scores
from pages.components.words import STATE_COLORS, spoken_end, spoken_state, spoken_title

REFRESH_SECONDS = 1.0


def monitor(run: Run) -> None:
    """Shows the run: every second anew while it waits or trains, else what came of it."""
    active = run.state.is_active
    with st.container(gap=None):
        load_plotly()
        st.fragment(_watch, run_every=REFRESH_SECONDS if active else None)(run, active)
    if not active:
        show_scores(run)


def _watch(run: Run, active: bool) -> None:
    state = run.state
    if state.is_active != active:
        st.rerun()  # it ended or was resumed: the page begins or ceases to refresh
    _show_title(run)
    with st.container():  # one place for both, so that the curves below keep theirs, and the zoom
        if active:
            _show_stop(run, state)
            _show_progress(run, state)
        else:
            show_end(run)
    _show_curves(run)


def _show_title(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(spoken_title(run), anchor=False, width="content")
        st.badge(spoken_state(run), color=STATE_COLORS[run.state])
    st.caption(run.name)


def _show_curves(run: Run) -> None:
    history, steps = run.history, run.steps
    if len(history) or len(steps):
        figure = figures.history_figure(history, steps)
        live_plot(figure, f"curves-{run.id}", f"Loss and accuracy of {spoken_title(run)}")
    with st.expander("Log", icon=":material/notes:"):
        st.code(run.log(lines=100) or "Nothing yet.", language=None, wrap_lines=True)


def _show_stop(run: Run, state: TaskState) -> None:
    label = {TaskState.QUEUED: "Take from the queue", TaskState.STOPPING: "Stopping …"}
    st.button(
        label.get(state, "Stop training"),
        icon=":material/stop_circle:",
        on_click=run.request_stop,
        disabled=state is TaskState.STOPPING,
        help=None
        if state is TaskState.QUEUED
        else "Ends after the batch in hand; the history and the best model are kept.",
        key=f"stop-{run.id}",
    )


def _show_progress(run: Run, state: TaskState) -> None:
    progress = run.progress
    if state is TaskState.QUEUED:
        queue.wake()  # a supervisor that was killed must not leave the queue asleep
        st.progress(0.0, text="It waits until what was asked for earlier has ended.")
    elif progress is None or progress.rate is None:
        st.progress(progress.fraction if progress else 0.0, text=_preparing(progress))
    else:
        st.progress(progress.fraction)
        _show_numbers(run, progress)


def _preparing(progress: Progress | None) -> str:
    return f"{progress.message} …" if progress and progress.message else "It begins …"


def _show_numbers(run: Run, progress: Progress) -> None:
    history, epochs = run.history, run.config.epochs
    accuracy = f"{history['val_accuracy'].max():.1%}" if len(history) else "–"
    end = "–" if progress.seconds_left is None else spoken_end(progress.seconds_left)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Epoch", f"{min(len(history) + 1, epochs)} of {epochs}", width="content")
        st.metric("Images per second", f"{progress.rate:,.0f}", width="content")
        st.metric("Ends at", end, width="content")
        st.metric("Best validation accuracy", accuracy, width="content")
