"""Changes what the classes and splits of a dataset mean, after its import."""

from dataclasses import replace
from functools import partial
from itertools import islice

import streamlit as st

from fer_core import tasks
from fer_core.datasets import Dataset
from fer_core.datasets.importing import Preview, preview_of_dataset
from fer_core.datasets.layouts import Choices, choices_of
from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.tasks import Task, TaskState, kinds, queue
from pages.components.datasets.class_editor import ClassEditor, show_questions
from pages.components.datasets.subject_pattern import edit_pattern
from pages.components.shared.access import writing
from pages.components.shared.dataset_cache import thumbnail
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain
from pages.components.shared.task_progress import TaskLabels, show_task

OPEN = "change-classes"  # key of the expander
_EXAMPLES = 3  # images of a class


def offer_changes(dataset: Dataset) -> None:
    """Shows fields that change the classes and splits, and the progress of such a change."""
    for task in _pending(dataset.name):
        labels = TaskLabels(
            "Stop changing",
            f"The classes of **{plain(dataset.name)}** were not changed.",
            stopped="Changing the classes was stopped.",
        )
        if show_task(task, labels, stays=False):
            return
    _show_expander(dataset)


@st.fragment
def _show_expander(dataset: Dataset) -> None:
    """Shows the fields once opened: with their images they take a third of the page's time."""
    expander = st.expander(
        "Change classes, splits and subjects", icon=":material/edit:", key=OPEN, on_change="rerun"
    )
    if expander.open:
        with expander:
            _show_fields(dataset)


def _show_fields(dataset: Dataset) -> None:
    index = dataset.directory / "index.csv"
    try:
        key = f"labels-{dataset.name}-{index.stat().st_mtime_ns}"  # new fields after a change
        preview = preview_of_dataset(dataset)
        start = choices_of(preview.choices)
        editor = ClassEditor(preview, start, key, partial(_pictures, dataset, preview))
    except (FerError, FileNotFoundError) as error:  # of an older version, damaged, or deleted
        st.info(plain(str(error)))
        return
    st.caption(
        "Images are not read again, and existing runs do not change. Splits that were drawn are "
        "drawn again if the subjects change. A class or split that is "
        "left out is removed from the dataset: to bring it back, add the dataset again."
    )
    edited = editor.show()
    pattern, is_usable = edit_pattern(start.subjects, preview.names, f"{key}-subjects")
    if is_usable:
        edited = replace(edited, choices=replace(edited.choices, subjects=pattern))
    show_questions(edited)
    is_same = edited.choices == start
    if st.button(
        "Change the dataset",
        type="primary",
        icon=":material/edit:",
        on_click=run_or_toast,
        args=(partial(_submit, dataset.name, edited.choices),),
        **writing(disabled=is_same or not (edited.is_decided and is_usable)),
    ):
        st.rerun()


def _pictures(dataset: Dataset, preview: Preview, number: int) -> list[bytes]:
    name = next(islice(preview.classes, number, None))
    positions = (dataset.stored_index["source_class"] == name).to_numpy().nonzero()[0]
    pictures = [thumbnail(dataset, int(position)) for position in positions[:_EXAMPLES]]
    return [picture for picture in pictures if picture]


def _submit(name: str, choices: Choices) -> None:
    directory = tasks.new_directory(paths.tasks_root(), kinds.LABELS)
    arguments = {"dataset": name, "choices": choices.as_record()}
    queue.submit(directory, kinds.LABELS, arguments)


def _pending(name: str) -> list[Task]:
    done = (TaskState.FINISHED, TaskState.CANCELLED)
    every = [task for task in tasks.list_tasks(kinds.LABELS) if task.state not in done]
    return [task for task in every if task.request and task.request.arguments["dataset"] == name]
