"""Lists the experiments, each a row that opens."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fer_core import experiments
from fer_core.evaluation import Overview
from fer_core.experiments import FOLDS, Experiment, TrialSummary
from fer_core.tasks import TaskState, queue
from fer_core.text import counted
from pages.components.runs.experiments.details import show_details
from pages.components.runs.experiments.trials import choose_trials, setting_label
from pages.components.runs.report import offer_experiment_report
from pages.components.shared.access import writing
from pages.components.shared.confirmation import ask_before
from pages.components.shared.errors import run_or_report, run_or_toast
from pages.components.shared.formatting import STATE_COLORS, plain

_REFRESH_SECONDS = 3.0
_FIRST = 5  # experiments shown before the user asks for all
_ALL = "experiments-all"
_NAMED = 4  # settings in a name


def show_experiments() -> list[Overview]:
    """Shows the experiments, if there are any; returns the trials selected in those opened."""
    for damaged in experiments.unreadable_experiments():
        _show_damaged(damaged)
    every = experiments.list_experiments()
    if not every:
        return []
    st.subheader("Experiments", anchor=False)
    wanted = st.query_params.get("experiment", "")
    shown = every if len(every) <= _FIRST or st.session_state.get(_ALL) else every[:_FIRST]
    shown += [one for one in every if one.id == wanted and one not in shown]
    chosen = []
    for experiment in shown:
        chosen += _show(experiment, is_wanted=experiment.id == wanted)
    if len(shown) < len(every):
        st.toggle(f"All {len(every)} experiments", key=_ALL)
    return chosen


def _show(experiment: Experiment, *, is_wanted: bool) -> list[Overview]:
    found = experiments.summarize(experiment)
    # No expander: it closes when its label changes, which tells how far the experiment is.
    key = f"experiment-{experiment.id}"
    is_open = bool(st.session_state.setdefault(key, is_wanted))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_title(experiment, found), width="content")
            st.space("stretch")
            st.button(
                "Close" if is_open else "Open",
                icon=":material/expand_less:" if is_open else ":material/expand_more:",
                type="tertiary",
                key=f"open-{experiment.id}",
                on_click=_toggle,
                args=(key,),
            )
        if not is_open:
            return []
        _show_state(experiment, found)
        chosen = choose_trials(experiment, found)
        show_details(experiment, found)
        offer_experiment_report(experiment)
        _offer_deletion(experiment)
    return chosen


def _toggle(key: str) -> None:
    st.session_state[key] = not st.session_state.get(key)


def _title(experiment: Experiment, found: Sequence[TrialSummary]) -> str:
    plan, state = experiment.plan, experiment.state
    noun = "fold" if plan.kind == FOLDS else "trial"
    ended = sum(_has_ended(each) for each in found)
    parts = [
        f":{STATE_COLORS[state]}-badge[{state}] **{plain(format_experiment(experiment))}**",
        f"{ended} of {counted(plan.count, noun)}",
    ]
    return " · ".join([*parts, *_best(experiment, found)])


def _best(experiment: Experiment, found: Sequence[TrialSummary]) -> list[str]:
    """Says how accurate the best trial is, or all folds in the mean, if that is known."""
    known = [each.val_accuracy for each in found if each.val_accuracy is not None]
    if not known:
        return []
    if experiment.plan.kind == FOLDS:
        return [f"mean validation accuracy {sum(known) / len(known):.1%}"]
    return [f"best validation accuracy {max(known):.1%}"]


def format_experiment(experiment: Experiment) -> str:
    """Returns the title that the user gave, or else the kind, what varies, and the dataset."""
    plan = experiment.plan
    if plan.title:
        return plan.title
    kind = experiments.KINDS.get(plan.kind, plan.kind.capitalize())
    varied = [setting_label(name) for name in plan.varied][:_NAMED]
    return f"{kind} on {plan.base.dataset}: {', '.join(varied)}" if varied else kind


def _has_ended(found: TrialSummary) -> bool:
    if found.overview is None:
        return found.trial.is_deleted
    return not found.overview.state.is_active


def _show_state(experiment: Experiment, found: Sequence[TrialSummary]) -> None:
    """Shows what the experiment does, and a button to stop or resume it."""
    state = experiment.state
    if state is TaskState.FAILED:
        st.error(plain(experiment.error))
    active = state.is_active
    seen = [(each.overview.state, each.overview.epochs) for each in found if each.overview]
    if active:
        st.fragment(_watch, run_every=_REFRESH_SECONDS)(experiment, state, seen)
        _button("Stop the experiment", ":material/stop:", experiment, "stop")
    elif state is not TaskState.FINISHED:
        _button("Resume the experiment", ":material/play_arrow:", experiment, "resume")


def _offer_deletion(experiment: Experiment) -> None:
    """Shows buttons that delete the experiment, with its runs or without."""
    is_active = experiment.state.is_active
    with st.container(horizontal=True, vertical_alignment="center"):
        for with_runs, label in ((True, "Delete with its runs …"), (False, "Delete, keep runs …")):
            ask_before(
                partial(_delete, experiment, with_runs),
                partial(_question, experiment, with_runs),
                key=f"{experiment.id}-{with_runs}",
                label=label,
                asks_server=True,
                refusal="Stop the experiment first." if is_active else "",
            )


def _button(label: str, icon: str, experiment: Experiment, what: str) -> None:
    actions = {
        "stop": experiment.request_stop,
        "resume": partial(experiments.resume_experiment, experiment),
    }
    st.button(
        label,
        icon=icon,
        key=f"{what}-{experiment.id}",
        on_click=run_or_toast,
        args=(actions[what],),
        **writing(),
    )


def _watch(experiment: Experiment, state: TaskState, seen: list[tuple[TaskState, int]]) -> None:
    """Draws the page again when a trial has trained another epoch, or the state has changed."""
    queue.wake()  # in case the supervisor was killed
    found = experiments.summarize(experiment) if experiment.directory.exists() else []
    now = [(each.overview.state, each.overview.epochs) for each in found if each.overview]
    if now != seen or experiment.state is not state:
        st.rerun()
    progress = experiment.progress
    st.progress(progress.fraction if progress else 0.0, text="Trials that have ended")


def _question(experiment: Experiment, with_runs: bool) -> str:
    if not with_runs:
        return "Delete the experiment? Its runs stay as ordinary runs."
    runs = counted(len(experiment.runs), "run")
    return f"Delete the experiment and its {runs} with models, histories and predictions?"


def _delete(experiment: Experiment, with_runs: bool) -> None:
    run_or_report(partial(experiments.delete_experiment, experiment, with_runs=with_runs))


def _show_damaged(experiment: Experiment) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(plain(experiment.problem), icon=":material/folder_off:")
        ask_before(
            partial(_delete, experiment, with_runs=False),
            partial(_question, experiment, with_runs=False),
            key=experiment.id,
        )
