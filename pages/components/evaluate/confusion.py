"""Shows the confusion matrix and the images of the selected cell."""

from functools import partial

import numpy as np
import streamlit as st

from fer_core import evaluation
from fer_core.evaluation import (
    LARGEST_ERROR,
    LEAST_CONFIDENT,
    MOST_CONFIDENT,
    WRONG,
    EvaluationReport,
)
from pages.components.evaluate.prediction_gallery import show_answers
from pages.components.shared.formatting import plain
from pages.components.shared.predictions_cache import Subject
from pages.components.shared.scores import show_clickable_confusion

_ORDERS = {
    LARGEST_ERROR: "Largest error first",
    MOST_CONFIDENT: "Most confident first",
    LEAST_CONFIDENT: "Least confident first",
}
_ORDER_HELP = (
    "Largest error first: wrong predictions, the most confident first; then correct ones, the "
    "least confident first."
)

Cell = tuple[str | None, str | None]  # true and predicted expression; None is any


@st.fragment
def show_mistakes(subject: Subject, found: EvaluationReport) -> None:
    """Shows the images that are selected by a click on the matrix or with the widgets."""
    matrix, images = st.columns([6, 5], gap="large")
    with images:
        st.subheader("Images", anchor=False)
        truth, answered, order = _choose(subject, found)
        rows = evaluation.choose(found.calibrated, truth, answered, order)
        st.caption(_sentence((truth, answered), rows, found))
        show_answers(subject, found, rows, key=f"{truth}-{answered}-{order}")
    with matrix:
        st.subheader("Confusion matrix", anchor=False)
        cell = truth, None if answered == WRONG else answered
        show_clickable_confusion(
            found.confusion,
            found.class_names,
            key=f"confusion-{subject.key}",
            chosen=cell,
            on_click=partial(_take, subject),
        )
        st.caption("Click a cell to see its images.")


def _choose(subject: Subject, found: EvaluationReport) -> tuple[str | None, str | None, str]:
    """Shows the widgets above the images; returns truth, prediction (None is any) and order."""
    names = list(found.class_names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        truth = st.selectbox(
            "True expression",
            [None, *names],
            format_func=lambda name: "any" if name is None else name,
            key=_truth_key(subject),
            width=150,
        )
        answered = st.selectbox(
            "Predicted",
            [WRONG, None, *names],
            format_func=lambda name: {None: "any", WRONG: "any wrong"}.get(name, name),
            key=_answer_key(subject),
            width=150,
        )
        order = st.selectbox(
            "Sort by",
            list(_ORDERS),
            format_func=_ORDERS.__getitem__,
            key=f"order-{subject.key}",
            help=_ORDER_HELP,
            width=200,
        )
    return truth, answered, order


def _take(subject: Subject, truth: str, answered: str) -> None:
    """Sets the widgets to the clicked cell."""
    st.session_state[_truth_key(subject)] = truth
    st.session_state[_answer_key(subject)] = answered


def _truth_key(subject: Subject) -> str:
    return f"truth-{subject.key}"


def _answer_key(subject: Subject) -> str:
    return f"answered-{subject.key}"


def _sentence(cell: Cell, rows: np.ndarray, found: EvaluationReport) -> str:
    """Describes the selected images and their number."""
    truth, answered = cell
    of = "images" if truth is None else f"images of {plain(truth)}"
    if answered is None:
        what = "with any prediction"
    elif answered == WRONG:
        what = "with a wrong prediction"
    else:
        what = "predicted correctly" if answered == truth else f"predicted as {plain(answered)}"
    among = f"**{len(rows):,}** {of} {what}"
    if found.calibration is None:
        return f"{among}."
    return f"{among}. Probabilities are calibrated (temperature {found.temperature:.2f})."
