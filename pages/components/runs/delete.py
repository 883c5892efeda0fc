"""Deletes runs after a confirmation."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fer_core.runs import Run
from pages.components.shared.confirmation import ask_before
from pages.components.shared.errors import run_or_report
from pages.components.shared.formatting import format_run, format_size, plain

_NAMED = 10  # runs in a question
_DAMAGED = 5  # runs with a sentence each


def offer_deletion(runs: Sequence[Run], key: str = "chosen") -> None:
    """Shows a button that asks for confirmation and tells how much disk space is freed."""
    # Measuring the size of many runs is slow.
    ask_before(partial(_delete, runs), partial(_question, runs), key=key, asks_server=True)


def show_damaged(damaged: Sequence[Run]) -> None:
    """Explains why runs cannot be read, and offers to delete them."""
    for run in damaged[:_DAMAGED]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(plain(run.problem), icon=":material/folder_off:")
            offer_deletion([run], key=run.id)
    more = damaged[_DAMAGED:]
    if more:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"{len(more):,} more cannot be read.", icon=":material/folder_off:")
            offer_deletion(more, key="damaged")


def _question(runs: Sequence[Run]) -> str:
    what = "this run" if len(runs) == 1 else f"these {len(runs):,} runs"
    size = format_size(sum(run.size_on_disk() for run in runs))
    named = [f"- {plain(_named(run))}" for run in runs[:_NAMED]]
    more = [f"- and {len(runs) - _NAMED:,} more"] if len(runs) > _NAMED else []
    lines = "\n".join(named + more)
    return f"Delete {what} with model, history and predictions? That frees **{size}**.\n\n{lines}"


def _named(run: Run) -> str:
    return run.id if run.problem else format_run(run)


def _delete(runs: Sequence[Run]) -> None:
    """Deletes the runs; the page then shows an error for each that cannot be deleted."""
    done = sum(run_or_report(run.delete) for run in runs)
    if done:
        said = "1 run was" if done == 1 else f"{done:,} runs were"
        st.toast(f"{said} deleted.", icon=":material/delete:")
