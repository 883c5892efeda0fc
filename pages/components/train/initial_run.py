"""The run whose weights another one begins with."""

import streamlit as st

from fer_core.runs import SETTINGS, Run, TrainConfig, list_runs
from pages.components.shared.formatting import format_run, plain


def pick_initial_run(config: TrainConfig) -> Run | None:
    """A run whose weights fit the recipe's network, or None; not shown where there is none."""
    fitting = {run.id: run for run in list_runs() if _fits(run, config)}
    if not fitting:
        return None
    key = f"initial-run-{config.recipe}"
    if st.session_state.get(key) not in fitting:  # deleted meanwhile
        st.session_state.pop(key, None)
    usual = "Random weights" if config.family == "cnn" else "The weights that the settings name"
    labels = {"": usual} | {run.id: _label(run) for run in fitting.values()}
    run_id = st.selectbox(
        SETTINGS["initial_run"].label,
        list(labels),
        format_func=lambda run_id: labels.get(run_id, run_id),
        key=key,
        help=SETTINGS["initial_run"].help,
        persist_state="session",
    )
    return fitting.get(run_id)


def show_origin(run: Run) -> None:
    """Says with which run's weights the run began, where it did."""
    source = run.config.initial_run
    if not source:
        return
    by_id = {each.id: each for each in list_runs()}
    if source in by_id:
        st.caption(f"Began with the weights of {plain(format_run(by_id[source]))}.")
    else:
        st.caption(f"Began with the weights of {plain(source)}, which was deleted since.")


def _fits(run: Run, config: TrainConfig) -> bool:
    return run.config.architecture == config.architecture and run.model_file is not None


def _label(run: Run) -> str:
    height, width = run.config.image_size
    return f"{format_run(run)}, {height}×{width} pixels"
