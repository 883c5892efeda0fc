"""Shows a run: its progress, live curves and log, and its results once it has ended."""

from datetime import timedelta

import streamlit as st

from fer_core import access
from fer_core.figures import HISTORY_HEIGHT
from fer_core.runs import Run
from fer_core.storage import paths
from fer_core.tasks import Progress, TaskState, kinds, queue
from pages.components.shared.access import LOG_OFF, writing
from pages.components.shared.corrections import show_run_corrections
from pages.components.shared.damage import show_damage
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import (
    STATE_COLORS,
    badge,
    format_duration,
    format_end_time,
    format_run_state,
    format_run_title,
    plain,
)
from pages.components.shared.live_plot import is_hidden, live_plot
from pages.components.shared.scores import show_best_accuracy, show_fold
from pages.components.train.initial_run import show_origin
from pages.components.train.outcome import show_end, show_scores
from pages.components.train.run_watch import run_view

# What the parts of the page outside the refreshing fragment depend on.
PageState = tuple[TaskState, queue.Snapshot | None]


def monitor(run: Run, snapshot: queue.Snapshot) -> None:
    """Shows the run, refreshed while it waits, trains or will be resumed automatically.

    Args:
        snapshot: the queue at the start of the page run; the page reruns when it changes.
    """
    state = run.state
    page_state = state, snapshot if state.is_active else None
    interval = _interval(run) if state.is_active or queue.will_auto_resume(run) else None
    _show_title(run)
    show_origin(run)
    show_damage(run)
    show_run_corrections(run)
    show_fold(run)
    with st.container():  # keeps the position of the curves below, and so their zoom
        if state.is_active:
            _show_stop_button(run, state)
        else:
            show_end(run)
    st.fragment(_refresh, run_every=interval)(run, page_state, interval)
    if not state.is_active:
        show_scores(run)


def _refresh(run: Run, shown: PageState, interval: float | None) -> None:
    """Shows the current state of the run; reruns the page if it is not the `shown` one."""
    state = run.state
    page_state = state, queue.snapshot(kinds.TRAIN) if state.is_active else None
    if (page_state, None if interval is None else _interval(run)) != (shown, interval):
        st.rerun()
    with st.container():
        if state.is_active:
            _show_progress(run, state)
        elif interval is not None:
            queue.wake()
            st.caption("Training will resume automatically in a moment.")
    curves = run_view(run).curves(complete=not state.is_active)
    if curves:
        label = f"Loss and accuracy of {_title(run)}"
        live_plot(curves, _curves_key(run), HISTORY_HEIGHT, label)
    _show_log(run)


def _show_log(run: Run) -> None:
    log = st.expander("Log", icon=":material/notes:", key=f"log-{run.id}", on_change="rerun")
    if not log.open:  # a browser needs 0.5 s to load what shows code
        return
    with log:
        # Its tracebacks name the folders of this machine.
        if access.current().may_read(paths.runs_root()):
            st.code(run.log(lines=100) or "The log is empty.", language=None, wrap_lines=True)
        else:
            st.caption(LOG_OFF)


def _interval(run: Run) -> float:
    """Returns the seconds between two refreshes in this session."""
    return run_view(run).refresh_seconds(hidden=is_hidden(_curves_key(run)))


def _curves_key(run: Run) -> str:
    return f"curves-{run.id}"


def _title(run: Run) -> str:
    return run.notes.name or format_run_title(run)


def _show_title(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(_title(run)), anchor=False, width="content")
        st.markdown(badge(format_run_state(run), STATE_COLORS[run.state]), width="content")
    st.caption(plain(f"{format_run_title(run)} · {run.id}" if run.notes.name else run.id))


def _show_stop_button(run: Run, state: TaskState) -> None:
    label = {TaskState.QUEUED: "Cancel this run", TaskState.STOPPING: "Stopping …"}
    st.button(
        label.get(state, "Stop training"),
        icon=":material/stop_circle:",
        on_click=run_or_toast,
        args=(run.request_stop,),
        **writing(
            disabled=state is TaskState.STOPPING,
            help=None
            if state is TaskState.QUEUED
            else "Stops after the current batch. The curves and the best model are kept.",
        ),
        key=f"stop-{run.id}",
    )


def _show_progress(run: Run, state: TaskState) -> None:
    progress = run.progress
    if state is TaskState.QUEUED:
        queue.wake()  # in case the supervisor was killed
        st.progress(0.0, text=_queue_position(run))
    elif progress is None or progress.rate is None:
        st.progress(progress.fraction if progress else 0.0, text=_current_step(progress))
    else:
        st.progress(progress.fraction)
        _show_numbers(run, progress)


def _queue_position(run: Run) -> str:
    waiting = [task.id for task in queue.waiting(kinds.TRAIN)]
    position = waiting.index(run.id) if run.id in waiting else 0
    if position == 0:
        return "Next in the queue: starts when the current task has ended."
    return f"Number {position + 1} in the queue."


def _current_step(progress: Progress | None) -> str:
    message = plain(progress.message) if progress else ""
    return f"{message[:1].upper()}{message[1:]} …" if message else "Starting …"


def _show_numbers(run: Run, progress: Progress) -> None:
    history, epochs = run_view(run).history, run.goal.epochs
    left = progress.seconds_left
    with st.container(horizontal=True, gap="medium"):
        st.metric("Epoch", f"{min(len(history) + 1, epochs)} of {epochs}", width="content")
        st.metric("Images per second", f"{progress.rate:,.0f}", width="content")
        st.metric(
            "Time left",
            "estimating …" if left is None else format_duration(timedelta(seconds=left)),
            width="content",
        )
        st.metric("Ends at", "–" if left is None else format_end_time(left), width="content")
        show_best_accuracy(run, history)
