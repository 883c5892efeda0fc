"""Tests whether two of the selected runs differ significantly on the same images."""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd
import streamlit as st

from fer_core import evaluation
from fer_core.evaluation import LEVEL, SPLIT_NAMES, PairedTest, RunRecord
from pages.components.runs.comparison_records import called

_NO_DIFFERENCE = "No significant difference"
_PAIRS = {
    "first": st.column_config.TextColumn("One", pinned=True),
    "second": st.column_config.TextColumn("Other", pinned=True),
    "shared": st.column_config.NumberColumn("Images", format="localized"),
    "only_first": st.column_config.NumberColumn("Only one right", format="localized"),
    "only_second": st.column_config.NumberColumn("Only other right", format="localized"),
    "p_value": st.column_config.NumberColumn("p", format="%.4f"),
    "corrected": st.column_config.NumberColumn(
        "p, all pairs", format="%.4f", help="Corrected for as many tests as there are pairs (Holm)."
    ),
}


@st.fragment  # changing the pair does not rerun the page
def show_pairs(names: Mapping[str, str], records: Mapping[str, RunRecord]) -> None:
    """Shows the exact McNemar test of two runs, chosen by the user if there are more."""
    evaluated = {
        letter: record for letter, record in records.items() if "val" in record.predictions
    }
    if len(evaluated) < 2:
        return
    st.subheader("Significance test", anchor=False)
    first, second = _pick_two({letter: called(names, letter) for letter in evaluated})
    split = _pick_split(evaluated[first], evaluated[second])
    answers = {
        letter: record.predictions[split]
        for letter, record in evaluated.items()
        if split in record.predictions
    }
    tests = evaluation.paired_tests({letter: one.correct for letter, one in answers.items()})
    found = next((test for test in tests if {test.first, test.second} == {first, second}), None)
    if found is None:
        st.info(f"{first} and {second} have no images in common, so they cannot be compared.")
        return
    totals = {letter: one.accuracy.total for letter, one in answers.items()}
    st.markdown(_sentence(found, split))
    st.caption(" ".join(_notes(found, tests, totals)))
    if len(tests) > 1:
        with st.expander(f"All {len(tests)} pairs"):
            table = pd.DataFrame([asdict(test) for test in tests], columns=list(_PAIRS))
            st.dataframe(table, column_config=_PAIRS, hide_index=True, key="pairs")


def _pick_two(options: Mapping[str, str]) -> tuple[str, str]:
    letters = list(options)
    if len(letters) == 2:
        return letters[0], letters[1]
    one, other = st.columns(2)
    # Letters depend on the selection, so another selection resets the pair.
    key = hash(tuple(options.items()))
    first = one.selectbox("One", letters, format_func=options.__getitem__, key=f"one-{key}")
    others = [letter for letter in letters if letter != first]
    second = other.selectbox("Other", others, format_func=options.__getitem__, key=f"other-{key}")
    return first, second


def _pick_split(first: RunRecord, second: RunRecord) -> str:
    if not ("test" in first.predictions and "test" in second.predictions):
        return "val"
    return st.segmented_control(
        "Images of",
        list(SPLIT_NAMES),
        format_func=SPLIT_NAMES.__getitem__,
        default="val",
        required=True,
        key="pair-split",
    )


def _sentence(test: PairedTest, split: str) -> str:
    first, second = test.first, test.second
    better = first if test.only_first > test.only_second else second
    verdict = f"{better} is significantly better" if test.is_significant else _NO_DIFFERENCE
    images = "image was" if test.only_first == 1 else "images were"
    return (
        f"Of the **{test.shared:,}** {SPLIT_NAMES[split].lower()} images in common, "
        f"**{test.only_first:,}** {images} predicted correctly only by **{first}** and "
        f"**{test.only_second:,}** only by **{second}**. **{verdict}**: {_spoken_p(test.p_value)} "
        "(exact McNemar test)."
    )


def _notes(test: PairedTest, tests: list[PairedTest], totals: Mapping[str, int]) -> list[str]:
    """Returns sentences on the limits of the test."""
    notes = ["The test compares two models; to compare their settings, train several seeds."]
    alone = {letter: totals[letter] - test.shared for letter in (test.first, test.second)}
    if any(alone.values()):
        parts = " and ".join(f"{images:,} of {letter}" for letter, images in alone.items())
        notes.append(
            f"Left out: {parts}, which the other was not evaluated on, or with another label."
        )
    if len(tests) > 1:
        notes.append(
            f"There are {len(tests)} pairs of selected runs, and one of 20 pairs of equal models "
            f"falls below {LEVEL:g} by chance. If you picked this pair from them, use "
            f"{_spoken_p(test.corrected)} (Holm's correction)."
        )
    return notes


def _spoken_p(p_value: float) -> str:
    """Formats a p-value: "p = 0.031" or "p < 0.001"."""
    words = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3g}"
    return words.replace(" ", "\N{NO-BREAK SPACE}")
