"""Submits, watches and shows cross-dataset evaluations."""

from functools import partial

import streamlit as st

from fer_core import evaluation
from fer_core.datasets import list_datasets
from fer_core.errors import FerError
from fer_core.evaluation import EVERYTHING, CrossDatasetEvaluation
from fer_core.runs import Run
from fer_core.tasks import Task
from pages.components.evaluate.report import show_averaged, show_evaluation
from pages.components.shared.access import writing
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import SPLITS, plain
from pages.components.shared.pickers import show_no_dataset
from pages.components.shared.predictions_cache import Subject, load_report
from pages.components.shared.task_progress import TaskLabels, show_task

_SPLITS = {EVERYTHING: "All images"} | SPLITS
_HELP = "Accuracy on images from another source than the training images."


def show_cross_dataset(run: Run) -> None:
    """Shows a form for a new evaluation, running ones, and the results."""
    _offer(run)
    _show_tasks(run)
    done = evaluation.list_evaluations(run)
    if not done:
        st.info(
            "Models often do worse on other datasets than on their own. Choose a dataset above to "
            "measure it.",
            icon=":material/public:",
        )
        return
    by_name = {f"{one.dataset}/{one.split}": one for one in done}
    chosen = st.selectbox(
        "Evaluated on",
        list(by_name),
        format_func=lambda name: _spoken(by_name[name]),
        key=f"elsewhere-{run.id}",
    )
    _show(run, by_name[chosen])


def _offer(run: Run) -> None:
    datasets = list_datasets()
    if not datasets:
        show_no_dataset()
        return
    names = [dataset.name for dataset in datasets]
    others = [name for name in names if name != run.config.dataset]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Dataset",
            [*others, *(name for name in names if name not in others)],
            width=260,
            key=f"other-data-{run.id}",
        )
        splits = _splits(run, name)
        split = st.selectbox(
            "Images", splits, format_func=_SPLITS.__getitem__, width=180, key=f"other-split-{name}"
        )
        tta = run.config.average_views and st.checkbox(
            "Test-time augmentation (10 views)",
            key=f"other-views-{run.id}",
            help="Also averages the predictions for ten shifted and mirrored views, as on the "
            "run's own data. Takes ten times as long.",
            width="content",
        )
        st.button(
            "Evaluate",
            type="primary",
            icon=":material/play_arrow:",
            on_click=run_or_toast,
            args=(partial(evaluation.submit_evaluation, run, name, split, tta=tta),),
            **writing(),
        )


def _splits(run: Run, name: str) -> list[str]:
    """Returns the splits to choose from; of the run's own dataset only the training split."""
    if name == run.config.dataset:
        return ["train"]
    try:
        there = list(open_cached(name).counts())
    except FerError as error:
        st.error(plain(str(error)))
        st.stop()
    return [*reversed(there), *([EVERYTHING] if len(there) > 1 else [])]


def _show_tasks(run: Run) -> None:
    """Shows the progress of active evaluations, and the error of the newest if it failed."""
    asked = evaluation.evaluations_of(run)
    for number, task in enumerate(asked):
        if number == 0 or task.state.is_active:
            show_task(task, _words(task))


def _words(task: Task) -> TaskLabels:
    asked = task.request.arguments if task.request else {}
    what = f"{asked.get('dataset', '')}, {_SPLITS.get(asked.get('split', ''), '')}"
    return TaskLabels(
        "Stop evaluating", f"**{plain(what)}** was not evaluated.", f"**{plain(what)}**."
    )


def _show(run: Run, one: CrossDatasetEvaluation) -> None:
    file = evaluation.predictions_file(run, one.dataset, one.split)
    subject = Subject(run, file, one.dataset, f"Accuracy on {plain(one.dataset)}")
    found = load_report(subject)
    if found is None:
        st.info("There are no predictions to show.")
        return
    st.caption(_remarks(run, one))
    show_averaged(evaluation.tta_file(run, one.dataset, one.split))
    show_evaluation(subject, found, _HELP)


def _remarks(run: Run, one: CrossDatasetEvaluation) -> str:
    """Returns remarks on how to read the scores."""
    said = [f"Evaluated on {one.time:%d %B %Y at %H:%M}."]
    if one.left_out:
        classes = ", ".join(f"{plain(name)} ({n:,})" for name, n in one.left_out.items())
        said.append(f"Left out, since the model lacks these classes: {classes}.")
    if one.missing:
        names = ", ".join(map(plain, one.missing))
        said.append(f"No images of: {names}. Predictions of these count as wrong.")
    if not one.leaks_known:
        said.append(
            "The training images are not on this machine, so leaked images cannot be detected."
        )
    if run.result and run.result.best_epoch != one.best_epoch:
        said.append("**The model has been trained further since then.**")
    return " ".join(said)


def _spoken(one: CrossDatasetEvaluation) -> str:
    return f"{one.dataset} · {_SPLITS[one.split]} · {one.images:,} images"
