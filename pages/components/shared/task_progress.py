"""Shows the progress of a task, a button that stops it, and why it failed."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from fer_core.errors import FerError
from fer_core.tasks import Progress, Task, TaskState, queue
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_end_time, plain

REFRESH_SECONDS = 0.5


@dataclass(frozen=True)
class TaskLabels:
    """Labels a task on the screen; all but the button's are Markdown."""

    stop: str  # the button's label
    failed: str  # a sentence before the reason; empty if the reason says it all
    doing: str = ""  # shown before the progress message
    stopped: str = ""  # shown if the user stopped the task


def show_task(
    task: Task,
    labels: TaskLabels,
    *,
    finished: Callable[[], None] | None = None,
    stays: bool = True,
) -> bool:
    """Shows the progress of a task, or why it failed; returns whether it is active.

    The page reruns when the task has ended.

    Args:
        finished: called once if the task finishes while it is shown.
        stays: whether the task is kept if it is canceled before it started.
    """
    active = task.state.is_active
    every = REFRESH_SECONDS if active else None
    st.fragment(watch, run_every=every)(task, labels, active, finished, stays)
    return active


def watch(
    task: Task,
    labels: TaskLabels,
    was_active: bool,
    finished: Callable[[], None] | None = None,
    stays: bool = True,
    stop: Callable[[], None] | None = None,
) -> None:
    """Shows the current state of the task; refreshed by `show_task`.

    Args:
        stop: what the button does; by default it stops the task, as `stays` says.
    """
    state = task.state
    if state is TaskState.QUEUED:
        queue.wake()  # in case the supervisor was killed
    if state.is_active:
        stop = stop or (task.request_stop if stays else partial(_stop_and_forget, task))
        _show_progress(task, labels, state is TaskState.STOPPING, stop)
        return
    if was_active:
        if finished is not None and state is TaskState.FINISHED:
            finished()
        st.rerun()
    if state in (TaskState.FAILED, TaskState.INTERRUPTED):
        _show_failure(task, labels)


def _show_progress(
    task: Task, labels: TaskLabels, stopping: bool, stop: Callable[[], None]
) -> None:
    progress = task.progress
    message = _describe(progress) if progress else "Starting …"
    if task.state is TaskState.QUEUED:
        message = "Waiting in the queue …"
    if stopping:
        message = "Stopping …"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(
            progress.fraction if progress else 0.0, text=f"{labels.doing} {message}".strip()
        )
        st.button(
            labels.stop,
            on_click=run_or_toast,
            args=(stop,),
            key=f"stop-{task.id}",
            **writing(disabled=stopping),
            width="content",
        )


def _describe(progress: Progress) -> str:
    """Returns, for example, "120 of 472 frames · 31 frames a second · until 21:05"."""
    parts = [plain(progress.message)]
    if progress.rate:
        parts.append(f"{progress.rate:.0f} {progress.unit} a second")
    if progress.seconds_left is not None:
        parts.append(f"until {format_end_time(progress.seconds_left)}")
    return " · ".join(parts)


def _show_failure(task: Task, labels: TaskLabels) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if task.stop_requested and labels.stopped:
            st.info(labels.stopped)
        else:
            st.error(f"{labels.failed} {plain(task.error or task.interruption)}".strip())
        st.button("Dismiss", on_click=_delete, args=(task,), key=f"dismiss-{task.id}", **writing())


def _stop_and_forget(task: Task) -> None:
    """Stops the task; deletes it with its directory if it had not started."""
    task.request_stop()
    if task.state is TaskState.CANCELLED:
        _delete(task)


def _delete(task: Task) -> None:
    with contextlib.suppress(FerError, FileNotFoundError):  # another tab was quicker
        task.delete()
