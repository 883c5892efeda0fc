"""Asks for a data set's images to be looked at, and shows how far that is."""

import contextlib

import streamlit as st

from fer_core import paths, queue, tasks
from fer_core.tasks import Task, TaskState
from pages.components.refusals import try_to
from pages.components.words import plain

_KIND = "examine"
_REFRESH_SECONDS = 0.5


def submit_examination(name: str, faces: int = 0) -> Task:
    """Asks for every image of the data set to be looked at, or for faces in so many of them.

    Raises:
        ValueError: it is being looked at already.
    """
    with queue.alone():  # of two sessions that ask at once, the second finds it asked for
        if any(task.state.is_active for task in _examinations(name)):
            raise ValueError(f"{name} is being looked at already.")
        directory = tasks.new_directory(paths.tasks_root(), _KIND)
        return queue.submit(directory, _KIND, {"dataset": name, "faces": faces})


def show_examination(name: str) -> bool:
    """How far the newest examination of that data set is, or why it failed; whether it goes on.

    When it has ended, the page is shown anew.
    """
    tasks_of_it = _examinations(name)
    if not tasks_of_it:
        return False
    active = tasks_of_it[0].state.is_active
    st.fragment(_watch, run_every=_REFRESH_SECONDS if active else None)(tasks_of_it[0], active)
    return active


def _watch(task: Task, was_active: bool) -> None:
    state = task.state
    if state is TaskState.QUEUED:
        queue.wake()  # whoever takes what waits may have ended meanwhile
    if state.is_active:
        progress, stopping = task.progress, state is TaskState.STOPPING
        text = plain(progress.message) if progress else "It begins …"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(
                progress.fraction if progress else 0.0,
                text="It is being stopped …" if stopping else text,
            )
            st.button(
                "Stop looking",
                on_click=try_to,
                args=(task.request_stop,),
                key=f"stop-{task.id}",
                disabled=stopping,
            )
        return
    if was_active:
        st.rerun()
    if state in (TaskState.FAILED, TaskState.INTERRUPTED):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.error(f"The images were not looked at. {plain(task.error or task.interruption)}")
            st.button("Dismiss", on_click=_delete, args=(task,), key=f"dismiss-{task.id}")


def _delete(task: Task) -> None:
    with contextlib.suppress(ValueError, FileNotFoundError):  # another tab was quicker
        task.delete()


def _examinations(name: str) -> list[Task]:
    """Those of the data set of that name, newest first."""
    found = tasks.list_tasks(_KIND)
    return [task for task in found if task.request and task.request.arguments["dataset"] == name]
