"""How well a run does: accuracy with its interval, confusion, and scores per class."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fer_core import evaluation, figures
from fer_core.evaluation import Accuracy

_SHARES, _COUNTS = "Shares", "Numbers of images"


def show_accuracy(label: str, accuracy: Accuracy, explanation: str) -> None:
    """The accuracy, below it the 95 % interval that its number of images leaves."""
    st.metric(
        label,
        f"{accuracy.value:.1%}",
        delta=f"{accuracy.low:.1%} to {accuracy.high:.1%}",
        delta_color="off",
        delta_arrow="off",
        delta_description=f"95 % interval, {accuracy.total:,} images",
        help=explanation,
    )


def show_confusion(predictions: pd.DataFrame, class_names: Sequence[str], key: str) -> None:
    """The confusion matrix, in shares of each true expression or in numbers of images."""
    unit = st.segmented_control(
        "Cells show", [_SHARES, _COUNTS], default=_SHARES, required=True, key=f"{key}-unit"
    )
    matrix = evaluation.confusion(predictions, class_names)
    figure = figures.confusion_figure(matrix, class_names, shares=unit == _SHARES)
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def show_report(predictions: pd.DataFrame, class_names: Sequence[str]) -> None:
    """Precision, recall and F1 of every class, and their mean."""
    percent = st.column_config.ProgressColumn
    st.dataframe(
        evaluation.report(predictions, class_names),
        column_config={
            "expression": st.column_config.TextColumn("Expression", pinned=True),
            "precision": percent(
                "Precision",
                format="percent",
                help="Of the faces that were called this, the share that really were.",
            ),
            "recall": percent(
                "Recall",
                format="percent",
                help="Accuracy within the class: the share of its faces that were recognised.",
            ),
            "f1": percent(
                "F1", format="percent", help="The harmonic mean of precision and recall."
            ),
            "images": st.column_config.NumberColumn("Images", format="localized"),
        },
        height="content",
    )
