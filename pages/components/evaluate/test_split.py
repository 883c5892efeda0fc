"""The sealed test split of a run: explained, opened on request, watched while it is opened."""

import streamlit as st

from fer_core import runs, tasks
from fer_core.runs import Run
from fer_core.tasks import Task, TaskState
from pages.components.shared.errors import run_or_toast


def offer_test(run: Run) -> None:
    """Explains the seal, and opens it on request."""
    task = _opening(run)
    if task is not None and task.state.is_active:
        st.fragment(_watch, run_every=1.0)(task)
        return
    st.info(
        "**The test split is sealed.** It measures how well the network does on faces that had no "
        "part in any choice: not in training, not in choosing the epoch, not in choosing between "
        "settings. That holds only if you look once, at the end. Opening it is recorded with the "
        "run.",
        icon=":material/lock:",
    )
    if task is not None and task.state in (TaskState.FAILED, TaskState.INTERRUPTED):
        st.error(task.error or task.interruption)
    finished = run.state is TaskState.FINISHED
    st.button(
        "Open the test split",
        type="primary",
        icon=":material/lock_open:",
        on_click=run_or_toast,
        args=(lambda: runs.open_test_task(run),),
        disabled=not finished,
        help=None if finished else "It can be opened when the run has finished.",
    )


def _opening(run: Run) -> Task | None:
    """The newest task that opens this run's test split."""
    asked = tasks.list_tasks("open_test")
    mine = [task for task in asked if task.request and task.request.arguments["run"] == run.id]
    return mine[0] if mine else None


def _watch(task: Task) -> None:
    """How far the evaluation is; the page is shown anew when it has ended."""
    if not task.state.is_active:
        st.rerun()
    progress = task.progress
    waits = "Waiting for its turn …" if progress is None else progress.message
    st.progress(progress.fraction if progress else 0.0, text=f"Opening the test split. {waits}")
