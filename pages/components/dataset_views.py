"""Asks for data sets to be added, and shows how far that is."""

import contextlib
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import streamlit as st

from fer_core import paths, queue, tasks
from fer_core.datasets.names import KINDS, check_new_name, free_name, safe_name
from fer_core.tasks import Task, TaskState
from pages.components.refusals import try_to
from pages.components.words import plain

_REFRESH_SECONDS = 0.5


def submit_drawn_dataset(name: str = "drawn-faces", count: int = 2100, seed: int = 0) -> Task:
    """Asks for a data set of schematic faces; the name gets a number where it is taken."""
    arguments = {"name": free_name(name), "count": count, "seed": seed}
    return queue.submit(tasks.new_directory(paths.tasks_root(), "draw"), "draw", arguments)


def submit_import(source: Path, name: str, **settings: Any) -> Task:
    """Asks for a folder or file of this machine to be added; settings as for `import_source`.

    Raises:
        ValueError: the name cannot be used.
    """
    check_new_name(name)
    directory = tasks.new_directory(paths.tasks_root(), "import")
    return queue.submit(directory, "import", {"source": str(source), "name": name, **settings})


def submit_upload(file: BinaryIO, filename: str, name: str, **settings: Any) -> Task:
    """Asks for an uploaded .zip or .csv to be added; it is removed when that has ended.

    Raises:
        ValueError: the name cannot be used.
    """
    check_new_name(name)
    directory = tasks.new_directory(paths.tasks_root(), "import")
    original = Path(filename)
    upload = directory / f"{safe_name(original.stem)}{original.suffix.lower()}"
    with upload.open("wb") as copy:
        shutil.copyfileobj(file, copy)
    return queue.submit(directory, "import", {"source": str(upload), "name": name, **settings})


def shown_imports() -> list[Task]:
    """What is being added, and what could not be and was not dismissed, oldest first."""
    found = [task for kind in KINDS for task in tasks.list_tasks(kind)]
    silent = (TaskState.FINISHED, TaskState.CANCELLED)
    return sorted((task for task in found if task.state not in silent), key=lambda task: task.id)


def show_import_progress(task: Task, *, choose: bool = True) -> None:
    """How far an import is; when it is done, the page is shown anew.

    Args:
        choose: whether its data set is then the chosen one.
    """
    active = task.state.is_active
    st.fragment(_watch, run_every=_REFRESH_SECONDS if active else None)(task, active, choose)


def _watch(task: Task, was_active: bool, choose: bool) -> None:
    state, name = task.state, _name(task)
    if state is TaskState.QUEUED:
        queue.wake()  # whoever takes what waits may have ended meanwhile
    if state.is_active:
        progress, stopping = task.progress, state is TaskState.STOPPING
        text = plain(progress.message) if progress else "It begins …"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(
                progress.fraction if progress else 0.0,
                text=f"{_doing(task)} **{name}**. {'It is being stopped …' if stopping else text}",
            )
            st.button(
                f"Stop {_doing(task).lower()}",
                on_click=try_to,
                args=(lambda: _stop(task),),
                key=f"stop-{task.id}",
                disabled=stopping,
            )
        return
    if was_active:
        if state is TaskState.FINISHED:
            if choose:
                st.query_params["dataset"] = name
            st.toast(f"{name} was added.", icon=":material/check:")
        st.rerun()
    if state in (TaskState.FAILED, TaskState.INTERRUPTED):
        with st.container(horizontal=True, vertical_alignment="center"):
            if task.stop_requested:
                st.info(f"{_doing(task)} **{name}** was stopped. Nothing of it was kept.")
            else:
                st.error(f"**{name}** was not added. {plain(task.error or task.interruption)}")
            st.button("Dismiss", on_click=_delete, args=(task,), key=f"dismiss-{task.id}")


def _stop(task: Task) -> None:
    """Stops it; one that nobody had begun goes with all that was uploaded for it."""
    task.request_stop()
    if task.state is TaskState.CANCELLED:
        _delete(task)


def _delete(task: Task) -> None:
    with contextlib.suppress(ValueError, FileNotFoundError):  # another tab was quicker
        task.delete()


def _doing(task: Task) -> str:
    request = task.request
    return "Drawing" if request and request.kind == "draw" else "Adding"


def _name(task: Task) -> str:
    request = task.request
    return str(request.arguments.get("name", task.id)) if request else task.id
