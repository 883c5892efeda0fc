"""Watches a run: how far it is, its live curves, its log; and at the end what came of it."""

import uuid
from datetime import timedelta

import streamlit as st

from fer_core.figures import HISTORY_HEIGHT
from fer_core.runs import Run
from fer_core.tasks import Progress, TaskState, queue
from pages.components.shared.corrections import show_run_corrections
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import (
    STATE_COLORS,
    format_duration,
    format_end_time,
    format_run_state,
    format_run_title,
    plain,
)
from pages.components.shared.live_plot import is_hidden, live_plot, load_plotly
from pages.components.shared.scores import show_best_accuracy
from pages.components.train.initial_run import show_origin
from pages.components.train.outcome import show_end, show_scores
from pages.components.train.run_watch import watched

Around = tuple[TaskState, queue.Snapshot | None]


def monitor(run: Run, lineup: queue.Snapshot) -> None:
    """Shows the run: again and again while it waits, trains or will, else what came of it.

    When the `lineup`, all runs that trained or waited before the page showed them, is another one
    at a later look, the page runs anew.
    """
    state = run.state
    around = state, lineup if state.is_active else None
    pause = _pause(run) if state.is_active or queue.will_auto_resume(run) else None
    _show_title(run)
    show_origin(run)
    show_run_corrections(run)
    with st.container():  # one place for both, so that the curves below keep theirs, and the zoom
        if state.is_active:
            _show_stop(run, state)
        else:
            show_end(run)
    with st.container(gap=None):
        load_plotly()
        st.fragment(_look, run_every=pause)(run, around, pause)
    if not state.is_active:
        show_scores(run)


def _look(run: Run, shown: Around, pause: float | None) -> None:
    """One look at the run; `shown` is what the page around it tells, until it runs anew."""
    state = run.state
    around = state, queue.snapshot("train") if state.is_active else None
    if (around, None if pause is None else _pause(run)) != (shown, pause):
        st.rerun()
    with st.container():
        if state.is_active:
            _show_progress(run, state)
        elif pause is not None:
            queue.wake()
            st.caption("It goes on by itself in a moment.")
    curves = watched(run).curves(complete=not state.is_active)
    if curves:
        label = f"Loss and accuracy of {_title(run)}"
        live_plot(curves, _curves(run), HISTORY_HEIGHT, label)
    with st.expander("Log", icon=":material/notes:"):
        st.code(run.log(lines=100) or "Nothing yet.", language=None, wrap_lines=True)


def _pause(run: Run) -> float:
    """Seconds until this session should look again."""
    viewer = st.session_state.setdefault("viewer", uuid.uuid4().hex)
    here = st.context.ip_address is None  # as Streamlit tells of a browser on this machine
    return watched(run).pause(viewer, here=here, hidden=is_hidden(_curves(run)))


def _curves(run: Run) -> str:
    return f"curves-{run.id}"


def _title(run: Run) -> str:
    return run.notes.name or format_run_title(run)


def _show_title(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(_title(run)), anchor=False, width="content")
        st.badge(format_run_state(run), color=STATE_COLORS[run.state])
    st.caption(plain(f"{format_run_title(run)} · {run.id}" if run.notes.name else run.id))


def _show_stop(run: Run, state: TaskState) -> None:
    label = {TaskState.QUEUED: "Cancel this run", TaskState.STOPPING: "Stopping …"}
    st.button(
        label.get(state, "Stop training"),
        icon=":material/stop_circle:",
        on_click=run_or_toast,
        args=(run.request_stop,),
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
        st.progress(0.0, text=_place(run))
    elif progress is None or progress.rate is None:
        st.progress(progress.fraction if progress else 0.0, text=_preparing(progress))
    else:
        st.progress(progress.fraction)
        _show_numbers(run, progress)


def _place(run: Run) -> str:
    """Where the run stands among the runs that wait."""
    runs = [task.id for task in queue.waiting() if task.request and task.request.kind == "train"]
    place = runs.index(run.id) if run.id in runs else 0
    if place == 0:
        return "It is next in the queue: it begins when the run before it has ended."
    others = "1 other run waits" if place == 1 else f"{place} other runs wait"
    return f"It is number {place + 1} in the queue: {others} before it."


def _preparing(progress: Progress | None) -> str:
    return f"{progress.message} …" if progress and progress.message else "It begins …"


def _show_numbers(run: Run, progress: Progress) -> None:
    history, epochs = watched(run).history, run.goal.epochs
    left = progress.seconds_left
    with st.container(horizontal=True, gap="medium"):
        st.metric("Epoch", f"{min(len(history) + 1, epochs)} of {epochs}", width="content")
        st.metric("Images per second", f"{progress.rate:,.0f}", width="content")
        st.metric(
            "Time left",
            "–" if left is None else format_duration(timedelta(seconds=left)),
            width="content",
        )
        st.metric("Ends at", "–" if left is None else format_end_time(left), width="content")
        show_best_accuracy(run, history)
