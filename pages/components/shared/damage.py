"""Shows what is damaged, so that nothing is left out without a word."""

import streamlit as st

from fer_core import tasks
from fer_core.runs import Run
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain

_NAMED = 5  # tasks with a sentence each


def show_damage(run: Run) -> None:
    """Shows which files of a run cannot be read; the rest of the run can be used."""
    for sentence in run.damage:
        st.warning(
            plain(f"{sentence} Repair the file, or delete it; the rest of the run can be used."),
            icon=":material/broken_image:",
        )


def show_damaged_tasks() -> None:
    """Shows the tasks whose request cannot be read, and offers to delete them."""
    damaged = tasks.unreadable_tasks()
    for task in damaged[:_NAMED]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                plain(f"The task {task.id} cannot be read: its request.json is damaged."),
                icon=":material/broken_image:",
            )
            st.button(
                "Delete",
                icon=":material/delete:",
                on_click=run_or_toast,
                args=(task.delete,),
                key=f"delete-damaged-{task.id}",
            )
    if len(damaged) > _NAMED:
        st.warning(f"{len(damaged) - _NAMED:,} more tasks cannot be read.")
