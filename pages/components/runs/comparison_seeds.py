"""Shows mean and spread of the accuracy over several seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from fer_core import evaluation
from fer_core.evaluation import SPLIT_NAMES, Mean, RunRecord
from pages.components.shared.formatting import format_range
from pages.components.shared.scores import CLEAN_HELP

_PERCENT = "%.1f%%"
_GROUPS = {
    "runs": st.column_config.TextColumn("Runs", pinned=True),
    "split": st.column_config.TextColumn("Split"),
    "mean": st.column_config.NumberColumn("Mean accuracy", format=_PERCENT),
    "interval": st.column_config.TextColumn(
        "95 % interval of the mean",
        help="Student's t interval of the mean over seeds.",
    ),
    "deviation": st.column_config.TextColumn(
        "Standard deviation", help="Over the runs, in percentage points."
    ),
    "range": st.column_config.TextColumn("Lowest to highest"),
    "clean": st.column_config.TextColumn("Mean, clean", help=f"Mean of: {CLEAN_HELP}"),
    "settings": st.column_config.TextColumn(
        "Settings", help="What these runs have in common and other selected runs do not."
    ),
}


def show_groups(records: Mapping[str, RunRecord]) -> None:
    """Shows mean, interval and spread of runs that differ only in their seed."""
    groups = evaluation.seed_groups(records)
    if not groups:
        return
    st.subheader("Over several seeds", anchor=False)
    st.caption(
        "Runs that differ only in their seed show how much the accuracy varies by chance.",
        help="Completed runs on the same images and labels, with the same initial weights. Of "
        "several runs with one seed, the first counts. Opening the test split, TensorBoard files "
        "and determinism may differ.",
    )
    differing = evaluation.differing_settings(records)
    rows = [
        _group_row(group, split, evaluation.mean_accuracy(values))
        | {"clean": _spoken_mean(_values(records, group, split, clean=True))}
        | {"settings": evaluation.common_settings(differing, group)}
        for group in groups
        for split in SPLIT_NAMES
        if (values := _values(records, group, split))
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=list(_GROUPS)).dropna(axis="columns", how="all"),
        column_config=_GROUPS,
        hide_index=True,
        key="groups",
    )


def _group_row(group: list[str], split: str, mean: Mean) -> dict[str, Any]:
    return {
        "runs": ", ".join(group),
        "split": SPLIT_NAMES[split],
        "mean": 100 * mean.value,
        "interval": format_range(mean.low, mean.high),
        "deviation": f"{100 * mean.deviation:.1f}",
        "range": format_range(mean.lowest, mean.highest),
    }


def _values(
    records: Mapping[str, RunRecord], group: list[str], split: str, *, clean: bool = False
) -> list[float]:
    """Returns the accuracies of the group; empty if not all runs have one."""
    scores = [each.score for letter in group if (each := records[letter].predictions.get(split))]
    found = [score.clean if clean else score.accuracy for score in scores]
    values = [accuracy.value for accuracy in found if accuracy is not None]
    return values if len(values) == len(group) else []


def _spoken_mean(values: list[float]) -> str | None:
    if not values:
        return None
    mean = evaluation.mean_accuracy(values)
    return f"{mean.value:.1%} ({format_range(mean.low, mean.high)})"
