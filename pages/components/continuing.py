"""More epochs for a run that has ended."""

import streamlit as st

from fer_core.config import LARGEST_EPOCHS
from fer_core.records import STOPPED, Result
from fer_core.runs import Run
from fer_core.submission import continue_run

USUAL_EPOCHS = 10
_HELP = (
    "Same curves, next epoch number. The weights, the optimizer and what is random go on as if "
    "training had not ended."
)
_HELP_OPENED = (
    " The test split of this run has been opened. If a better epoch is found, that answer is "
    "dropped; opening the split again is then a second look, with a part in choosing, and noted."
)


def offer_more_epochs(run: Run, result: Result) -> None:
    """A number and a button that let the run go on."""
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
            value=min(room, _usual(run, result)),
            key=key,
            width=200,
            help=_HELP + (_HELP_OPENED if run.test_looks else ""),
        )
        st.form_submit_button(
            "Continue training",
            icon=":material/play_arrow:",
            on_click=_continue,
            args=(run, key),
        )


def _usual(run: Run, result: Result) -> int:
    """What a stopped run had left to do; else some."""
    left = run.goal.epochs - result.epochs
    return left if result.reason == STOPPED and left > 0 else USUAL_EPOCHS


def _continue(run: Run, key: str) -> None:
    try:
        continue_run(run, st.session_state[key])
    except ValueError as error:  # another tab was quicker
        st.toast(str(error), icon=":material/info:")
