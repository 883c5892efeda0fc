"""Select boxes for a run or a dataset; the choice is kept in the page's address."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from fer_core.datasets import Dataset, list_datasets
from fer_core.runs import Run
from pages.components.shared.formatting import format_dataset, format_run, plain


def pick_run(label: str, runs: Sequence[Run], *, prefers_pretrained: bool = False) -> Run:
    """Returns the chosen run; without any run, ends the page and says what to do.

    Args:
        prefers_pretrained: preselect the pretrained model, not the newest run, until the user
            chooses one here or on another page, or follows a link to one.
    """
    if not runs:
        st.info(
            "There is no trained model yet. A run can be chosen here after its first epoch.",
            icon=":material/model_training:",
        )
        st.page_link("pages/train.py", label="Train a model", icon=":material/arrow_forward:")
        st.stop()
    wanted = _wanted("run")
    candidates = [run for run in runs if run.id == wanted or not run.notes.archived] or runs
    by_id = {run.id: run for run in candidates}
    pretrained = [run.id for run in candidates if prefers_pretrained and run.is_pretrained]
    default = next(iter(pretrained), None)
    return by_id[
        _pick(label, "run", list(by_id), lambda run_id: format_run(by_id[run_id]), default)
    ]


def pick_dataset(label: str) -> Dataset:
    """Returns the chosen dataset; without any dataset, ends the page and says what to do."""
    by_name = {dataset.name: dataset for dataset in list_datasets()}
    if not by_name:
        show_no_dataset()
        st.stop()
    return by_name[_pick(label, "dataset", list(by_name), str)]


def show_no_dataset() -> None:
    """Says that there is no dataset yet, and links to where one can be added."""
    st.info(
        "There is no dataset yet. Add your own, or create a demo dataset of drawn faces.",
        icon=":material/photo_library:",
    )
    link_to_datasets()


def show_missing_dataset(name: str, purpose: str) -> None:
    """Says that a run's dataset is not on this machine, and what it is needed for.

    Args:
        purpose: what the dataset is needed for, as in "see the faces".
    """
    st.info(
        f"{plain(format_dataset(name))}'s images are not on this machine. Add the dataset to "
        f"{purpose}.",
        icon=":material/image_not_supported:",
    )


def link_to_datasets() -> None:
    """Shows a link to the page where a dataset can be added."""
    st.page_link("pages/datasets.py", label="Add a dataset", icon=":material/arrow_forward:")


def _pick(
    label: str,
    parameter: str,
    options: list[str],
    format_option: Callable[[str], str],
    default: str | None = None,
) -> str:
    """Returns what the address names, else what was chosen before, else the default or the first.

    A choice is remembered from page to page; a preselection is not.
    """
    key = f"pick-{parameter}"
    wanted = _wanted(parameter)
    selected = wanted if wanted in options else default or options[0]
    if wanted is not None and selected != wanted:
        st.warning(
            f"The {parameter} {plain(wanted)} does not exist, or cannot be used here. Showing "
            f"**{plain(format_option(selected))}** instead; choose another one below."
        )
    st.session_state[key] = selected
    choice = st.selectbox(
        label,
        options,
        format_func=format_option,
        key=key,
        on_change=partial(_choose, parameter, key),
        persist_state="session",
    )
    st.session_state[f"preselected-{parameter}"] = choice
    st.query_params[parameter] = choice
    return str(choice)


def _wanted(parameter: str) -> str | None:
    """Returns the user's choice: by a link, or in a picker on any page; None before any."""
    linked = st.query_params.get(parameter)
    # The picker writes its preselection into the address, too: that is not a choice.
    if linked is not None and linked != st.session_state.get(f"preselected-{parameter}"):
        st.session_state[f"chosen-{parameter}"] = linked
    chosen: str | None = st.session_state.get(f"chosen-{parameter}")
    return chosen


def _choose(parameter: str, key: str) -> None:
    choice = st.session_state[key]
    st.session_state[f"chosen-{parameter}"] = choice
    st.query_params[parameter] = choice


def pick_ended(label: str, ids: list[str], describe: Callable[[str], str]) -> str:
    """Shows a field for one of several tasks that have ended; returns its id.

    When a newer one ends, a button below the field selects it: nobody who works on the result of
    an earlier one is taken away from it.

    Args:
        ids: the newest first.
        describe: returns the label of an id.
    """
    choice = f"ended-{label}"
    if st.session_state.get(choice) not in ids:  # the first time, or it was deleted
        st.session_state[choice] = ids[0]
    chosen = st.selectbox(label, ids, format_func=describe, key=choice)
    seen = st.session_state.setdefault(f"seen-{label}", set(ids))
    seen.add(chosen)
    newer = next((each for each in ids if each not in seen), None)
    if newer is not None:
        st.button(
            f"Show {plain(describe(newer))}",
            icon=":material/new_releases:",
            key=f"show-{newer}",
            on_click=partial(st.session_state.__setitem__, choice, newer),
        )
    return chosen
