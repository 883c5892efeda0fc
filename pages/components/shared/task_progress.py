"""A task on a page: how far it is, a button that stops it, and why it came to nothing."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fer_core.tasks import Progress, Task, TaskState, queue
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_end_time, plain

REFRESH_SECONDS = 0.5


@dataclass(frozen=True)
class Words:
    """What is said of a task; all but the button's label is Markdown."""

    stop: str  # the button's label
    failed: str  # a sentence that stands before the reason
    doing: str = ""  # stands before how far it is
    stopped: str = ""  # a sentence where a person ended it; without one nothing is said


def show_task(
    task: Task, words: Words, *, finished: Callable[[], None] | None = None, stays: bool = True
) -> bool:
    """How far the task is, or why it failed; whether it goes on.

    When it has ended, the page is shown anew.

    Args:
        finished: called once, where it has come to its end while it was looked at.
        stays: whether it is kept where it is taken from the queue before anybody began it.
    """
    active = task.state.is_active
    every = REFRESH_SECONDS if active else None
    st.fragment(watch, run_every=every)(task, words, active, finished, stays)
    return active


def watch(
    task: Task,
    words: Words,
    was_active: bool,
    finished: Callable[[], None] | None = None,
    stays: bool = True,
) -> None:
    """One look at the task; `show_task` repeats it."""
    state = task.state
    if state is TaskState.QUEUED:
        queue.wake()  # whoever takes what waits may have ended meanwhile
    if state.is_active:
        _show_progress(task, words, state is TaskState.STOPPING, stays)
        return
    if was_active:
        if finished is not None and state is TaskState.FINISHED:
            finished()
        st.rerun()
    if state in (TaskState.FAILED, TaskState.INTERRUPTED):
        _say_failure(task, words)


def _show_progress(task: Task, words: Words, stopping: bool, stays: bool) -> None:
    progress = task.progress
    says = _describe(progress) if progress else "It begins …"
    if task.state is TaskState.QUEUED:
        says = "Waiting in the queue …"
    if stopping:
        says = "It is being stopped …"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(progress.fraction if progress else 0.0, text=f"{words.doing} {says}".strip())
        st.button(
            words.stop,
            on_click=run_or_toast,
            args=(task.request_stop if stays else lambda: _stop_and_forget(task),),
            key=f"stop-{task.id}",
            disabled=stopping,
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


def _say_failure(task: Task, words: Words) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if task.stop_requested and words.stopped:
            st.info(words.stopped)
        else:
            st.error(f"{words.failed} {plain(task.error or task.interruption)}")
        st.button("Dismiss", on_click=_delete, args=(task,), key=f"dismiss-{task.id}")


def _stop_and_forget(task: Task) -> None:
    """Stops it; one that nobody had begun goes with all that lies in its directory."""
    task.request_stop()
    if task.state is TaskState.CANCELLED:
        _delete(task)


def _delete(task: Task) -> None:
    with contextlib.suppress(ValueError, FileNotFoundError):  # another tab was quicker
        task.delete()
