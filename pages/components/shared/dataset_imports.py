"""Submits tasks that add datasets and shows their progress."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import streamlit as st

from fer_core import tasks
from fer_core.datasets import KINDS, check_new_name, free_name, safe_name
from fer_core.storage import file_size, paths
from fer_core.tasks import Task, TaskState, kinds, queue
from pages.components.shared.formatting import plain
from pages.components.shared.task_progress import TaskLabels, show_task


def submit_drawn_dataset(name: str = "drawn-faces", count: int = 2100, seed: int = 0) -> Task:
    """Submits a dataset of drawn faces; appends a number to a name that is taken."""
    arguments = {"name": free_name(name), "count": count, "seed": seed}
    return queue.submit(tasks.new_directory(paths.tasks_root(), kinds.DRAW), kinds.DRAW, arguments)


def submit_import(source: Path, name: str, **settings: Any) -> Task:
    """Submits the import of a folder or file on this machine.

    Args:
        settings: as for `import_source`.

    Raises:
        FerError: the name is taken or not allowed.
    """
    check_new_name(name)
    directory = tasks.new_directory(paths.tasks_root(), kinds.IMPORT)
    return queue.submit(directory, kinds.IMPORT, {"source": str(source), "name": name, **settings})


def submit_upload(file: BinaryIO, filename: str, name: str, **settings: Any) -> Task:
    """Submits the import of an uploaded .zip or .csv; the upload is deleted afterwards.

    Raises:
        FerError: the name is taken or not allowed.
    """
    check_new_name(name)
    directory = tasks.new_directory(paths.tasks_root(), kinds.IMPORT, file_size(file))
    original = Path(filename)
    upload = directory / f"{safe_name(original.stem)}{original.suffix.lower()}"
    with upload.open("wb") as copy:
        shutil.copyfileobj(file, copy)
    return queue.submit(directory, kinds.IMPORT, {"upload": upload.name, "name": name, **settings})


def pending_imports() -> list[Task]:
    """Returns imports that are active, or failed and not dismissed yet; oldest first."""
    submitted = [task for kind in KINDS for task in tasks.list_tasks(kind)]
    done = (TaskState.FINISHED, TaskState.CANCELLED)
    return sorted((task for task in submitted if task.state not in done), key=lambda task: task.id)


def show_import_progress(task: Task, *, choose: bool = True) -> None:
    """Shows the progress of an import; reruns the page when it has ended.

    Args:
        choose: select the new dataset by putting it into the page's address.
    """
    name, action = plain(_name(task)), _action(task)
    labels = TaskLabels(
        f"Stop {action.lower()}",
        f"**{name}** was not added.",
        doing=f"{action} **{name}**.",
        stopped=f"{action} **{name}** was stopped, and nothing was added.",
    )
    show_task(task, labels, finished=partial(_announce, task, choose), stays=False)


def _announce(task: Task, choose: bool) -> None:
    if choose:
        st.query_params["dataset"] = _name(task)
    st.toast(f"{plain(_name(task))} was added.", icon=":material/check:")


def _action(task: Task) -> str:
    request = task.request
    return "Drawing" if request and request.kind == kinds.DRAW else "Adding"


def _name(task: Task) -> str:
    request = task.request
    return str(request.arguments.get("name", task.id)) if request else task.id
