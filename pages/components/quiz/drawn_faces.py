"""Prepares a game on drawn faces for a run whose own dataset is not on this machine."""

from functools import partial

import streamlit as st

from fer_core import evaluation
from fer_core.datasets import free_name, list_datasets
from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.tasks import Task, kinds
from pages.components.shared.access import writing
from pages.components.shared.dataset_imports import (
    pending_imports,
    show_import_progress,
    submit_drawn_dataset,
)
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain
from pages.components.shared.pickers import link_to_datasets
from pages.components.shared.task_progress import TaskLabels, show_task

_LAYOUT = "Drawn faces"  # of datasets that `draw_dataset` has made
_PENDING = "quiz-drawn-dataset"  # name of the dataset that is being drawn for the quiz


def offer_drawn_faces(run: Run) -> None:
    """Offers to prepare a game on drawn faces, or shows the progress of preparing it.

    The faces are drawn first, unless there are some; then the model predicts their expressions.
    """
    _continue(run)
    if not _show_progress(run):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Play with drawn faces",
                type="primary",
                icon=":material/draw:",
                on_click=partial(run_or_toast, partial(_start, run)),
                **writing(),
            )
            link_to_datasets()


def _start(run: Run) -> None:
    drawn = [dataset.name for dataset in list_datasets() if dataset.layout == _LAYOUT]
    if drawn:
        evaluation.submit_evaluation(run, drawn[0], "val")
    else:
        name = free_name("drawn-faces")
        submit_drawn_dataset(name)
        st.session_state[_PENDING] = name


def _continue(run: Run) -> None:
    """Lets the model predict once the faces are drawn."""
    name = st.session_state.get(_PENDING)
    if name in [dataset.name for dataset in list_datasets()]:
        del st.session_state[_PENDING]
        try:
            evaluation.submit_evaluation(run, name, "val")
        except (FerError, OSError) as error:
            st.error(plain(str(error)))


def _show_progress(run: Run) -> bool:
    """Shows the tasks that prepare the game; returns whether one is active."""
    drawings = [
        task for task in pending_imports() if task.request and task.request.kind == kinds.DRAW
    ]
    for task in drawings:
        show_import_progress(task, choose=False)
    evaluations = evaluation.evaluations_of(run)[:1]
    for task in evaluations:
        show_task(task, _words(task))
    return any(task.state.is_active for task in (*drawings, *evaluations))


def _words(task: Task) -> TaskLabels:
    dataset = plain(str(task.request.arguments["dataset"])) if task.request else task.id
    return TaskLabels(
        "Stop", f"The model could not predict **{dataset}**.", f"Predicting **{dataset}**."
    )
