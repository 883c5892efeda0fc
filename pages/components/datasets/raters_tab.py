"""The Raters tab: label faces as one of several raters, and see how well the raters agree."""

import streamlit as st

from fer_core import datasets
from fer_core.datasets import Corrections, Dataset
from pages.components.datasets.agreement_view import FERPLUS, RATERS, show_agreement
from pages.components.datasets.annotate import show_annotation

ANNOTATE, AGREEMENT, FERPLUS_AGREEMENT = "Annotate", "Agreement", "FER+ votes"


@st.fragment
def show_raters(dataset: Dataset, corrections: Corrections | None) -> None:
    """Shows the faces to label, or how well the raters agree.

    Args:
        corrections: those shown by the surrounding page, which reruns when they change.
    """
    modes = [ANNOTATE, AGREEMENT]
    if datasets.has_votes(dataset.stored_index):
        modes.append(FERPLUS_AGREEMENT)
    mode = st.segmented_control(
        "Mode",
        modes,
        default=ANNOTATE,
        required=True,
        key=f"raters-mode-{dataset.name}",
        label_visibility="collapsed",
    )
    if mode == ANNOTATE:
        show_annotation(dataset)
    else:
        show_agreement(dataset, RATERS if mode == AGREEMENT else FERPLUS, corrections)
