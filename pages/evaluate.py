"""Which expressions a run confuses: on validation, and on the test split once it is opened."""

import streamlit as st

from fer_core import evaluation, model_card, runs, submission, tasks
from fer_core.runs import Run
from fer_core.tasks import Task, TaskState
from pages.components.outcome import TEST_HELP, VAL_HELP
from pages.components.pickers import pick_run
from pages.components.refusals import try_to
from pages.components.scores import show_accuracy, show_confusion, show_report

SPLITS = {"val": "Validation", "test": "Test"}


def show_scores(run: Run, split: str) -> None:
    """Accuracy, confusion matrix and scores per class of an evaluated split."""
    predictions = run.predictions(split)
    if predictions is None:
        st.info("The predictions of this split are not there yet. They come with the first epoch.")
        st.stop()
    explanation = TEST_HELP if split == "test" else VAL_HELP
    show_accuracy(f"{SPLITS[split]} accuracy", predictions, explanation)
    averaged = run.predictions(split, averaged=True)
    if averaged is not None:
        st.caption(f"With ten views of each image averaged: {evaluation.accuracy(averaged)}.")
    confusion, classes = st.columns([6, 5], gap="large")
    with confusion:
        st.subheader("Confusion matrix", anchor=False)
        show_confusion(predictions, run.class_names, key=f"confusion-{split}")
    with classes:
        st.subheader("Scores per expression", anchor=False)
        show_report(predictions, run.class_names)
        st.download_button(
            "Download predictions",
            predictions.to_csv(index=False),
            file_name=f"{run.id}-{split}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def show_card(run: Run) -> None:
    """What a network that ships with the program is, and what it must not be used for."""
    card = model_card.read_card(run)
    if card:
        with st.expander("Model card", icon=":material/badge:"):
            st.markdown(card)


def opening(run: Run) -> Task | None:
    """The newest task that opens this run's test split."""
    asked = tasks.list_tasks("open_test")
    mine = [task for task in asked if task.request and task.request.arguments["run"] == run.id]
    return mine[0] if mine else None


def offer_test(run: Run) -> None:
    """Explains the seal, and opens it on request."""
    task = opening(run)
    if task is not None and task.state.is_active:
        st.fragment(watch_opening, run_every=1.0)(task)
        return
    st.info(
        "**The test split is sealed.** It measures how well the network does on faces that had no "
        "part in any choice: not in training, not in choosing the epoch, not in choosing between "
        "settings. That holds only if you look once, at the end. Opening it is recorded with the "
        "run.",
        icon=":material/lock:",
    )
    if task is not None and task.state in (TaskState.FAILED, TaskState.INTERRUPTED):
        st.error(task.error or task.interruption)
    finished = run.state is TaskState.FINISHED
    st.button(
        "Open the test split",
        type="primary",
        icon=":material/lock_open:",
        on_click=try_to,
        args=(lambda: submission.open_test_task(run),),
        disabled=not finished,
        help=None if finished else "It can be opened when the run has finished.",
    )


def watch_opening(task: Task) -> None:
    """How far the evaluation is; the page is shown anew when it has ended."""
    if not task.state.is_active:
        st.rerun()
    progress = task.progress
    waits = "Waiting for its turn …" if progress is None else progress.message
    st.progress(progress.fraction if progress else 0.0, text=f"Opening the test split. {waits}")


st.title("Evaluate")
st.caption("See which expressions a network confuses, and how sure that is.")

run = pick_run("Run", [run for run in runs.list_runs() if run.model_file])
show_card(run)
split = "val"
if run.has_test:
    split = st.segmented_control(
        "Split", list(SPLITS), format_func=SPLITS.__getitem__, default="val", required=True
    )
if split == "test" and run.test_opened is None:
    offer_test(run)
    st.stop()
if split == "test":
    st.caption(f"Opened on {run.test_opened:%d %B %Y at %H:%M}.")
try:
    show_scores(run, split)
except ValueError as error:
    st.error(str(error))
