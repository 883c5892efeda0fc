"""Shows scores: accuracy with its interval, confusion matrix, scores per class."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core import evaluation
from fer_core.evaluation import Accuracy, Score
from fer_core.figures import confusion_figure
from fer_core.runs import Run
from pages.components.shared.formatting import plain
from pages.components.shared.live_plot import live_plot

CLEAN_HELP = "Accuracy on images that are not among the training images, with its 95 % interval."

_SHARES, _COUNTS = "Percent", "Images"

_SCORES = ["precision", "recall", "f1"]
_INTERVAL = "95 % confidence interval of the score."
_PRECISION_HELP = "Of the faces predicted as this expression, the share labeled so."
_RECALL_HELP = "Of the faces labeled with this expression, the share predicted so."
_F1_HELP = "The harmonic mean of precision and recall."
REPORT_HELP = f"""\
**Precision:** {_PRECISION_HELP}

**Recall:** {_RECALL_HELP}

**F1:** {_F1_HELP}"""
_REPORT_COLUMNS = {
    "expression": st.column_config.TextColumn("Expression", pinned=True),
    "precision": st.column_config.NumberColumn("Precision", format="%.1f%%", help=_PRECISION_HELP),
    "precision_interval": st.column_config.TextColumn("95 % interval", help=_INTERVAL),
    "recall": st.column_config.NumberColumn("Recall", format="%.1f%%", help=_RECALL_HELP),
    "recall_interval": st.column_config.TextColumn("95 % interval, recall", help=_INTERVAL),
    "f1": st.column_config.NumberColumn("F1", format="%.1f%%", help=_F1_HELP),
    "f1_interval": st.column_config.TextColumn("95 % interval, F1", help=_INTERVAL),
    "images": st.column_config.NumberColumn("Images", format="localized"),
}


def show_accuracy(
    label: str,
    accuracy: Accuracy,
    explanation: str,
    width: Literal["stretch", "content"] = "stretch",
) -> None:
    """Shows an accuracy with its 95 % interval and the number of images."""
    st.metric(
        label,
        f"{accuracy.value:.1%}",
        delta=f"{accuracy.low:.1%} to {accuracy.high:.1%}",
        delta_color="off",
        delta_arrow="off",
        delta_description=f"95 %, {accuracy.total:,} images",
        help=explanation,
        width=width,
    )


def show_seen(score: Score) -> None:
    """Shows, below an accuracy, that images are of subjects that are in training too."""
    if said := score.describe_seen():
        st.caption(f":material/groups: {said}")


def show_fold(run: Run) -> None:
    """Shows which fold a run validated on, if it did not use the dataset's own splits."""
    if run.fold_note:
        st.caption(f":material/splitscreen: {plain(run.fold_note)}")


def show_best_accuracy(run: Run, history: pd.DataFrame) -> None:
    """Shows the best validation accuracy of a run in progress, with its 95 % interval."""
    label, counts = "Best validation accuracy", run.counts
    best = float(history["val_accuracy"].max()) if len(history) else None
    if best is None or "val" not in counts:
        st.metric(label, "–" if best is None else f"{best:.1%}", width="content")
        return
    images = int(counts["val"].sum())
    accuracy = Accuracy.of(round(best * images), images)
    show_accuracy(label, accuracy, "Of the best epoch so far.", width="content")
    score = evaluation.score_of(run.predictions_file("val"))
    if score is not None:
        show_seen(score)


def show_confusion(matrix: np.ndarray, class_names: Sequence[str], key: str) -> None:
    """Shows the confusion matrix, like curves.

    With `st.plotly_chart`, a page with curves would make the browser load Plotly twice.
    """
    figure = _confusion_figure(matrix, class_names, key)
    live_plot(figure.to_json(), key, figure.layout.height, "Confusion matrix", tools=False)


def show_clickable_confusion(
    matrix: np.ndarray,
    class_names: Sequence[str],
    key: str,
    *,
    chosen: tuple[str | None, str | None],
    on_click: Callable[[str, str], None],
) -> None:
    """Shows the confusion matrix with cells that can be clicked.

    Args:
        chosen: true and predicted expression of the framed cell or row; see `confusion_figure`.
        on_click: called with the true and the predicted expression of a clicked cell.
    """
    figure = _confusion_figure(matrix, class_names, key, chosen)

    def pass_on() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:  # none after a second click on the same cell, which stays chosen
            on_click(*points[-1]["customdata"][-2:])

    st.plotly_chart(
        figure,
        key=key,
        on_select=pass_on,
        selection_mode="points",
        config={"displayModeBar": False},
    )


def _confusion_figure(
    matrix: np.ndarray,
    class_names: Sequence[str],
    key: str,
    chosen: tuple[str | None, str | None] = (None, None),
) -> go.Figure:
    """Shows a choice between percent of each true expression and images; returns the matrix."""
    unit = st.segmented_control(
        "Cells show", [_SHARES, _COUNTS], default=_SHARES, required=True, key=f"{key}-unit"
    )
    # Streamlit's text color in charts is too faint on a colored cell.
    ink = "white" if st.context.theme.type == "dark" else "black"
    return confusion_figure(matrix, class_names, unit == _SHARES, ink=ink, chosen=chosen)


def show_report(predictions: pd.DataFrame, class_names: Sequence[str]) -> None:
    """Shows precision, recall and F1 of every class and their mean, as a table of text."""
    matrix = evaluation.confusion(predictions, class_names)
    scores = evaluation.hide_empty_classes(evaluation.score_classes(matrix, class_names))
    rows = ["| Expression | Precision | Recall | F1 | Images |", "|:--|--:|--:|--:|--:|"]
    for name, score in scores.iterrows():
        shares = " | ".join("–" if np.isnan(score[key]) else f"{score[key]:.1%}" for key in _SCORES)
        rows.append(f"| {plain(str(name))} | {shares} | {score['images']:,.0f} |")
    st.markdown("\n".join(rows))


def show_class_scores(scores: pd.DataFrame) -> None:
    """Shows precision, recall and F1 with 95 % intervals, as from `evaluation.score_classes`."""
    scores = evaluation.hide_empty_classes(scores)
    table = 100 * scores[_SCORES]
    for name in _SCORES:
        bounds = zip(scores[f"{name}_low"], scores[f"{name}_high"], strict=True)
        table[f"{name}_interval"] = [
            "" if np.isnan(low) else f"{low:.1%} to {high:.1%}" for low, high in bounds
        ]
    table["images"] = scores["images"]
    order = [name for name in _REPORT_COLUMNS if name in table]
    st.dataframe(
        table, column_config=_REPORT_COLUMNS, column_order=order, height="content", placeholder="–"
    )


VAL_HELP = (
    "Share of correct predictions on the validation split. The best epoch was chosen on it, so it "
    "is slightly optimistic; the test split is not."
)


TEST_HELP = "Share of correct predictions on the test split, which was not used for any choice."
