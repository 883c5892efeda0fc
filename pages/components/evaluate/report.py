"""Shows the evaluation of a model on one split."""

from pathlib import Path

import streamlit as st

from fer_core.evaluation import EvaluationReport, score_of
from fer_core.storage import export_csv
from pages.components.evaluate.calibration import show_calibration
from pages.components.evaluate.confusion import show_mistakes
from pages.components.evaluate.feature_map import show_map
from pages.components.evaluate.label_issues import show_label_issues
from pages.components.evaluate.slices import show_slices
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import file_name
from pages.components.shared.predictions_cache import Subject
from pages.components.shared.scores import show_accuracy, show_class_scores, show_seen


def show_evaluation(subject: Subject, found: EvaluationReport, explanation: str) -> None:
    """Shows scores with their intervals, mistakes, calibration and label issues."""
    _show_summary(subject, found, explanation)
    show_mistakes(subject, found)
    st.subheader("Scores per expression", anchor=False)
    show_class_scores(found.scores)
    show_slices(subject, found)
    show_calibration(subject, found)
    show_map(subject, found)
    show_label_issues(subject, found)
    offer_download(
        "Download predictions",
        lambda: export_csv(found.predictions),
        file_name(subject.key, ".csv"),
        "text/csv",
        key=f"predictions-{subject.key}",
    )


def show_averaged(predictions_file: Path) -> None:
    """Shows the accuracy with test-time augmentation, if there are such predictions."""
    score = score_of(predictions_file)
    if score is None:
        return
    said = f"With test-time augmentation (10 views): {score.accuracy}"
    clean = f"; without leaked images: {score.clean}" if score.clean else ""
    st.caption(" ".join([f"{said}{clean}.", score.describe_seen()]))


def _show_summary(subject: Subject, found: EvaluationReport, explanation: str) -> None:
    score = found.score
    everything, clean, top_two = st.columns(3)
    with everything:
        show_accuracy(subject.title, score.accuracy, explanation)
    with clean:
        if score.clean is not None:
            show_accuracy(
                "Without leaked images",
                score.clean,
                f"Without the {score.leaked:,} images that are pixel-identical to a training "
                "image.",
            )
    with top_two if score.clean is not None else clean:
        show_accuracy(
            "Top-2 accuracy",
            found.top_two,
            "How often the true expression is among the two most probable ones.",
        )
    show_seen(score)
