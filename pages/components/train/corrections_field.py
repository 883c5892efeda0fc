"""The setting of a run that asks for the data set's corrections."""

from typing import Any

import streamlit as st

from fer_core import datasets
from fer_core.datasets import Dataset
from fer_core.runs import SETTINGS, TrainConfig
from pages.components.shared.corrections import load_corrections
from pages.components.shared.dataset_cache import with_corrections
from pages.components.shared.formatting import SPLITS
from pages.components.train.fields import field_key


def corrections_field(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    """A box to tick where anything was corrected, and how many images that concerns."""
    overlay = load_corrections(dataset)
    if not overlay:
        return {}
    used = st.checkbox(
        SETTINGS["overlay"].label,
        config.overlay,
        key=field_key(config, f"overlay-{dataset.name}"),
        help=SETTINGS["overlay"].help,
        persist_state="session",
    )
    st.caption(f"{datasets.describe_corrections(overlay)}.{_changed_sizes(dataset)}")
    return {"overlay": used}


def _changed_sizes(dataset: Dataset) -> str:
    """How many images each split has then, where that is another number; a sentence or nothing."""
    added, left = dataset.counts().sum(), with_corrections(dataset).counts().sum()
    left = left.reindex(added.index, fill_value=0).astype(int)
    parts = [
        f"{SPLITS[split]} {left[split]:,} instead of {added[split]:,}"
        for split in added.index
        if left[split] != added[split]
    ]
    return f" Images then: {', '.join(parts)}." if parts else ""
