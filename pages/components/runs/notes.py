"""Edits a run's name and note; stars and archives runs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from fer_core.evaluation import Overview
from fer_core.runs import Run
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_report


def edit_notes(one: Overview) -> None:
    """Shows a form for the name and the note of a run.

    The fields have no length limit, since Streamlit would truncate; saving checks the length.
    """
    run = one.run
    with st.form(f"notes-{run.id}", border=False):
        left, right = st.columns([2, 3])
        left.text_input(
            "Name",
            one.notes.name,
            placeholder="Shown instead of recipe, dataset and time",
            key=f"name-{run.id}",
        )
        right.text_area(
            "Note",
            one.notes.note,
            height=104,
            placeholder="What you tried and what you found",
            key=f"note-{run.id}",
        )
        # As a callback, since the rerun has no form if the run was deleted in the meantime.
        st.form_submit_button(
            "Save", icon=":material/save:", on_click=_save, args=(run,), **writing()
        )


def offer_marks(chosen: Sequence[Overview]) -> None:
    """Shows buttons to star and archive the runs, or to undo it if all of them are."""
    runs = [one.run for one in chosen]
    starred = all(one.notes.starred for one in chosen)
    archived = all(one.notes.archived for one in chosen)
    st.button(
        "Unstar" if starred else "Star",
        icon=":material/star:",
        on_click=_mark,
        args=(runs,),
        kwargs={"starred": not starred},
        **writing(),
    )
    st.button(
        "Unarchive" if archived else "Archive",
        icon=":material/unarchive:" if archived else ":material/archive:",
        on_click=_mark,
        args=(runs,),
        kwargs={"archived": not archived},
        **writing(
            help=None if archived else "Hides the runs from lists. Find them under Show: Archived."
        ),
    )


def _save(run: Run) -> None:
    name = st.session_state[f"name-{run.id}"].strip()
    note = st.session_state[f"note-{run.id}"].strip()
    if run_or_report(lambda: run.save_notes(replace(run.notes, name=name, note=note))):
        st.toast("Saved.", icon=":material/check:")


def _mark(runs: Sequence[Run], **marks: Any) -> None:
    done = sum(run_or_report(partial(_mark_one, run, marks)) for run in runs)
    if done and marks.get("archived"):
        st.toast(f"{_counted(done)} archived.", icon=":material/archive:")


def _mark_one(run: Run, marks: dict[str, Any]) -> None:
    run.save_notes(replace(run.notes, **marks))


def _counted(count: int) -> str:
    return "1 run was" if count == 1 else f"{count} runs were"
