"""Shows the videos or batches of a tab: the progress of active ones, and the chosen ended one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import streamlit as st

from fer_core.errors import FerError
from fer_core.inference import RecognitionTask
from pages.components.shared.confirmation import ask_before
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain
from pages.components.shared.pickers import pick_ended
from pages.components.shared.task_progress import TaskLabels, show_task

T = TypeVar("T", bound=RecognitionTask)


@dataclass(frozen=True)
class ListLabels:
    """Holds the labels of a list of tasks."""

    heading: str
    choice: str  # of the field that chooses an ended one
    stop: str  # of the button that stops an active one
    failed: str  # a sentence


def show_tasks(
    tasks: Sequence[T],
    labels: ListLabels,
    result: Callable[[T], str | None],
    show: Callable[[T], None],
) -> None:
    """Shows active tasks with their progress, and one that has ended.

    Args:
        tasks: newest first.
        result: describes how a task ended in a few words; None if it has no result. Raises
            `FerError` if it is damaged.
        show: shows a task that has ended.
    """
    active = [task for task in tasks if task.state.is_active]
    with st.container():  # what is below stays as it is when one begins or ends
        for task in active:
            words = TaskLabels(labels.stop, labels.failed, f"**{plain(task.name)}** ·")
            show_task(task, words, stays=False)
    ended = {task.id: task for task in tasks if task not in active}
    if not ended:
        return
    st.subheader(labels.heading, anchor=False)
    chosen = pick_ended(labels.choice, list(ended), lambda key: _describe(ended[key], result))
    with st.container(border=True):
        show(ended[chosen])


def offer_deletion(task: RecognitionTask, question: str) -> None:
    """Shows a button that deletes a task, which asks first."""
    ask_before(partial(run_or_toast, task.delete), lambda: question, key=task.id, asks_server=True)


def _describe(task: T, result: Callable[[T], str | None]) -> str:
    """Returns name, time of submission and result."""
    submitted = task.submitted
    try:
        ended = result(task) or str(task.state)
    except FerError:
        ended = "damaged"
    parts = [task.name, f"{submitted:%d %b, %H:%M}" if submitted else "", ended]
    return " · ".join(part for part in parts if part)
