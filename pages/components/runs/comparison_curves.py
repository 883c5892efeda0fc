"""The curves of the chosen runs in one figure."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from fer_core import evaluation, figures
from fer_core.evaluation import AXES, RunRecord
from pages.components.runs.comparison_records import called


@st.fragment  # another metric does not read the table of runs anew
def show_curves(names: Mapping[str, str], records: Mapping[str, RunRecord]) -> None:
    """A chosen metric over epochs, steps or time; runs that differ in their seed as one band."""
    drawn = {letter: record for letter, record in records.items() if len(record.curves)}
    if not drawn:
        st.caption("No epoch is done yet, so there are no curves.")
        return
    st.subheader("Curves", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = _pick("Of", figures.METRICS, "val_accuracy", key="comparison-metric")
        axis = _pick("Over", AXES, "epochs", key="comparison-axis")
        groups = evaluation.seed_groups(drawn)
        grouped = groups and st.toggle("Seeds as one band", key="comparison-grouped", help=_BAND)
    curves = {letter: record.curves for letter, record in drawn.items()}
    missing = [letter for letter, curve in curves.items() if not _has(curve, metric, axis)]
    curves = {letter: curve for letter, curve in curves.items() if letter not in missing}
    if missing:
        what = f"{figures.METRICS[metric].lower()} over {AXES[axis].lower()}"
        st.caption(f"Without {what}: {', '.join(missing)}.")
    if curves:
        named = _named(names, curves, groups if grouped else [], metric)
        st.plotly_chart(figures.compare_figure(named, metric, axis), key="curves")


_BAND = (
    "Runs that differ in their seed alone are drawn as their mean, with a band from the lowest to "
    "the highest of them."
)


def _pick(label: str, options: Mapping[str, str], default: str, key: str) -> str:
    return st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        default=default,
        required=True,
        key=key,
    )


def _has(curve: pd.DataFrame, metric: str, axis: str) -> bool:
    return metric in curve and bool(curve[[metric, axis]].notna().to_numpy().any(axis=0).all())


def _named(
    names: Mapping[str, str],
    curves: Mapping[str, pd.DataFrame],
    groups: list[list[str]],
    metric: str,
) -> dict[str, pd.DataFrame]:
    """The curves by what the legend calls them; a group of runs is one, before the others."""
    named = {}
    for group in groups:
        members = [letter for letter in group if letter in curves]
        if len(members) > 1:
            mean = evaluation.mean_curve([curves[letter] for letter in members], metric)
            named[f"{', '.join(members)} · mean of {len(members)} seeds"] = mean
            curves = {letter: curve for letter, curve in curves.items() if letter not in members}
    return named | {called(names, letter): curve for letter, curve in curves.items()}
