"""What came of a run that has ended."""

from datetime import timedelta
from functools import partial

import pandas as pd
import streamlit as st

from fer_core import evaluation
from fer_core.runs import EARLY_STOPPED, STOPPED, Result, Run, resume_run
from fer_core.storage import paths
from fer_core.tasks import NEVER_STARTED, TaskState
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_duration, plain
from pages.components.shared.scores import (
    TEST_HELP,
    VAL_HELP,
    show_accuracy,
    show_confusion,
    show_report,
)
from pages.components.train.continuing import offer_more_epochs


def show_end(run: Run) -> None:
    """How it ended, in a sentence, and the way on where it ended too early."""
    state = run.state
    if state is TaskState.FAILED:
        st.error(run.error)
    elif state is TaskState.INTERRUPTED:
        st.warning(f"{run.interruption} {_spoken_progress(run)}")
    elif state is TaskState.CANCELLED:
        st.info(NEVER_STARTED)
    elif run.result is not None:
        st.success(_sentence(run.result, run.duration), icon=":material/check:")
        if run.result.remark:
            st.warning(plain(run.result.remark))
        offer_more_epochs(run, run.result)
    if state in (TaskState.FAILED, TaskState.INTERRUPTED, TaskState.CANCELLED):
        st.button(
            "Resume training",
            icon=":material/play_arrow:",
            on_click=run_or_toast,
            args=(partial(resume_run, run),),
            help="Goes on from the last whole epoch.",
            key=f"resume-{run.id}",
        )


def show_scores(run: Run) -> None:
    """Its scores on validation, and the accuracy on test where that was opened."""
    try:
        predictions = run.predictions("val")
        if predictions is not None:
            _show_scores(run, predictions)
    except ValueError as error:
        st.error(str(error))


def _show_scores(run: Run, predictions: pd.DataFrame) -> None:
    val, test = st.columns(2)
    with val:
        _show_accuracy("Validation accuracy", predictions, VAL_HELP)
    with test:
        _show_test(run)
    confusion, classes = st.columns(2, gap="large")
    with confusion:
        st.markdown("**Confusion on validation**")
        matrix = evaluation.confusion(predictions, run.class_names)
        show_confusion(matrix, run.class_names, key=f"confusion-{run.id}")
    with classes:
        st.markdown("**Accuracy per class on validation**")
        show_report(predictions, run.class_names)


def _show_accuracy(label: str, predictions: pd.DataFrame, explanation: str) -> None:
    """The accuracy, and below it what it is without leaked images."""
    score = evaluation.score(predictions)
    show_accuracy(label, score.accuracy, explanation)
    if score.clean is not None:
        st.caption(
            f"Without the {score.leaked:,} that are among the training images too: {score.clean}."
        )


def _sentence(result: Result, duration: timedelta | None) -> str:
    if result.best_epoch is None:
        return "Stopped within the first epoch; the network is kept as it was then."
    verb = {
        STOPPED: "Stopped",
        EARLY_STOPPED: "Stopped early, for want of a better validation accuracy,",
    }.get(result.reason, "Completed")
    time = f" in {format_duration(duration)}" if duration else ""
    epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
    return f"{verb} after {epochs}{time}; the best was epoch {result.best_epoch + 1}."


def _spoken_progress(run: Run) -> str:
    done = len(run.history)
    return f"{done} of {run.goal.epochs} epochs {'is' if done == 1 else 'are'} done."


def _show_test(run: Run) -> None:
    predictions, looks = run.predictions("test") if run.test_opened else None, len(run.test_looks)
    if predictions is not None:
        again = f"Opened {looks} times: it has had a part in choosing." if looks > 1 else ""
        _show_accuracy("Test accuracy", predictions, again or TEST_HELP)
        if again:
            st.caption(again)
    elif run.has_test:
        st.metric("Test accuracy", "sealed", help="It is evaluated once, on the Evaluate page.")
        if looks:
            st.caption("It was opened before the run was continued; opening it again is noted.")
        st.page_link(
            "pages/evaluate.py",
            label="Open it on the Evaluate page",
            icon=":material/lock_open:",
            query_params={"run": run.id},
        )
    else:
        st.metric("Test accuracy", "–", help="The data set has no test split.")


def show_tensorboard(run: Run) -> None:
    """How to look at the run in TensorBoard, where it writes files for that."""
    if run.config.tensorboard:
        st.caption(f'In TensorBoard: `tensorboard --logdir "{paths.runs_root()}"`')
