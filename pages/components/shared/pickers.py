"""Widgets that choose a run or a data set; the choice stays in the address."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from fer_core.datasets import Dataset, list_datasets
from fer_core.runs import Run
from pages.components.shared.formatting import plain, spoken_run


def pick_run(label: str, runs: Sequence[Run], *, prefers_pretrained: bool = False) -> Run:
    """Returns the chosen run; without any run, ends the page and says what to do.

    Args:
        prefers_pretrained: preselect the pretrained model, not the newest run, until the user
            chooses one here or on another page, or follows a link to one.
    """
    if not runs:
        st.info(
            "There is no network yet. A run can be chosen here once its first epoch is done.",
            icon=":material/model_training:",
        )
        st.page_link("pages/train.py", label="Train one", icon=":material/arrow_forward:")
        st.stop()
    wanted = _wanted("run")
    in_use = [run for run in runs if run.id == wanted or not run.notes.archived]
    by_id = {run.id: run for run in in_use or runs}
    pretrained = [run.id for run in by_id.values() if prefers_pretrained and run.is_pretrained]
    default = next(iter(pretrained), None)
    return by_id[
        _pick(label, "run", list(by_id), lambda run_id: spoken_run(by_id[run_id]), default)
    ]


def say_no_dataset() -> None:
    """Says what to do where there is nothing to train on."""
    st.info(
        "There is no data set yet. Add your own, or let one of schematic faces be drawn.",
        icon=":material/photo_library:",
    )
    st.page_link("pages/datasets.py", label="Add a data set", icon=":material/arrow_forward:")


def pick_dataset(label: str) -> Dataset:
    """One of the data sets; ends the page and says what to do where there is none."""
    by_name = {dataset.name: dataset for dataset in list_datasets()}
    if not by_name:
        say_no_dataset()
        st.stop()
    return by_name[_pick(label, "dataset", list(by_name), str)]


def _pick(
    label: str,
    parameter: str,
    options: list[str],
    spoken: Callable[[str], str],
    default: str | None = None,
) -> str:
    """Returns what the address names, else what was chosen before, else the default or the first.

    A choice is remembered from page to page; a preselection is not.
    """
    key = f"pick-{parameter}"
    wanted = _wanted(parameter)
    if wanted is not None and wanted not in options:
        st.warning(f"{plain(wanted)} is not there. Something else is shown: choose below.")
    st.session_state[key] = wanted if wanted in options else default or options[0]
    choice = st.selectbox(
        label,
        options,
        format_func=spoken,
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
