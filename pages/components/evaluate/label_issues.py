"""Images whose label is most likely wrong, to be reviewed one by one."""

import numpy as np
import streamlit as st

from fer_core.evaluation import EvaluationReport
from pages.components.evaluate.prediction_gallery import show_answers
from pages.components.shared.corrections import corrections_or_empty
from pages.components.shared.predictions_cache import Subject, locate_images

_HELP = (
    "Confident learning, by the library cleanlab: an image is in doubt where the network gives "
    "another expression a probability that it gives only to images of that expression. Images it "
    "has learned from are never in doubt."
)


@st.fragment
def show_label_issues(subject: Subject, found: EvaluationReport) -> None:
    """A gallery of them, the most doubtful first; found when it is asked for."""
    st.subheader("Doubtful labels", anchor=False, help=_HELP)
    if not st.toggle("Show images whose label may be wrong", key=f"doubt-{subject.key}"):
        return
    rows = found.label_issues
    settled = _settled(subject, found, rows)
    count = int(settled.sum())
    st.caption(
        f"**{len(rows):,}** of {len(found.predictions):,} labels are likely wrong. Click an image "
        "to exclude it, relabel it or confirm its label. FER+ votes are shown where available."
    )
    if count and not st.checkbox(
        f"Also the {count:,} that you have decided about", key=f"settled-{subject.key}"
    ):
        rows = rows[~settled]
    show_answers(subject, found, rows, key="doubt", place="doubtful")


def _settled(subject: Subject, found: EvaluationReport, rows: np.ndarray) -> np.ndarray:
    """Whether a person has decided about each image; about one that is not there nobody has."""
    settled = np.zeros(len(rows), dtype=bool)
    try:
        images = locate_images(subject, found)
    except ValueError:
        return settled
    overlay, positions = corrections_or_empty(images.dataset), images.positions[rows]
    there = np.flatnonzero(positions >= 0)
    keys = images.dataset.keys(positions[there].tolist())
    labels = found.calibrated["expression"].iloc[rows[there]]
    settled[there] = [overlay.is_settled(*each) for each in zip(keys, labels, strict=True)]
    return settled
