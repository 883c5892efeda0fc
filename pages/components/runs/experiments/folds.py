"""Shows what a cross-validation has found: pooled scores, folds, and a test against another."""

from collections.abc import Sequence
from math import isnan
from typing import Any

import pandas as pd
import streamlit as st

from fer_core import evaluation, experiments
from fer_core.datasets import UNITS
from fer_core.errors import FerError
from fer_core.evaluation import LEVEL, Interval
from fer_core.experiments import FOLDS, Experiment, FoldComparison, FoldResult, FoldResults
from fer_core.storage import export_csv
from fer_core.text import some
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import file_name, format_range, plain
from pages.components.shared.scores import show_confusion, show_report

_RECALL_HELP = "The mean of the classes' recall: rare expressions count as much as others."
_F1_HELP = "The mean of the classes' F1, the harmonic mean of precision and recall."
_FEW = 6  # names in a cell
_OTHER = "Compare with"


def show_folds(experiment: Experiment) -> None:
    """Shows the results of the folds that have finished."""
    try:
        results = experiments.fold_results(experiment)
        if not results.done:
            st.caption("Scores are pooled as soon as the first fold has finished.")
            return
        _show_pooled(results)
        _show_table(results)
        _show_comparison(results)
    except FerError as error:
        st.error(plain(str(error)))


def _show_pooled(results: FoldResults) -> None:
    scores, (one, several) = results.scores, UNITS[results.unit]
    metrics = (
        ("Accuracy", scores.accuracy, "Share of correct predictions, all folds together."),
        ("Macro recall", scores.recall, _RECALL_HELP),
        ("Macro F1", scores.f1, _F1_HELP),
        (f"Mean over {several}", scores.mean, f"The mean of the accuracies: each {one} counts."),
    )
    for column, (label, interval, explanation) in zip(st.columns(4), metrics, strict=True):
        with column:
            _show_interval(label, interval, f"95 %, {scores.clusters:,} {several}", explanation)
    for note in results.describe():
        st.caption(plain(note))
    confusion, classes = st.columns(2, gap="large")
    key = f"folds-{results.experiment.id}"
    with confusion:
        st.markdown("**Confusion matrix, pooled**")
        matrix = evaluation.confusion(results.pooled, results.class_names)
        show_confusion(matrix, results.class_names, key=f"{key}-confusion")
    with classes:
        st.markdown("**Scores per class, pooled**")
        show_report(results.pooled, results.class_names)
        offer_download(
            "Download pooled predictions",
            lambda: export_csv(results.pooled),
            file_name(results.experiment.id, ".csv"),
            "text/csv",
            key=f"{key}-predictions",
        )


def _show_interval(label: str, interval: Interval, of: str, explanation: str) -> None:
    has_interval = not isnan(interval.low)
    st.metric(
        label,
        f"{interval.value:.1%}",
        delta=f"{interval.low:.1%} to {interval.high:.1%}" if has_interval else None,
        delta_color="off",
        delta_arrow="off",
        delta_description=of,
        help=explanation,
    )


def _show_table(results: FoldResults) -> None:
    _, several = UNITS[results.unit]
    st.markdown("**Folds**")
    st.dataframe(
        pd.DataFrame([_row(fold, results.class_names) for fold in results.folds]),
        column_config={
            "fold": st.column_config.NumberColumn("Fold", pinned=True, width=60),
            "units": st.column_config.NumberColumn(several.capitalize(), format="localized"),
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "accuracy": st.column_config.NumberColumn("Accuracy", format="%.1f%%"),
            "interval": st.column_config.TextColumn(
                "95 % over images", help="Wilson's interval, as if all images were independent."
            ),
            "recall": st.column_config.NumberColumn("Recall", format="%.1f%%", help=_RECALL_HELP),
            "f1": st.column_config.NumberColumn("F1", format="%.1f%%", help=_F1_HELP),
            "names": st.column_config.TextColumn("Validated on", width="medium"),
        },
        column_order=_columns(results),
        hide_index=True,
        height="content" if len(results.folds) <= 12 else 420,
        key=f"folds-table-{results.experiment.id}",
        placeholder="–",
    )


def _columns(results: FoldResults) -> list[str]:
    """Returns the columns to show: images have no names that say something."""
    names = ["fold", "units", "images", "accuracy", "interval", "recall", "f1"]
    return [*names, "names"] if results.unit in ("subject", "group") else names


def _row(fold: FoldResult, class_names: Sequence[str]) -> dict[str, Any]:
    found, macro = fold.accuracy, fold.macro(class_names)
    if found is None or macro is None:
        return {"fold": fold.number}
    return {
        "fold": fold.number,
        "units": len(fold.units),
        "images": found.total,
        "accuracy": 100 * found.value,
        "interval": format_range(found.low, found.high),
        "recall": 100 * macro[0],
        "f1": 100 * macro[1],
        "names": some(fold.units, _FEW),
    }


def _show_comparison(results: FoldResults) -> None:
    """Shows tests against another cross-validation of the dataset, chosen by the user."""
    plan, others = results.experiment.plan, {}
    for one in experiments.list_experiments():
        is_alike = one.plan.kind == FOLDS and one.plan.base.dataset == plan.base.dataset
        if is_alike and one != results.experiment:
            others[one.id] = one
    if not others:
        return
    key = f"folds-other-{results.experiment.id}"
    if st.session_state.get(key) not in others:  # it was deleted
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        _OTHER,
        list(others),
        index=None,
        format_func=lambda name: f"{others[name].title} · {name}" if name in others else name,
        placeholder="Another cross-validation on the same folds",
        key=key,
    )
    if chosen:
        other = experiments.fold_results(others[chosen])
        st.markdown("\n".join(_sentences(experiments.compare_folds(results, other), results)))


def _sentences(found: FoldComparison, results: FoldResults) -> list[str]:
    _, several = UNITS[results.unit]
    gap, test = found.difference, found.t_test
    over = (
        "no interval" if isnan(gap.low) else f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f}, 95 %"
    )
    said = [
        f"- Difference in accuracy, this minus the other: **{100 * gap.value:+.1f} points** "
        f"({over} over {several}), on {found.images:,} images.",
        f"- McNemar's exact test: only this one was right on **{found.only_first:,}** images, only "
        f"the other on **{found.only_second:,}**; {_spoken_p(found.mcnemar)}. It takes images for "
        "independent.",
    ]
    if test is not None:
        verdict = "a significant difference" if test.is_significant else "no significant difference"
        said.append(
            f"- Corrected resampled t-test over {test.folds} folds (Nadeau and Bengio, 2003): "
            f"t = {test.t:.2f}, {_spoken_p(test.p_value)}: **{verdict}** at {LEVEL:g}."
        )
    return said


def _spoken_p(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3g}"
