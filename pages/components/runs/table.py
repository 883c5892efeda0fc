"""Shows the table of runs, in which several can be selected."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.evaluation import Overview, Score
from pages.components.shared.formatting import format_recipe, format_state

_INTERVAL = "95 % confidence interval (Wilson), and the number of images."
_CLEAN = "Accuracy without leaked images. Select the run to see its interval."
_SEEN = "Images of subjects, or sequences, that are also in the training split."
_COLUMNS = {
    "star": st.column_config.TextColumn("★", help="Starred.", width=40),
    "name": st.column_config.TextColumn("Name", width="medium"),
    "state": st.column_config.TextColumn("State"),
    "recipe": st.column_config.TextColumn("Recipe"),
    "dataset": st.column_config.TextColumn("Dataset"),
    "epochs": st.column_config.TextColumn(
        "Epochs", help="Completed epochs, of the number requested."
    ),
    "val": st.column_config.NumberColumn(
        "Validation", format="%.1f%%", help="Accuracy of the best epoch on the validation split."
    ),
    "val_range": st.column_config.TextColumn("95 % interval", help=_INTERVAL),
    "val_clean": st.column_config.NumberColumn("Clean", format="%.1f%%", help=_CLEAN),
    "val_seen": st.column_config.TextColumn("Subjects seen", help=_SEEN),
    "test": st.column_config.NumberColumn(
        "Test", format="%.1f%%", help="Accuracy on the test split, if it has been opened."
    ),
    "test_range": st.column_config.TextColumn("95 % interval, test", help=_INTERVAL),
    "test_clean": st.column_config.NumberColumn("Clean, test", format="%.1f%%", help=_CLEAN),
    "test_seen": st.column_config.TextColumn("Subjects seen, test", help=_SEEN),
    "duration": st.column_config.NumberColumn(
        "Duration", format="compact", help="Training time: hours, minutes, seconds."
    ),
    "started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
    "note": st.column_config.TextColumn("Note", width="medium"),
    "damaged": st.column_config.TextColumn(
        "Damaged files", help="Select the run to see what is wrong with them."
    ),
    "id": st.column_config.TextColumn("Folder"),
}
# Columns that are hidden if they are empty.
_RARE = (
    *("star", "name", "note", "damaged", "val_clean", "test_range", "test_clean"),
    *("val_seen", "test_seen"),
)
_KEY, _SHOWN = "runs-table", "runs-shown"


def choose_runs(runs: Sequence[Overview]) -> list[Overview]:
    """Shows the table and returns the selected runs, in its order.

    A run stays selected while it is shown, even if other runs appear or disappear.
    """
    table = pd.DataFrame([_row(one) for one in runs], columns=list(_COLUMNS))
    _keep_choice([one.run.id for one in runs])
    state = st.dataframe(
        table,
        column_config=_COLUMNS,
        column_order=[
            name
            for name in _COLUMNS
            if name not in _RARE or table[name].replace("", None).notna().any()
        ],
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=_KEY,
        placeholder="–",
    )
    return [runs[position] for position in sorted(state["selection"]["rows"])]


def _keep_choice(shown: list[str]) -> None:
    """Restores the selection, which Streamlit stores as row numbers, after rows have changed."""
    before = st.session_state.get(_SHOWN, [])
    rows = st.session_state.get(_KEY, {}).get("selection", {}).get("rows", [])
    chosen = {before[row] for row in rows if row < len(before)}
    kept = [position for position, run_id in enumerate(shown) if run_id in chosen]
    if before and kept != sorted(rows):
        st.session_state[_KEY] = {"selection": {"rows": kept}}
    st.session_state[_SHOWN] = shown


def _row(one: Overview) -> dict[str, Any]:
    return {
        "star": "★" if one.notes.starred else "",
        "name": one.notes.name,
        "state": format_state(one.state, one.reason),
        "recipe": format_recipe(one.config),
        "dataset": one.config.dataset,
        "epochs": f"{one.epochs} of {one.goal}" if one.config.is_trained else "",
        "val": _percent(one.val.accuracy.value if one.val else one.best_accuracy),
        "val_range": _interval(one.val),
        "val_clean": _clean(one.val),
        "val_seen": _seen(one.val),
        "test": _percent(one.test.accuracy.value if one.test else None),
        "test_range": _interval(one.test),
        "test_clean": _clean(one.test),
        "test_seen": _seen(one.test),
        "duration": None if one.seconds is None else timedelta(seconds=round(one.seconds)),
        "started": one.started,
        "note": one.notes.note,
        "damaged": ", ".join(one.damaged),
        "id": one.run.id,
    }


def _interval(score: Score | None) -> str:
    if score is None:
        return ""
    found = score.accuracy
    return f"{100 * found.low:.1f} – {100 * found.high:.1f} %, {found.total:,}"


def _clean(score: Score | None) -> float | None:
    return 100 * score.clean.value if score and score.clean else None


def _seen(score: Score | None) -> str:
    return f"{score.seen:,} of {score.accuracy.total:,}" if score and score.seen else ""


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
