"""The table of runs, in which several can be chosen."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fer_core import evaluation
from fer_core.recipes import RECIPES
from fer_core.runs import Run, open_run
from pages.components.words import spoken_state

_COLUMNS = {
    "state": st.column_config.TextColumn("State"),
    "recipe": st.column_config.TextColumn("Recipe"),
    "dataset": st.column_config.TextColumn("Data set"),
    "epochs": st.column_config.TextColumn("Epochs", help="Done, of those asked for."),
    "val": st.column_config.NumberColumn(
        "Validation", format="%.1f%%", help="Accuracy of the best epoch on the validation split."
    ),
    "test": st.column_config.NumberColumn(
        "Test", format="%.1f%%", help="Accuracy on the test split, where it has been opened."
    ),
    "minutes": st.column_config.NumberColumn(
        "Minutes", format="%.1f", help="Time spent in training."
    ),
    "started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
    "name": st.column_config.TextColumn("Run"),
}


def choose_runs(runs: Sequence[Run]) -> list[Run]:
    """Shows the table and gives the runs that are chosen in it, in its order."""
    state = st.dataframe(
        pd.DataFrame([_row(run) for run in runs], columns=list(_COLUMNS)),
        column_config=_COLUMNS,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        # Rows are chosen by position: other runs in the list are another table.
        key=f"runs-{hash(tuple(run.id for run in runs))}",
        placeholder="–",
    )
    return [runs[position] for position in state["selection"]["rows"]]


def _row(run: Run) -> dict[str, Any]:
    config, history = run.config, run.history
    best = history["val_accuracy"].max() if len(history) else None
    recipe = RECIPES.get(config.recipe)
    return {
        "state": spoken_state(run),
        "recipe": recipe.title if recipe else config.architecture,
        "dataset": config.dataset,
        "epochs": f"{len(history)} of {config.epochs}",
        "val": _percent(best),
        "test": _percent(_test_accuracy(run)),
        "minutes": run.duration.total_seconds() / 60 if run.duration else None,
        "started": run.started,
        "name": run.name,
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _test_accuracy(run: Run) -> float | None:
    opened = run.test_opened
    return _opened_accuracy(run.id, opened.timestamp()) if opened else None


@st.cache_data(max_entries=5000, show_spinner=False)
def _opened_accuracy(run_id: str, opened: float) -> float | None:
    """Read once: a test split is opened once, and its file stays as it is."""
    predictions = open_run(run_id).predictions("test")
    return None if predictions is None else evaluation.accuracy(predictions).value
