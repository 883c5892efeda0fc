"""Widgets that choose a run or a data set; the choice stays in the address."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from fer_core.datasets import Dataset, list_datasets
from fer_core.runs import Run
from pages.components.shared.formatting import plain, spoken_run


def pick_run(label: str, runs: Sequence[Run]) -> Run:
    """One of the runs; ends the page and says what to do where there is none."""
    if not runs:
        st.info(
            "There is no network yet. A run can be chosen here once its first epoch is done.",
            icon=":material/model_training:",
        )
        st.page_link("pages/train.py", label="Train one", icon=":material/arrow_forward:")
        st.stop()
    wanted = st.query_params.get("run", st.session_state.get("pick-run"))
    in_use = [run for run in runs if run.id == wanted or not run.notes.archived]
    by_id = {run.id: run for run in in_use or runs}
    return by_id[_pick(label, "run", list(by_id), lambda run_id: spoken_run(by_id[run_id]))]


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


def _pick(label: str, parameter: str, options: list[str], spoken: Callable[[str], str]) -> str:
    """The option that the address names, else the one chosen before, else the first."""
    key = f"pick-{parameter}"
    wanted = st.query_params.get(parameter, st.session_state.get(key))
    if wanted is not None and wanted not in options:
        st.warning(f"{plain(wanted)} is not there. Something else is shown: choose below.")
    st.session_state[key] = wanted if wanted in options else options[0]
    choice = st.selectbox(
        label,
        options,
        format_func=spoken,
        key=key,
        on_change=partial(_into_address, parameter, key),
        persist_state="session",
    )
    _into_address(parameter, key)
    return str(choice)


def _into_address(parameter: str, key: str) -> None:
    st.query_params[parameter] = st.session_state[key]
