"""Compares the chosen runs."""

from collections.abc import Sequence

import streamlit as st

from fer_core import figures
from fer_core.runs import Run
from pages.components.words import spoken_run


def show_comparison(chosen: Sequence[Run]) -> None:
    """One figure with a curve per run that has one."""
    names = [spoken_run(run) for run in chosen]
    histories = {
        name if names.count(name) == 1 else f"{name} ({run.id})": run.history
        for name, run in zip(names, chosen, strict=True)
    }
    drawn = {name: history for name, history in histories.items() if len(history)}
    if not drawn:
        st.caption("No epoch is done yet, so there are no curves.")
        return
    metric = st.segmented_control(
        "Curves",
        list(figures.METRICS),
        format_func=figures.METRICS.__getitem__,
        default="val_accuracy",
        required=True,
    )
    st.plotly_chart(figures.compare_figure(drawn, metric), key="curves")
