"""The Classes tab: images per class and split, with and without corrections."""

import streamlit as st

from fer_core import datasets, figures
from fer_core.datasets import Dataset
from pages.components.shared.dataset_cache import with_corrections
from pages.components.shared.formatting import SPLITS, plain

_CORRECTED, _ORIGINAL = "With corrections", "Original"


def show_balance(dataset: Dataset) -> None:
    """Shows images per split and class as a sentence, a chart and a table."""
    original = counts = dataset.counts()
    shown = with_corrections(dataset)
    if shown is not dataset and _choose(dataset):
        counts = shown.counts()
    if counts.columns.empty:
        st.info("All images are excluded.", icon=":material/block:")
        return
    st.markdown(datasets.imbalance(counts.rename(index=plain)))
    st.plotly_chart(
        figures.class_balance_figure(counts), key="balance", config={"displayModeBar": False}
    )
    table = datasets.with_totals(counts)
    if counts is not original:
        table["original"] = datasets.with_totals(original)["total"]
    table = table.rename(columns={**SPLITS, "total": "Total", "original": "Original total"})
    numbers = dict.fromkeys(table.columns, st.column_config.NumberColumn(format="localized"))
    st.dataframe(table, column_config=numbers, height="content")


def show_groups(dataset: Dataset) -> None:
    """Shows how many images there are of each subject, or else sequence, if that is known."""
    counts = {name: datasets.images_per_group(dataset.index, name) for name in datasets.GROUP_NOUNS}
    known = {column: images for column, images in counts.items() if len(images)}
    if not known:
        return
    column, images = next(iter(known.items()))
    one, several = datasets.GROUP_NOUNS[column]
    st.subheader(f"Images per {one}", anchor=False)
    st.markdown(" ".join(datasets.describe_groups(each, name) for name, each in known.items()))
    if images.nunique() > 1:
        st.plotly_chart(
            figures.group_sizes_figure(images, several),
            key="images-per-group",
            config={"displayModeBar": False},
        )


def _choose(dataset: Dataset) -> bool:
    chosen = st.segmented_control(
        "Images",
        [_CORRECTED, _ORIGINAL],
        default=_CORRECTED,
        required=True,
        key=f"counted-{dataset.name}",
        label_visibility="collapsed",
    )
    return chosen == _CORRECTED
