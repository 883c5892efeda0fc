"""The table of an experiment's trials, in which several can be selected."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.evaluation import Overview
from fer_core.experiments import Experiment, TrialSummary
from fer_core.runs import SETTINGS
from pages.components.shared.formatting import format_state

_COLUMNS = {
    "trial": st.column_config.NumberColumn("Trial", pinned=True, width=60),
    "state": st.column_config.TextColumn("State"),
    "epochs": st.column_config.TextColumn("Epochs", help="Epochs done, of the goal."),
    "val": st.column_config.NumberColumn(
        "Validation", format="%.1f%%", help="Accuracy of the best epoch on the validation split."
    ),
}


def choose_trials(experiment: Experiment, found: Sequence[TrialSummary]) -> list[Overview]:
    """Shows the trials, and returns the runs of those selected."""
    varied = experiment.plan.varied
    rows = [_row(each, varied) for each in found]
    settings = {name: setting_label(name) for name in varied}
    numbers = {
        settings[name]: st.column_config.NumberColumn(format="%.4g")
        for name in varied
        if all(isinstance(row[name], float) for row in rows)
    }
    table = pd.DataFrame(rows, columns=[*_COLUMNS, *varied]).rename(columns=settings)
    state = st.dataframe(
        table,
        column_config=_COLUMNS | numbers,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        height="content" if len(rows) <= 12 else 420,
        key=f"trials-{experiment.id}",
        placeholder="–",
    )
    selected = (found[position] for position in sorted(state["selection"]["rows"]))
    st.caption("Select trials to compare them, or to see their curves and files, below.")
    return [each.overview for each in selected if each.overview is not None]


def setting_label(name: str) -> str:
    """Returns the label of a setting, or its name if it has none."""
    return SETTINGS[name].label if name in SETTINGS else name.replace("_", " ").capitalize()


def setting_value(value: object) -> Any:
    """Returns a setting as a table or an axis shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "×".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _row(found: TrialSummary, varied: Sequence[str]) -> dict[str, Any]:
    one = found.overview
    accuracy = found.val_accuracy
    missing = "deleted" if found.trial.is_deleted else "planned"
    return {
        "trial": found.trial.number + 1,
        "state": format_state(one.state, one.reason) if one else missing,
        "epochs": f"{one.epochs} of {one.goal}" if one else "",
        "val": None if accuracy is None else 100 * accuracy,
    } | {name: setting_value(found.settings.get(name)) for name in varied}
