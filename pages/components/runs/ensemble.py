"""Combines the selected runs into an ensemble, and shows what each member adds to one."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from fer_core import ensembles
from fer_core.datasets import list_datasets
from fer_core.ensembles import EQUAL, FITTED
from fer_core.errors import FerError
from fer_core.evaluation import LEVEL, Accuracy, score_of
from fer_core.runs import EnsembleRecord, Run, list_runs
from fer_core.tasks import Task
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_report
from pages.components.shared.formatting import format_run, plain
from pages.components.shared.task_progress import TaskLabels, show_task

_OPEN = "ensemble"
_NAME, _WEIGHTS, _VIEWS = "ensemble-name", "ensemble-weights", "ensemble-views"
_DATASET = "ensemble-dataset"
_WEIGHTINGS = {EQUAL: "Equal", FITTED: "Fitted on the validation split"}
_WEIGHTS_HELP = (
    "Fitted weights maximize the likelihood of the validation labels, so the validation accuracy "
    "is slightly optimistic. With members of similar accuracy, equal weights are as good."
)
_COLUMNS = {
    "member": st.column_config.TextColumn("Member", pinned=True),
    "weight": st.column_config.NumberColumn("Weight", format="%.1f%%"),
    "alone": st.column_config.NumberColumn(
        "Alone", format="%.1f%%", help="Accuracy of this member on the validation split."
    ),
    "without": st.column_config.NumberColumn(
        "Without it", format="%.1f%%", help="Accuracy of the other members together."
    ),
    "gain": st.column_config.NumberColumn(
        "Adds", format="%+.1f points", help="Accuracy of the ensemble, minus that without it."
    ),
    "only_with": st.column_config.NumberColumn(
        "Right only with it", format="localized", help="Images."
    ),
    "only_without": st.column_config.NumberColumn(
        "Right only without it", format="localized", help="Images."
    ),
    "p_value": st.column_config.NumberColumn(
        "p", format="%.4f", help="Exact McNemar test of the ensemble with and without the member."
    ),
    "temperature": st.column_config.NumberColumn("Temperature", format="%.2f"),
    "size": st.column_config.TextColumn("Input", help="Height × width × channels."),
    "dataset": st.column_config.TextColumn("Dataset"),
}


def offer_ensemble(runs: Sequence[Run]) -> None:
    """Shows a button that opens a form to combine the selected runs."""
    popover = st.popover(
        "Combine into an ensemble …", icon=":material/join_inner:", key=_OPEN, on_change="rerun"
    )
    if not popover.open:
        return
    with popover:
        st.markdown(
            "Averages the calibrated probabilities of the models. The ensemble is a run with "
            "copies of the models, and can be used like any other; predicting a face takes as "
            "long as with all of them together."
        )
        problem = _problem(runs)
        if problem:
            st.warning(plain(problem), icon=":material/block:")
        _show_form(runs, is_possible=not problem)


def _show_form(runs: Sequence[Run], *, is_possible: bool) -> None:
    with st.form("ensemble-form", border=False):
        st.text_input("Name of the ensemble", placeholder=f"Ensemble of {len(runs)}", key=_NAME)
        st.radio(
            "Weights",
            list(_WEIGHTINGS),
            format_func=_WEIGHTINGS.__getitem__,
            key=_WEIGHTS,
            help=_WEIGHTS_HELP,
        )
        st.selectbox(
            "Validation images",
            ["", *(dataset.name for dataset in list_datasets())],
            format_func=lambda name: name or "Those of the members",
            key=_DATASET,
            help="Fit and score the ensemble on the validation split of another dataset, where "
            "that of the members is not on this machine, or when they were imported.",
        )
        st.checkbox(
            "Also evaluate with TTA (10 views)",
            key=_VIEWS,
            help="Needed to choose a threshold for test-time augmentation. Takes ten times as "
            "long.",
        )
        st.form_submit_button(
            "Combine",
            type="primary",
            on_click=_submit,
            args=(runs,),
            **writing(disabled=not is_possible),
        )


def _problem(runs: Sequence[Run]) -> str:
    try:
        ensembles.check_members(runs)
    except FerError as error:
        return str(error)
    return ""


def _submit(runs: Sequence[Run]) -> None:
    state = st.session_state
    name, weighting, tta = state[_NAME], state[_WEIGHTS], bool(state[_VIEWS])
    submit = partial(
        ensembles.submit_ensemble,
        runs,
        name,
        weighting=weighting,
        tta=tta,
        dataset=state[_DATASET],
    )
    if run_or_report(submit):
        state[_NAME], state[_OPEN] = "", False


def show_progress() -> None:
    """Shows the ensembles that are being made, and those that could not be."""
    for task in ensembles.ensembles_in_progress():
        name = _name(task)
        labels = TaskLabels(
            "Stop",
            f"**{name}** was not created.",
            f"**{name}**.",
            f"**{name}** was stopped, and nothing was kept.",
        )
        show_task(task, labels, finished=partial(_announce, name), stays=False)


def _name(task: Task) -> str:
    return plain(task.request.arguments["name"] if task.request else task.id)


def _announce(name: str) -> None:
    st.toast(f"{name} is ready.", icon=":material/check:")


def show_members(run: Run) -> None:
    """Shows what each member of an ensemble adds; nothing for any other run."""
    ensemble = run.ensemble
    if ensemble is None:
        return
    st.markdown("**Ensemble: what each member adds on validation**")
    if ensemble.remark:
        st.warning(plain(ensemble.remark), icon=":material/warning:")
    st.dataframe(
        pd.DataFrame(_rows(ensemble), columns=list(_COLUMNS)),
        column_config=_COLUMNS,
        hide_index=True,
        height="content",
        key=f"members-{run.id}",
    )
    st.caption(" ".join(_notes(run, ensemble)))


def _rows(ensemble: EnsembleRecord) -> list[dict[str, object]]:
    percent, known = 100 / ensemble.images, {run.id: format_run(run) for run in list_runs()}
    return [
        {
            "member": known.get(member.run, member.name),  # it may have been deleted
            "weight": 100 * member.weight,
            "alone": percent * member.correct,
            "without": percent * member.correct_without,
            "gain": percent * (ensemble.correct - member.correct_without),
            "only_with": member.only_with,
            "only_without": member.only_without,
            "p_value": member.p_value,
            "temperature": member.temperature,
            "size": "×".join(map(str, (*member.image_size, member.channels))),
            "dataset": member.dataset,
        }
        for member in ensemble.members
    ]


def _notes(run: Run, ensemble: EnsembleRecord) -> list[str]:
    score = score_of(run.predictions_file("val"))
    accuracy = Accuracy.of(ensemble.correct, ensemble.images)
    fitted = "Weights, temperature" if ensemble.weighting == FITTED else "Temperature"
    adding = sum(
        member.p_value < LEVEL and member.only_with > member.only_without
        for member in ensemble.members
    )
    return [
        f"Together: {accuracy}. {fitted} and threshold were fitted on the same images.",
        *filter(None, [score.describe_seen() if score else ""]),
        f"{adding} of {len(ensemble.members)} members improve the ensemble by more than chance (p "
        f"< {LEVEL}).",
        f"A face takes {ensemble.milliseconds:.1f} ms on the machine that created the ensemble.",
    ]
