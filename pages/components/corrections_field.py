"""The setting of a run that asks for the data set's corrections."""

from typing import Any

import streamlit as st

from fer_core.config import TrainConfig
from fer_core.datasets import Dataset, summary
from fer_core.settings import SETTINGS
from pages.components.corrections import kept
from pages.components.dataset_cache import corrected
from pages.components.one_face import SPLITS
from pages.components.setting_fields import field_key
from pages.components.words import plain


def corrections_field(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    """A box to tick where anything was corrected, and how many images that concerns."""
    overlay = kept(dataset)
    if not overlay:
        return {}
    used = st.checkbox(
        SETTINGS["overlay"].label,
        config.overlay,
        key=field_key(config, f"overlay-{dataset.name}"),
        help=SETTINGS["overlay"].help,
        persist_state="session",
    )
    out = _left_out(dataset)
    where = f" ({out})" if out else ""
    st.caption(f"{plain(dataset.name)}: {summary.corrections(overlay)}{where}.")
    return {"overlay": used}


def _left_out(dataset: Dataset) -> str:
    """How many images each split has less."""
    added, left = dataset.counts().sum(), corrected(dataset).counts().sum()
    less = added.sub(left, fill_value=0).astype(int)
    return ", ".join(f"{SPLITS[split]} −{less[split]:,}" for split in added.index if less[split])
