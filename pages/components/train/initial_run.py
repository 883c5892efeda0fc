"""Selects the run whose weights a new run starts from, and shows it later."""

import streamlit as st

from fer_core.runs import SETTINGS, Run, TrainConfig, can_start_from, list_runs
from pages.components.shared.formatting import format_run, plain


def pick_initial_run(config: TrainConfig) -> Run | None:
    """Shows a field for the initial run if any run fits the recipe; returns the choice or None."""
    fitting = {run.id: run for run in list_runs() if can_start_from(config, run)}
    if not fitting:
        return None
    key = f"initial-run-{config.recipe}"
    if st.session_state.get(key) not in fitting:  # it was deleted
        st.session_state.pop(key, None)
    default = "Random weights" if config.family == "cnn" else "Weights chosen in the settings"
    labels = {"": default} | {run.id: _label(run) for run in fitting.values()}
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
    """Shows which run's weights the run started from, if any."""
    source = run.config.initial_run
    if not source:
        return
    by_id = {each.id: each for each in list_runs()}
    if source in by_id:
        st.caption(f"Started from the weights of {plain(format_run(by_id[source]))}.")
    else:
        st.caption(f"Started from the weights of {plain(source)}, which has been deleted.")


def _label(run: Run) -> str:
    height, width = run.config.image_size
    return f"{format_run(run)}, {height}×{width} pixels"
