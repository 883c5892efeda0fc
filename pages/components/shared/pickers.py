"""Select boxes for a run or a dataset; the choice is kept in the page's address."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from fer_core.datasets import Dataset, list_datasets
from fer_core.runs import Run
from pages.components.shared.formatting import format_dataset, format_run, plain


def pick_run(label: str, runs: Sequence[Run]) -> Run:
    """Returns the chosen run; if there is none, says what to do and ends the page."""
    if not runs:
        st.info(
            "There is no trained model yet. A run can be chosen here after its first epoch.",
            icon=":material/model_training:",
        )
        st.page_link("pages/train.py", label="Train a model", icon=":material/arrow_forward:")
        st.stop()
    wanted = st.query_params.get("run", st.session_state.get("pick-run"))
    candidates = [run for run in runs if run.id == wanted or not run.notes.archived] or runs
    by_id = {run.id: run for run in candidates}
    return by_id[_pick(label, "run", list(by_id), lambda run_id: format_run(by_id[run_id]))]


def pick_dataset(label: str) -> Dataset:
    """Returns the chosen dataset; if there is none, says what to do and ends the page."""
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
    _link_to_datasets()


def show_missing_dataset(name: str, purpose: str) -> None:
    """Says that a run's dataset is not on this machine, and links to where it can be added.

    Args:
        purpose: what the dataset is needed for, as in "see the faces".
    """
    st.info(
        f"{plain(format_dataset(name))}'s images are not on this machine. Add the dataset to "
        f"{purpose}.",
        icon=":material/image_not_supported:",
    )
    _link_to_datasets()


def _link_to_datasets() -> None:
    st.page_link("pages/datasets.py", label="Add a dataset", icon=":material/arrow_forward:")


def _pick(
    label: str, parameter: str, options: list[str], format_option: Callable[[str], str]
) -> str:
    """Returns the option named in the address, else the one chosen before, else the first."""
    key = f"pick-{parameter}"
    wanted = st.query_params.get(parameter, st.session_state.get(key))
    is_known = wanted in options
    st.session_state[key] = wanted if is_known else options[0]
    if wanted is not None and not is_known:
        shown = plain(format_option(options[0]))
        st.warning(
            f"The {parameter} {plain(wanted)} does not exist, or cannot be used here. Showing "
            f"**{shown}** instead; choose another one below."
        )
    choice = st.selectbox(
        label,
        options,
        format_func=format_option,
        key=key,
        on_change=partial(_into_address, parameter, key),
        persist_state="session",
    )
    _into_address(parameter, key)
    return str(choice)


def _into_address(parameter: str, key: str) -> None:
    st.query_params[parameter] = st.session_state[key]
