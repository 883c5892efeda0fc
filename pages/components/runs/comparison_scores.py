"""Shows the accuracy of the selected runs with intervals."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from fer_core import figures
from fer_core.evaluation import Accuracy, RunRecord
from pages.components.runs.comparison_records import LETTER
from pages.components.shared.formatting import SPLITS, format_list, format_range
from pages.components.shared.scores import CLEAN_HELP, TEST_HELP, VAL_HELP

_INTERVAL = "95 % confidence interval (Wilson)."
_PERCENT = "%.1f%%"
_ACCURACIES = {
    "letter": LETTER,
    "val": st.column_config.NumberColumn("Validation", format=_PERCENT, help=VAL_HELP),
    "val_interval": st.column_config.TextColumn("95 % interval", help=_INTERVAL),
    "val_images": st.column_config.NumberColumn("Images", format="localized"),
    "val_clean": st.column_config.TextColumn("Validation, clean", help=CLEAN_HELP),
    "test": st.column_config.NumberColumn("Test", format=_PERCENT, help=TEST_HELP),
    "test_interval": st.column_config.TextColumn("95 % interval, test", help=_INTERVAL),
    "test_images": st.column_config.NumberColumn("Images, test", format="localized"),
    "test_clean": st.column_config.TextColumn("Test, clean", help=CLEAN_HELP),
    "looks": st.column_config.NumberColumn(
        "Test opened", help="How often the test split was evaluated. It should be once."
    ),
}


def show_accuracies(records: Mapping[str, RunRecord]) -> None:
    """Shows a row per run: validation, and test if it was opened, with intervals and images."""
    scored = {letter: record for letter, record in records.items() if record.predictions}
    if not scored:
        return
    st.subheader("Accuracy", anchor=False)
    rows = [_row(letter, record) for letter, record in scored.items()]
    st.dataframe(
        pd.DataFrame(rows, columns=list(_ACCURACIES)).dropna(axis="columns", how="all"),
        column_config=_ACCURACIES | ({} if len(records) > 1 else {"letter": None}),
        hide_index=True,
        placeholder="–",
        height="content" if len(rows) <= 20 else 400,
        key="accuracies",
    )
    for letter, record in scored.items():
        for split, answers in record.predictions.items():
            if said := answers.score.describe_seen():
                st.caption(f"{letter}, {SPLITS[split].lower()}: {said}")
    often = [letter for letter, record in scored.items() if record.test_openings > 1]
    if often:
        st.warning(
            f"The test split was opened more than once for {format_list(often)}. The score may be "
            "optimistic, since earlier looks may have influenced later choices.",
            icon=":material/visibility:",
        )
    if len(scored) > 1:
        accuracies = {
            letter: {split: answers.accuracy for split, answers in record.predictions.items()}
            for letter, record in scored.items()
        }
        st.plotly_chart(
            figures.interval_figure(accuracies),
            key="intervals",
            config={"displayModeBar": False},
        )


def _row(letter: str, record: RunRecord) -> dict[str, Any]:
    row: dict[str, Any] = {"letter": letter, "looks": record.test_openings or None}
    for split, answers in record.predictions.items():
        accuracy: Accuracy = answers.accuracy
        row[split] = 100 * accuracy.value
        row[f"{split}_interval"] = format_range(accuracy.low, accuracy.high)
        row[f"{split}_images"] = accuracy.total
        row[f"{split}_clean"] = str(answers.score.clean) if answers.score.clean else None
    return row
