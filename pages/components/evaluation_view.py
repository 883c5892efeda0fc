"""All that is shown of a network's answers on one split."""

import streamlit as st

from fer_core.evaluated import Evaluated
from pages.components.confidence import show_confidence
from pages.components.evaluation_cache import Subject
from pages.components.mistakes import show_mistakes
from pages.components.scores import show_accuracy, show_class_scores


def show_evaluation(subject: Subject, found: Evaluated, explanation: str) -> None:
    """Scores with their intervals, the mistakes, and how sure the network was."""
    _show_summary(subject, found, explanation)
    show_mistakes(subject, found)
    st.subheader("Scores per expression", anchor=False)
    show_class_scores(found.scores)
    show_confidence(subject, found)
    st.download_button(
        "Download predictions",
        lambda: found.predictions.to_csv(index=False),
        file_name=f"{subject.key}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _show_summary(subject: Subject, found: Evaluated, explanation: str) -> None:
    everything, clean, top_two = st.columns(3)
    with everything:
        show_accuracy(subject.title, found.accuracy, explanation)
    with clean:
        if found.clean is not None:
            leaked = found.accuracy.total - found.clean.total
            show_accuracy(
                "Without leaked images",
                found.clean,
                f"Without the {leaked:,} that are among the training images too, pixel by pixel.",
            )
    with top_two if found.clean is not None else clean:
        show_accuracy(
            "Top-2 accuracy",
            found.top_two,
            "How often the truth is one of the two most probable expressions.",
        )
