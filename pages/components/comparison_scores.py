"""How well the chosen runs do, each with its interval, and groups of them over several seeds."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from fer_core import comparison, comparison_figures, significance
from fer_core.comparison import SPLIT_NAMES, RunRecord
from fer_core.evaluation import Accuracy
from fer_core.significance import Mean
from pages.components.comparison_records import LETTER
from pages.components.outcome import TEST_HELP, VAL_HELP
from pages.components.scores import CLEAN_HELP

_INTERVAL = "With 95 % confidence the accuracy on all such faces is within (Wilson's interval)."
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
        "Looks at test", help="How often the test split was evaluated; once is as it should be."
    ),
}
_GROUPS = {
    "runs": st.column_config.TextColumn("Runs", pinned=True),
    "split": st.column_config.TextColumn("Split"),
    "mean": st.column_config.NumberColumn("Mean accuracy", format=_PERCENT),
    "interval": st.column_config.TextColumn(
        "95 % interval of the mean",
        help="By Student's t from the spread between the seeds: where the mean of very many "
        "seeds would be.",
    ),
    "deviation": st.column_config.TextColumn(
        "Standard deviation", help="Of the single runs, in percentage points."
    ),
    "range": st.column_config.TextColumn("Lowest to highest"),
    "settings": st.column_config.TextColumn(
        "Settings", help="What these runs have in common, where the chosen runs differ."
    ),
}


def show_accuracies(records: Mapping[str, RunRecord]) -> None:
    """A row per run: validation, and test where it was opened, with intervals and images."""
    scored = {letter: record for letter, record in records.items() if record.answers}
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
    often = [letter for letter, record in scored.items() if record.test_looks > 1]
    if often:
        st.warning(
            f"The test split was looked at more than once with {_listed(often)}. A test that has "
            "had a chance to choose flatters.",
            icon=":material/visibility:",
        )
    if len(scored) > 1:
        accuracies = {
            letter: {split: answers.accuracy for split, answers in record.answers.items()}
            for letter, record in scored.items()
        }
        st.plotly_chart(
            comparison_figures.interval_figure(accuracies),
            key="intervals",
            config={"displayModeBar": False},
        )


def show_groups(records: Mapping[str, RunRecord]) -> None:
    """Mean, interval and spread of runs that differ in their seed alone."""
    groups = comparison.seed_groups(records)
    if not groups:
        return
    st.subheader("Over several seeds", anchor=False)
    st.caption(
        "Runs that differ in their seed alone: how much is luck, and what is left of it in the "
        "mean.",
        help="They came to their end on the same images and labels. Of one seed the first counts. "
        "Opening the test split, TensorBoard files and exact repeatability are no "
        "difference; the weights to start from are.",
    )
    differing = comparison.differing_settings(records)
    rows = [
        _group_row(group, split, significance.mean_accuracy(values))
        | {"settings": comparison.common_settings(differing, group)}
        for group in groups
        for split in SPLIT_NAMES
        if (values := _values(records, group, split))
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=list(_GROUPS)),
        column_config=_GROUPS,
        hide_index=True,
        key="groups",
    )


def _row(letter: str, record: RunRecord) -> dict[str, Any]:
    row: dict[str, Any] = {"letter": letter, "looks": record.test_looks or None}
    for split, answers in record.answers.items():
        accuracy: Accuracy = answers.accuracy
        row[split] = 100 * accuracy.value
        row[f"{split}_interval"] = _spoken_range(accuracy.low, accuracy.high)
        row[f"{split}_images"] = accuracy.total
        row[f"{split}_clean"] = str(answers.score.clean) if answers.score.clean else None
    return row


def _group_row(group: list[str], split: str, mean: Mean) -> dict[str, Any]:
    return {
        "runs": ", ".join(group),
        "split": SPLIT_NAMES[split],
        "mean": 100 * mean.value,
        "interval": _spoken_range(mean.low, mean.high),
        "deviation": f"{100 * mean.deviation:.1f}",
        "range": _spoken_range(mean.lowest, mean.highest),
    }


def _values(records: Mapping[str, RunRecord], group: list[str], split: str) -> list[float]:
    """The accuracies of the group; none where the split is not open with all of them."""
    answers = [records[letter].answers.get(split) for letter in group]
    found = [answer.accuracy.value for answer in answers if answer is not None]
    return found if len(found) == len(group) else []


def _spoken_range(low: float, high: float) -> str:
    return f"{low:.1%} to {high:.1%}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
