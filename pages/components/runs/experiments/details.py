"""Shows what an experiment has found: its best trial, its trials as lines, what matters."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fer_core import experiments
from fer_core.errors import FerError
from fer_core.experiments import FOLDS, LEAST_TRIALS, SEEDS, Experiment, Importance, TrialSummary
from fer_core.figures import Axis, importance_figure, parallel_figure
from fer_core.runs import open_run
from fer_core.tasks import Task, kinds, list_tasks
from pages.components.runs.experiments.folds import show_folds
from pages.components.runs.experiments.trials import setting_label, setting_value
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_run, plain
from pages.components.shared.live_plot import live_plot
from pages.components.shared.scores import show_accuracy
from pages.components.shared.task_progress import TaskLabels, show_task

_TEST = TaskLabels("Stop", "The test split was not opened.", "Opening the test split.")
_IMPORTANCE_HELP = (
    "Forests of trees learn the accuracy from the settings of resampled trials, and predict it for "
    "the others, with the values of one setting shuffled: the share of the variance of the "
    "accuracy that is lost. The bars are 90 % intervals over the resamples."
)


def show_details(experiment: Experiment, found: Sequence[TrialSummary]) -> None:
    """Shows the best trial and, of sweeps, all trials as lines and the importance of settings."""
    if experiment.plan.kind == FOLDS:
        show_folds(experiment)
        return
    scored = [each for each in found if each.val_accuracy is not None and each.settings]
    if not scored:
        return
    if experiment.plan.space:
        _show_best(experiment, list(found))
        _show_lines(experiment, scored)
        _show_importance(experiment, scored)  # which may take seconds


def _show_lines(experiment: Experiment, scored: Sequence[TrialSummary]) -> None:
    if len(scored) < 2:
        return
    space = experiment.plan.space
    axes = [
        Axis(
            setting_label(name),
            [_value(each.settings[name]) for each in scored],
            log=space[name].log or name.endswith("learning_rate"),
        )
        for name in space
    ]
    figure = parallel_figure(axes, [each.val_accuracy or 0.0 for each in scored])
    key = f"lines-{experiment.id}"
    st.markdown("**Trials**: a line each; drag along an axis to filter them")
    live_plot(figure.to_json(), key, figure.layout.height, "Parallel coordinates", tools=False)


def _value(value: object) -> object:
    return value if isinstance(value, bool) else setting_value(value)


def _show_importance(experiment: Experiment, scored: Sequence[TrialSummary]) -> None:
    st.markdown("**Importance of the settings**", help=_IMPORTANCE_HELP)
    if len(scored) < LEAST_TRIALS:
        st.caption(f"{LEAST_TRIALS} validated trials or more are needed. There are {len(scored)}.")
        return
    settings = [dict(each.settings) for each in scored]
    found = _importance(settings, [each.val_accuracy or 0.0 for each in scored])
    names = [setting_label(each.setting) for each in found]
    figure = importance_figure(found, names)
    key = f"importance-{experiment.id}"
    live_plot(figure.to_json(), key, figure.layout.height, "Importance", tools=False)
    unsure = [name for name, each in zip(names, found, strict=True) if each.low <= 0]
    if unsure:
        said = plain(", ".join(unsure))
        st.caption(f"{len(scored)} trials do not show that these matter: {said}.")


@st.cache_data(max_entries=32, show_spinner="Estimating the importance of the settings …")
def _importance(settings: list[dict[str, object]], accuracies: list[float]) -> list[Importance]:
    return experiments.importance(settings, accuracies)


def _show_best(experiment: Experiment, found: list[TrialSummary]) -> None:
    best = experiments.best_trial(found)
    if best is None or best.trial.run is None or experiment.plan.kind == SEEDS:
        return
    st.markdown(f"**Best trial**: {plain(format_run(best.trial.run))}")
    left, right = st.columns(2)
    with left:
        if best.overview is not None and best.overview.val is not None:
            accuracy = best.overview.val.accuracy
            show_accuracy("Validation accuracy", accuracy, "Of its best epoch.")
        above = experiments.optimism(found)
        if above is not None:
            st.caption(
                f"It is the best of {sum(each.val_accuracy is not None for each in found)}, and "
                f"therefore too high: by up to about {100 * above:.1f} points if all trials are "
                "equally good. The test split gives an unbiased accuracy."
            )
    with right:
        _show_test(experiment)


def _show_test(experiment: Experiment) -> None:
    """Offers to open the test split of the best trial, once for the experiment, or shows it."""
    try:
        chosen = experiments.test_choice(experiment)
        run = open_run(chosen) if chosen else None
    except FerError as error:
        st.warning(plain(str(error)))
        return
    test = next((one for one in experiments.summarize(experiment) if one.trial.run == run), None)
    score = test.overview.test if test and test.overview else None
    if run is not None and score is not None:
        show_accuracy("Test accuracy", score.accuracy, f"Of {plain(format_run(run))}.")
        st.caption("Opened once for this experiment, for the trial that was the best then.")
        return
    task = _opening(chosen)
    if task is not None and show_task(task, _TEST):
        return
    st.button(
        "Open the test split of the best trial",
        icon=":material/lock_open:",
        key=f"open-test-{experiment.id}",
        on_click=run_or_toast,
        args=(partial(experiments.open_test, experiment),),
        **writing(
            disabled=experiment.state.is_active,
            help="Once for the experiment: afterwards no other trial can be chosen by its test "
            "score. Available when the experiment has ended.",
        ),
    )


def _opening(run_id: str) -> Task | None:
    """Returns the newest task that opens this run's test split."""
    asked = list_tasks(kinds.OPEN_TEST) if run_id else []
    mine = [task for task in asked if task.request and task.request.arguments["run"] == run_id]
    return mine[0] if mine else None
