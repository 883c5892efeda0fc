"""Shows the reliability diagram, and accuracy against coverage."""

import streamlit as st

from fer_core.evaluation import EvaluationReport
from fer_core.figures import coverage_figure, reliability_figure
from pages.components.shared.predictions_cache import Subject

_ERROR_HELP = (
    "The mean difference of confidence and accuracy over 15 bins, weighted by their images. The "
    "temperature was fitted on the validation split, so the error on that split is slightly "
    "optimistic."
)
_PLAIN = {"displayModeBar": False}


def show_calibration(subject: Subject, found: EvaluationReport) -> None:
    """Shows reliability on the left and abstention on the right."""
    reliability, coverage = st.columns(2, gap="large")
    with reliability:
        st.subheader("Reliability diagram", anchor=False)
        st.caption(_errors(found), help=_ERROR_HELP)
        st.plotly_chart(
            reliability_figure(*found.reliability), key=f"reliability-{subject.key}", config=_PLAIN
        )
    with coverage:
        st.subheader("Abstention", anchor=False)
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
        help="Starts at the threshold that Predict uses: above it, 80 % of the validation images "
        "are predicted correctly, not counting leaked images."
        if known is not None
        else None,
    )
    passed, left_out = found.split_at(least / 100)
    share = passed.total / found.score.accuracy.total if passed else 0.0
    sentence = f"**{share:.1%}** of the images are answered"
    sentence += f"; accuracy on them **{passed}**." if passed else "."
    if left_out:
        sentence += f" Accuracy on the others would be {left_out}."
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
        return f"{sentence}; not calibrated."
    return f"{sentence}, {after:.1%} after calibration (temperature {found.temperature:.2f})."
