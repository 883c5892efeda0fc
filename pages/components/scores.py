"""How well a run does: accuracy with its interval, confusion, and scores per class."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer_core import evaluation
from fer_core.confusion_figure import confusion_figure

_SHARES, _COUNTS = "Shares", "Numbers of images"

_SCORES = ["precision", "recall", "f1"]
_REPORT_COLUMNS = {
    "expression": st.column_config.TextColumn("Expression", pinned=True),
    "precision": st.column_config.NumberColumn(
        "Precision",
        format="%.1f%%",
        help="Of the faces that were called this, the share that really were.",
    ),
    "recall": st.column_config.NumberColumn(
        "Recall",
        format="%.1f%%",
        help="Accuracy within the class: the share of its faces that were recognised.",
    ),
    "f1": st.column_config.NumberColumn(
        "F1", format="%.1f%%", help="The harmonic mean of precision and recall."
    ),
    "images": st.column_config.NumberColumn("Images", format="localized"),
}


def show_accuracy(label: str, predictions: pd.DataFrame, explanation: str) -> None:
    """The accuracy, below it the 95 % interval; and what it is without leaked images."""
    accuracy = evaluation.accuracy(predictions)
    st.metric(
        label,
        f"{accuracy.value:.1%}",
        delta=f"{accuracy.low:.1%} to {accuracy.high:.1%}",
        delta_color="off",
        delta_arrow="off",
        delta_description=f"95 % interval, {accuracy.total:,} images",
        help=explanation,
    )
    clean = evaluation.without_leaks(predictions)
    if clean is not None:
        st.caption(
            f"Without the {len(predictions) - len(clean):,} that are among the training images "
            f"too: {evaluation.accuracy(clean)}."
        )


def show_confusion(predictions: pd.DataFrame, class_names: Sequence[str], key: str) -> None:
    """The confusion matrix, in shares of each true expression or in numbers of images."""
    unit = st.segmented_control(
        "Cells show", [_SHARES, _COUNTS], default=_SHARES, required=True, key=f"{key}-unit"
    )
    matrix = evaluation.confusion(predictions, class_names)
    # Streamlit's own colour for text in charts is too faint on a coloured cell.
    ink = "white" if st.context.theme.type == "dark" else "black"
    figure = confusion_figure(matrix, class_names, unit == _SHARES, ink=ink)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def show_report(predictions: pd.DataFrame, class_names: Sequence[str]) -> None:
    """Precision, recall and F1 of every class, and their mean."""
    report = evaluation.report(predictions, class_names)
    report[_SCORES] *= 100
    st.dataframe(report, column_config=_REPORT_COLUMNS, height="content")
