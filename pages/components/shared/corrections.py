"""What was corrected in a data set, and which corrections a run uses, in words."""

import streamlit as st

from fer_core import datasets
from fer_core.datasets import Corrections, Dataset
from fer_core.runs import Run, corrections_of
from pages.components.shared.formatting import plain


def kept(dataset: Dataset) -> Corrections | None:
    """The corrections of now; says why where they cannot be read, and gives None."""
    try:
        return dataset.saved_corrections
    except ValueError as error:
        st.error(
            f"{plain(str(error))} Until the file is mended or removed, nothing can be corrected; "
            "the images are as they were added."
        )
        return None


def current(dataset: Dataset) -> Corrections:
    """The corrections of now; none where they cannot be read, as `kept` says elsewhere."""
    try:
        return dataset.saved_corrections
    except ValueError:
        return Corrections()


def show_corrections_of(run: Run) -> None:
    """Says which corrections the run uses, where it uses any."""
    try:
        overlay = corrections_of(run)
    except ValueError as error:
        st.warning(plain(str(error)), icon=":material/edit_off:")
        return
    if overlay is not None:
        words = datasets.describe_corrections(overlay) or "there were none when it was asked for"
        st.caption(f":material/edit: With corrections: {words}.")
