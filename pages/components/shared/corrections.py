"""Reads a dataset's corrections and describes those that a run uses."""

import streamlit as st

from fer_core import datasets
from fer_core.datasets import Corrections, Dataset
from fer_core.errors import FerError
from fer_core.runs import Run, corrections_of
from pages.components.shared.formatting import plain


def load_corrections(dataset: Dataset) -> Corrections | None:
    """Returns the current corrections; shows an error and returns None if they cannot be read."""
    try:
        return dataset.saved_corrections
    except FerError as error:
        st.error(
            f"{plain(str(error))} Nothing can be corrected until the file is repaired or removed; "
            "until then the original labels are shown."
        )
        return None


def corrections_or_empty(dataset: Dataset) -> Corrections:
    """Returns the current corrections; empty ones if they cannot be read."""
    try:
        return dataset.saved_corrections
    except FerError:
        return Corrections()


def show_run_corrections(run: Run) -> None:
    """Shows how many corrections a run was trained with, if it uses any."""
    try:
        overlay = corrections_of(run)
    except FerError as error:
        st.warning(plain(str(error)), icon=":material/edit_off:")
        return
    if overlay is not None:
        summary = datasets.describe_corrections(overlay) or "none existed when it was submitted"
        st.caption(f":material/edit: With corrections: {summary}.")
