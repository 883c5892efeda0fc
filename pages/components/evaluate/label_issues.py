"""Images whose label is most likely wrong, to be reviewed one by one."""

import numpy as np
import streamlit as st

from fer_core.evaluation import EvaluationReport
from pages.components.evaluate.prediction_gallery import show_answers
from pages.components.shared.corrections import current
from pages.components.shared.predictions_cache import Subject, find_images

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
    rows = found.doubtful
    settled = _settled(subject, found, rows)
    count = int(settled.sum())
    st.caption(
        f"**{len(rows):,}** of {len(found.answers):,} labels are in doubt. Press an image to leave "
        "it out, to give it another expression or to say that its label is right; where there are "
        "FER+ votes, they stand beside."
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
        images = find_images(subject, found)
    except ValueError:
        return settled
    overlay, positions = current(images.dataset), images.positions[rows]
    there = np.flatnonzero(positions >= 0)
    keys = images.dataset.keys(positions[there].tolist())
    labels = found.answers["expression"].iloc[rows[there]]
    settled[there] = [overlay.is_reviewed(*each) for each in zip(keys, labels, strict=True)]
    return settled
