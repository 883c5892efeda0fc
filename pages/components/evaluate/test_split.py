"""Explains the sealed test split and opens it on request."""

import streamlit as st

from fer_core import runs, tasks
from fer_core.runs import Run
from fer_core.tasks import Task, TaskState, kinds
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain


def offer_test(run: Run) -> None:
    """Explains the seal, offers to open the split, and shows the progress."""
    task = _opening(run)
    if task is not None and task.state.is_active:
        st.fragment(_watch, run_every=1.0)(task)
        return
    st.info(
        "**The test split is sealed.** It gives an unbiased score only if it plays no part in "
        "training, in choosing the epoch or in choosing between settings. Open it once, at the "
        "end. The run records when it was opened.",
        icon=":material/lock:",
    )
    if task is not None and task.state in (TaskState.FAILED, TaskState.INTERRUPTED):
        st.error(plain(task.error or task.interruption))
    finished = run.state is TaskState.FINISHED
    st.button(
        "Open the test split",
        type="primary",
        icon=":material/lock_open:",
        on_click=run_or_toast,
        args=(lambda: runs.open_test_task(run),),
        **writing(
            disabled=not finished,
            help=None if finished else "Available once the run has finished.",
        ),
    )


def _opening(run: Run) -> Task | None:
    """Returns the newest task that opens this run's test split."""
    asked = tasks.list_tasks(kinds.OPEN_TEST)
    mine = [task for task in asked if task.request and task.request.arguments["run"] == run.id]
    return mine[0] if mine else None


def _watch(task: Task) -> None:
    """Shows the progress; reruns the page at the end."""
    if not task.state.is_active:
        st.rerun()
    progress = task.progress
    waits = "Queued …" if progress is None else plain(progress.message)
    st.progress(progress.fraction if progress else 0.0, text=f"Opening the test split. {waits}")
