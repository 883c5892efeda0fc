"""Asks for data sets to be added, and shows how far that is."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import streamlit as st

from fer_core import tasks
from fer_core.datasets import KINDS, check_new_name, free_name, safe_name
from fer_core.storage import paths
from fer_core.tasks import Task, TaskState, queue
from pages.components.shared.formatting import plain
from pages.components.shared.task_progress import TaskLabels, show_task


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
    name, doing = plain(_name(task)), _doing(task)
    words = TaskLabels(
        f"Stop {doing.lower()}",
        f"**{name}** was not added.",
        doing=f"{doing} **{name}**.",
        stopped=f"{doing} **{name}** was stopped. Nothing of it was kept.",
    )
    show_task(task, words, finished=partial(_tell, task, choose), stays=False)


def _tell(task: Task, choose: bool) -> None:
    if choose:
        st.query_params["dataset"] = _name(task)
    st.toast(f"{plain(_name(task))} was added.", icon=":material/check:")


def _doing(task: Task) -> str:
    request = task.request
    return "Drawing" if request and request.kind == "draw" else "Adding"


def _name(task: Task) -> str:
    request = task.request
    return str(request.arguments.get("name", task.id)) if request else task.id
