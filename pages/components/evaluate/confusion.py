"""The confusion matrix, and, of the cell that is chosen in it, the images and their answers."""

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
from pages.components.shared.scores import show_confusion

_ORDERS = {
    LARGEST_ERROR: "Largest error first",
    MOST_CONFIDENT: "Most confident first",
    LEAST_CONFIDENT: "Least confident first",
}
_ORDER_HELP = (
    "The largest error: wrong answers before right ones, and of the wrong ones that first which "
    "was given with most confidence; of the right ones that with least."
)

Cell = tuple[str | None, str | None]  # truth and answer; None is any


@st.fragment
def show_mistakes(subject: Subject, found: EvaluationReport) -> None:
    """A click on the matrix, or the two choices beside it, show images."""
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
        show_confusion(
            found.confusion,
            found.class_names,
            key=f"confusion-{subject.key}",
            chosen=cell,
            on_click=partial(_take, subject),
        )
        st.caption("Click a cell to see its images.")


def _choose(subject: Subject, found: EvaluationReport) -> tuple[str | None, str | None, str]:
    """The widgets above the images: truth, answer (None is any), order."""
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
            "Answered",
            [WRONG, None, *names],
            format_func=lambda name: {None: "any", WRONG: "any wrong one"}.get(name, name),
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
    """What is clicked is chosen in the widgets too."""
    st.session_state[_truth_key(subject)] = truth
    st.session_state[_answer_key(subject)] = answered


def _truth_key(subject: Subject) -> str:
    return f"truth-{subject.key}"


def _answer_key(subject: Subject) -> str:
    return f"answered-{subject.key}"


def _sentence(cell: Cell, rows: np.ndarray, found: EvaluationReport) -> str:
    """What is shown, and how much of it there is."""
    truth, answered = cell
    of = "images" if truth is None else f"images of {plain(truth)}"
    if answered is None:
        what = "with any answer"
    elif answered == WRONG:
        what = "with a wrong answer"
    else:
        what = "rightly recognised" if answered == truth else f"taken for {plain(answered)}"
    among = f"**{len(rows):,}** {of} {what}"
    if found.calibration is None:
        return f"{among}."
    return f"{among}. Probabilities with the temperature, {found.temperature:.2f}."
