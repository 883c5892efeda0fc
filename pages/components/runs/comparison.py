"""Compares the selected runs: settings, curves, scores."""

from collections.abc import Mapping, Sequence

import streamlit as st

from fer_core import evaluation
from fer_core.evaluation import RunRecord
from fer_core.runs import Run
from pages.components.runs.comparison_curves import show_curves
from pages.components.runs.comparison_records import LETTER, letters, read_records
from pages.components.runs.comparison_scores import show_accuracies
from pages.components.runs.comparison_seeds import show_groups
from pages.components.runs.comparison_tests import show_pairs
from pages.components.shared.formatting import format_run

MOST_RUNS = 50  # more curves and pairs cannot be told apart


def show_comparison(chosen: Sequence[Run]) -> None:
    """Compares the selected runs; each is called by a letter."""
    if len(chosen) > MOST_RUNS:
        st.info(f"Comparing the first {MOST_RUNS} of {len(chosen)} selected runs.")
        chosen = chosen[:MOST_RUNS]
    names = dict(zip(letters(len(chosen)), map(format_run, chosen), strict=True))
    records = read_records(dict(zip(names, chosen, strict=True)))
    if not records:
        return
    if len(records) > 1:
        show_settings(names, records)
    show_curves(names, records)
    show_accuracies(records)
    show_groups(records)
    show_pairs(names, records)


def show_settings(names: Mapping[str, str], records: Mapping[str, RunRecord]) -> None:
    """Shows the settings that differ, a row per run."""
    st.subheader("Settings that differ", anchor=False)
    table = evaluation.differing_settings(records)
    if table.empty:
        st.markdown("These runs have the same settings.")
    else:
        st.caption("All other settings are the same.")
    table.insert(0, "Run", [names[letter] for letter in table.index])
    st.dataframe(
        table,
        column_config={"_index": LETTER},
        height="content" if len(table) <= 20 else 400,
        key="differing-settings",
    )
