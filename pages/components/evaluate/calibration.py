"""How far a network's probabilities can be believed, and what leaving out the unsure ones gains."""

import streamlit as st

from fer_core.evaluation import EvaluationReport
from fer_core.figures import coverage_figure, reliability_figure
from pages.components.shared.predictions_cache import Subject

_ERROR_HELP = (
    "How far confidence and share of right answers are apart: the mean over 15 equal parts of the "
    "confidence, each weighed by its images. The temperature was fitted on the validation split; "
    "on that split itself the error after it flatters a little."
)
_PLAIN = {"displayModeBar": False}


def show_calibration(subject: Subject, found: EvaluationReport) -> None:
    """Reliability on the left, "not sure" on the right."""
    reliability, coverage = st.columns(2, gap="large")
    with reliability:
        st.subheader("Is it as sure as it is right?", anchor=False)
        st.caption(_errors(found), help=_ERROR_HELP)
        st.plotly_chart(
            reliability_figure(*found.reliability), key=f"reliability-{subject.key}", config=_PLAIN
        )
    with coverage:
        st.subheader("Saying “not sure”", anchor=False)
        _show_coverage(subject, found)


@st.fragment
def _show_coverage(subject: Subject, found: EvaluationReport) -> None:
    known = found.calibration.threshold if found.calibration else None
    least = st.slider(
        "“Not sure” below a confidence of",
        0,
        100,
        50 if known is None else round(100 * known),
        format="%d%%",
        key=f"not-sure-{subject.key}",
        help="It begins where Predict says so, too: there four of five answers to validation are "
        "right, counted without images that are in training too."
        if known is not None
        else None,
    )
    passed, left_out = found.split_at(least / 100)
    share = passed.total / found.score.accuracy.total if passed else 0.0
    sentence = f"**{share:.1%}** of the images are answered"
    sentence += f", right are **{passed}**." if passed else "."
    if left_out:
        sentence += f" Of those left out, right would have been {left_out}."
    st.markdown(sentence)
    st.plotly_chart(
        coverage_figure(found.coverage, least / 100),
        key=f"coverage-{subject.key}",
        config=_PLAIN,
    )


def _errors(found: EvaluationReport) -> str:
    before, after = found.calibration_errors
    sentence = f"Expected calibration error {before:.1%}"
    if after is None:
        return f"{sentence}; no temperature was fitted."
    return f"{sentence}, and {after:.1%} with the temperature, {found.temperature:.2f}."
