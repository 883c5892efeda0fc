"""Shows the curves of the selected runs in one figure."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from fer_core import evaluation, figures
from fer_core.evaluation import AXES, RunRecord
from pages.components.runs.comparison_records import called


@st.fragment  # changing the metric does not rerun the page
def show_curves(names: Mapping[str, str], records: Mapping[str, RunRecord]) -> None:
    """Shows a metric over epochs, steps or time, optionally with seeds averaged."""
    drawn = {letter: record for letter, record in records.items() if len(record.curves)}
    if not drawn:
        st.caption("Curves appear after the first epoch.")
        return
    st.subheader("Curves", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = _pick("Metric", figures.METRICS, "val_accuracy", key="comparison-metric")
        axis = _pick("x-axis", AXES, "epochs", key="comparison-axis")
        groups = evaluation.seed_groups(drawn)
        grouped = groups and st.toggle("Average seeds", key="comparison-grouped", help=_BAND)
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
    "Draws runs that differ only in their seed as their mean, with a band from the minimum to the "
    "maximum."
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
    """Returns the curves by their name in the legend; groups of runs come first."""
    named = {}
    for group in groups:
        members = [letter for letter in group if letter in curves]
        if len(members) > 1:
            mean = evaluation.mean_curve([curves[letter] for letter in members], metric)
            named[f"{', '.join(members)} · mean of {len(members)} seeds"] = mean
            curves = {letter: curve for letter, curve in curves.items() if letter not in members}
    return named | {called(names, letter): curve for letter, curve in curves.items()}
