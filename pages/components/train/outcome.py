"""Shows how a run ended, its scores, and forms to resume or continue it."""

from datetime import timedelta
from functools import partial

import pandas as pd
import streamlit as st

from fer_core import access, evaluation
from fer_core.errors import FerError
from fer_core.runs import (
    CUT_SHORT,
    EARLY_STOPPED,
    LARGEST_EPOCHS,
    MODEL_IMPORTED,
    PRUNED,
    STOPPED,
    Result,
    Run,
    continue_run,
    resume_run,
    second_look,
)
from fer_core.storage import paths
from fer_core.tasks import NEVER_STARTED, TaskState
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import code, format_duration, plain
from pages.components.shared.scores import (
    REPORT_HELP,
    TEST_HELP,
    VAL_HELP,
    show_accuracy,
    show_confusion,
    show_report,
    show_seen,
)

DEFAULT_MORE_EPOCHS = 10
_CONTINUE_HELP = (
    "Continues the same curves with the same optimizer and random state, as if training had not "
    "ended."
)


def show_end(run: Run) -> None:
    """Shows how the run ended and, if it can be, a way to resume or continue it."""
    state = run.state
    if state is TaskState.FAILED:
        st.error(plain(run.error))
    elif state is TaskState.INTERRUPTED:
        st.warning(f"{plain(run.interruption)} {_epochs_done(run)}")
    elif state is TaskState.CANCELLED:
        st.info(NEVER_STARTED)
    elif run.result is not None:
        st.success(_describe_end(run.result, run.duration), icon=":material/check:")
        if run.result.remark:
            st.warning(plain(run.result.remark))
        show_continue_form(run, run.result)
    if state in (TaskState.FAILED, TaskState.INTERRUPTED, TaskState.CANCELLED):
        st.button(
            "Resume training",
            icon=":material/play_arrow:",
            on_click=run_or_toast,
            args=(partial(resume_run, run),),
            **writing(help="Resumes from the last completed epoch."),
            key=f"resume-{run.id}",
        )


def show_continue_form(run: Run, result: Result) -> None:
    """Shows a form to continue the run for more epochs."""
    room = LARGEST_EPOCHS - result.epochs
    if run.is_pretrained or not run.can_continue or room < 1:
        return
    key = f"more-{run.id}-{result.epochs}"
    with (
        st.form(f"continue-{key}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.number_input(
            "Continue for more epochs",
            min_value=1,
            max_value=room,
            value=min(room, _default_epochs(run, result)),
            key=key,
            width=200,
            help=f"{_CONTINUE_HELP} {second_look(run)}".strip(),
        )
        st.form_submit_button(
            "Continue training",
            icon=":material/play_arrow:",
            on_click=run_or_toast,
            args=(lambda: continue_run(run, st.session_state[key]),),
            **writing(),
        )


def _default_epochs(run: Run, result: Result) -> int:
    """Returns the epochs that a stopped run had left, or a default."""
    left = run.goal.epochs - result.epochs
    return left if result.reason in CUT_SHORT and left > 0 else DEFAULT_MORE_EPOCHS


def show_scores(run: Run) -> None:
    """Shows the scores on validation, and the test accuracy if the test split was opened."""
    try:
        predictions = run.predictions("val")
        if predictions is not None:
            _show_scores(run, predictions)
    except FerError as error:
        st.error(plain(str(error)))


def _show_scores(run: Run, predictions: pd.DataFrame) -> None:
    val, test = st.columns(2)
    with val:
        _show_accuracy("Validation accuracy", predictions, VAL_HELP)
    with test:
        _show_test(run)
    confusion, classes = st.columns(2, gap="large")
    with confusion:
        st.markdown("**Confusion matrix, validation**")
        matrix = evaluation.confusion(predictions, run.class_names)
        show_confusion(matrix, run.class_names, key=f"confusion-{run.id}")
    with classes:
        st.markdown("**Scores per class, validation**", help=REPORT_HELP)
        show_report(predictions, run.class_names)


def _show_accuracy(label: str, predictions: pd.DataFrame, explanation: str) -> None:
    """Shows the accuracy, and the accuracy without leaked images below it."""
    score = evaluation.score(predictions)
    show_accuracy(label, score.accuracy, explanation)
    if score.clean is not None:
        st.caption(
            f"Without the {score.leaked:,} images that are also in the training split: "
            f"{score.clean}."
        )
    show_seen(score)


def _describe_end(result: Result, duration: timedelta | None) -> str:
    if result.reason == MODEL_IMPORTED:
        return "Imported: this model was trained by another program."
    if result.best_epoch is None:
        return "Stopped during the first epoch; the model was saved as it was then."
    ending = {
        STOPPED: "Stopped",
        PRUNED: "Pruned",
        EARLY_STOPPED: "Early stopping: validation accuracy stopped improving. Ended",
    }.get(result.reason, "Completed")
    time = f" in {format_duration(duration)}" if duration else ""
    epochs = "1 epoch" if result.epochs == 1 else f"{result.epochs} epochs"
    return f"{ending} after {epochs}{time}; best epoch: {result.best_epoch + 1}."


def _epochs_done(run: Run) -> str:
    return f"{len(run.history)} of {run.goal.epochs} epochs completed."


def _show_test(run: Run) -> None:
    predictions = run.predictions("test") if run.test_opened else None
    openings = len(run.test_openings)
    if predictions is not None:
        warning = ""
        if openings > 1:
            warning = f"Opened {openings} times: the score is no longer an unbiased estimate."
        _show_accuracy("Test accuracy", predictions, warning or TEST_HELP)
        if warning:
            st.caption(warning)
    elif run.has_test:
        st.metric(
            "Test accuracy",
            "sealed",
            help="It is evaluated once, on the Evaluate page.",
        )
        if openings:
            st.caption("Opened before the run was continued; opening it again is recorded.")
        st.page_link(
            "pages/evaluate.py",
            label="Open the test split on Evaluate",
            icon=":material/lock_open:",
            query_params={"run": run.id},
        )
    else:
        st.metric("Test accuracy", "–", help="The dataset has no test split.")


def show_tensorboard(run: Run) -> None:
    """Shows the command that opens the runs in TensorBoard, if the run writes files for it."""
    if run.config.tensorboard and not access.current().is_public:
        command = f'tensorboard --logdir "{paths.runs_root()}"'
        st.caption(f"To open in TensorBoard: {code(command)}")
