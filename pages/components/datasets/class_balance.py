"""How many images a data set has of each class and split, with and without its corrections."""

import streamlit as st

from fer_core import datasets, figures
from fer_core.datasets import Dataset
from pages.components.shared.dataset_cache import with_corrections
from pages.components.shared.formatting import SPLITS, plain

_CORRECTED, _ADDED = "With corrections", "As added"


def show_balance(dataset: Dataset) -> None:
    """Images per split and class as a figure, a table and a sentence."""
    added = counts = dataset.counts()
    shown = with_corrections(dataset)
    if shown is not dataset and _choose(dataset):
        counts = shown.counts()
    if counts.columns.empty:
        st.info("Every image is left out.", icon=":material/block:")
        return
    st.markdown(datasets.imbalance(counts.rename(index=plain)))
    st.plotly_chart(
        figures.class_balance_figure(counts), key="balance", config={"displayModeBar": False}
    )
    table = datasets.with_totals(counts)
    if counts is not added:
        table["added"] = datasets.with_totals(added)["total"]
    table = table.rename(columns={**SPLITS, "total": "Total", "added": "Total as added"})
    numbers = dict.fromkeys(table.columns, st.column_config.NumberColumn(format="localized"))
    st.dataframe(table, column_config=numbers, height="content")


def _choose(dataset: Dataset) -> bool:
    chosen = st.segmented_control(
        "Images",
        [_CORRECTED, _ADDED],
        default=_CORRECTED,
        required=True,
        key=f"counted-{dataset.name}",
        label_visibility="collapsed",
    )
    return chosen == _CORRECTED
