"""Images whose label is most likely wrong, to be reviewed one by one."""

import streamlit as st

from fer_core.evaluated import Evaluated
from pages.components.answer_gallery import show_answers
from pages.components.evaluation_cache import Subject

_HELP = (
    "Confident learning, by the library cleanlab: an image is in doubt where the network gives "
    "another expression a probability that it gives only to images of that expression. Images it "
    "has learned from are never in doubt."
)


@st.fragment
def show_doubtful(subject: Subject, found: Evaluated) -> None:
    """A gallery of them, the most doubtful first; found when it is asked for."""
    st.subheader("Doubtful labels", anchor=False, help=_HELP)
    if not st.toggle("Show images whose label may be wrong", key=f"doubt-{subject.key}"):
        return
    rows = found.doubtful
    st.caption(
        f"**{len(rows):,}** of {len(found.answers):,} labels are in doubt. Press an image to leave "
        "it out or to give it another expression; where there are FER+ votes, they stand beside."
    )
    show_answers(subject, found, rows, key="doubt", place="doubtful")
