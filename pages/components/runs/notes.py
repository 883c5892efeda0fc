"""What a person writes about runs: name, note and star; and which are archived."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from fer_core.evaluation import Overview
from fer_core.runs import Run
from pages.components.shared.errors import run_or_report


def edit_notes(one: Overview) -> None:
    """A form for the name and the note of a run; what it holds is kept until it is saved.

    What is too long is refused when it is saved: a field with a limit would cut it off unasked.
    """
    run = one.run
    with st.form(f"notes-{run.id}", border=False):
        left, right = st.columns([2, 3])
        left.text_input(
            "Name",
            one.notes.name,
            placeholder="Shown instead of recipe, data set and time",
            key=f"name-{run.id}",
        )
        right.text_area(
            "Note",
            one.notes.note,
            height=104,
            placeholder="What you tried, and what came of it",
            key=f"note-{run.id}",
        )
        # Before the page is made anew, in which a run that was deleted meanwhile has no form.
        st.form_submit_button("Save", icon=":material/save:", on_click=_save, args=(run,))


def offer_marks(chosen: Sequence[Overview]) -> None:
    """Buttons that star and archive the runs, or take that back where all of them are."""
    runs = [one.run for one in chosen]
    starred = all(one.notes.starred for one in chosen)
    archived = all(one.notes.archived for one in chosen)
    st.button(
        "Take the star away" if starred else "Star",
        icon=":material/star:",
        on_click=_mark,
        args=(runs,),
        kwargs={"starred": not starred},
    )
    st.button(
        "Bring back" if archived else "Archive",
        icon=":material/unarchive:" if archived else ":material/archive:",
        help=None if archived else "Not shown any more unless you ask for what is archived.",
        on_click=_mark,
        args=(runs,),
        kwargs={"archived": not archived},
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
