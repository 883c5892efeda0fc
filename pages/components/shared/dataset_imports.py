"""Submits tasks that preview and add datasets, and shows their progress."""

import contextlib
import shutil
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import streamlit as st

from fer_core import tasks
from fer_core.datasets import KINDS, check_new_name, free_name, safe_name
from fer_core.datasets.importing import PREVIEW, PROPOSAL
from fer_core.datasets.layouts import Choices
from fer_core.datasets.synthetic import check_drawing
from fer_core.errors import FerError
from fer_core.storage import file_size, paths
from fer_core.tasks import Task, TaskState, kinds, queue
from pages.components.shared.formatting import plain
from pages.components.shared.task_progress import TaskLabels, show_task

_DISCARDED = "discarded"  # marks the directory of a preview


def submit_drawn_dataset(
    name: str = "drawn-faces", count: int = 2100, seed: int = 0, subjects: int = 0
) -> Task:
    """Submits a dataset of drawn faces; appends a number to a name that is taken.

    Raises:
        FerError: the count or the subjects are out of range.
    """
    check_drawing(count, subjects)
    arguments = {"name": free_name(name), "count": count, "seed": seed, "subjects": subjects}
    return queue.submit(tasks.new_directory(paths.tasks_root(), kinds.DRAW), kinds.DRAW, arguments)


def submit_preview(source: Path, name: str, **settings: Any) -> Task:
    """Submits the preview of a folder or file on this machine, before its import.

    Args:
        settings: as for `import_source`.

    Raises:
        FerError: the name is taken or not allowed.
    """
    check_new_name(name)
    directory = tasks.new_directory(paths.tasks_root(), kinds.PREVIEW)
    return queue.submit(directory, kinds.PREVIEW, {"source": str(source), "name": name, **settings})


def submit_upload(file: BinaryIO, filename: str, name: str, **settings: Any) -> Task:
    """Submits the preview of an uploaded archive or table, which is kept until it is imported.

    Raises:
        FerError: the name is taken or not allowed.
    """
    check_new_name(name)
    directory = tasks.new_directory(paths.tasks_root(), kinds.PREVIEW, file_size(file))
    original = Path(filename)
    upload = directory / f"{safe_name(original.stem)}{original.suffix.lower()}"
    with upload.open("wb") as copy:
        shutil.copyfileobj(file, copy)
    return queue.submit(directory, kinds.PREVIEW, {"upload": upload.name, "name": name, **settings})


def preview_again(preview: Task, choices: Choices) -> None:
    """Submits a preview again, with other choices.

    Raises:
        FerError: it is still being worked on, or its request is damaged.
    """
    arguments = _arguments(preview)
    if preview.state.is_active:
        raise FerError("Wait until the preview is complete, then change it.")
    for name in (PREVIEW, PROPOSAL, "result.json"):
        (preview.directory / name).unlink(missing_ok=True)
    arguments["choices"] = choices.as_record()
    queue.submit(preview.directory, kinds.PREVIEW, arguments)


def submit_import(preview: Task, choices: Choices) -> Task:
    """Submits the import of what a preview shows, which it ends.

    Raises:
        FerError: the name is taken by now, or the preview's request is damaged.
    """
    arguments = {**_arguments(preview), "choices": choices.as_record()}
    check_new_name(arguments["name"])
    directory = tasks.new_directory(paths.tasks_root(), kinds.IMPORT)
    if upload := arguments.get("upload"):
        (preview.directory / upload).replace(directory / upload)
    task = queue.submit(directory, kinds.IMPORT, arguments)
    discard(preview)
    return task


def discard(preview: Task) -> None:
    """Ends a preview and deletes what it has, at once or when `pending_previews` finds it ended.

    Raises:
        AccessError: changes are switched off.
    """
    preview.request_stop()
    (preview.directory / _DISCARDED).touch()
    if not preview.state.is_active:
        with contextlib.suppress(FileNotFoundError):  # another tab was quicker
            preview.delete()


def pending_previews() -> list[Task]:
    """Returns the previews that were neither added nor discarded; oldest first."""
    pending = []
    for task in reversed(tasks.list_tasks(kinds.PREVIEW)):
        if is_pending(task):
            pending.append(task)
        elif not task.state.is_active:
            with contextlib.suppress(FerError, FileNotFoundError):
                task.delete()
    return pending


def is_pending(preview: Task) -> bool:
    """Tells whether a preview was neither added nor discarded."""
    return preview.directory.exists() and not (preview.directory / _DISCARDED).exists()


def _arguments(preview: Task) -> dict[str, Any]:
    if preview.request is None:
        raise FerError("The preview is damaged. Discard it, and add the dataset again.")
    return dict(preview.request.arguments)


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
