"""Shows images whose label is likely wrong, for review."""

import numpy as np
import streamlit as st

from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport
from pages.components.evaluate.prediction_gallery import show_answers
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.predictions_cache import Subject, locate_images

_HELP = (
    "Found with cleanlab's confident learning: the model gives another expression a probability "
    "that is typical of images of that expression. Leaked images are not considered."
)


@st.fragment
def show_label_issues(subject: Subject, found: EvaluationReport) -> None:
    """Shows a gallery, the most suspicious first, computed on request."""
    st.subheader("Label issues", anchor=False, help=_HELP)
    if not st.toggle("Show images with likely label errors", key=f"doubt-{subject.key}"):
        return
    rows = found.label_issues
    settled = _settled(subject, found, rows)
    count = int(settled.sum())
    st.caption(
        f"**{len(rows):,}** of {len(found.predictions):,} labels are likely wrong. Click an image "
        "to exclude it, relabel it or confirm its label. FER+ votes are shown where available."
    )
    if count and not st.checkbox(
        f"Also show the {count:,} that you have reviewed", key=f"settled-{subject.key}"
    ):
        rows = rows[~settled]
    show_answers(subject, found, rows, key="doubt", place="doubtful")


def _settled(subject: Subject, found: EvaluationReport, rows: np.ndarray) -> np.ndarray:
    """Tells for each image whether the user has reviewed it; False for missing images."""
    settled = np.zeros(len(rows), dtype=bool)
    try:
        images = locate_images(subject, found)
    except FerError:
        return settled
    overlay, positions = corrections_or_empty(images.dataset), images.positions[rows]
    there = np.flatnonzero(positions >= 0)
    keys = images.dataset.keys(positions[there].tolist())
    labels = found.calibrated["expression"].iloc[rows[there]]
    settled[there] = [overlay.is_reviewed(*each) for each in zip(keys, labels, strict=True)]
    return settled
