"""More epochs for a run that has ended."""

import streamlit as st

from fer_core.runs import LARGEST_EPOCHS, STOPPED, Result, Run, continue_run, second_look
from pages.components.shared.errors import run_or_toast

USUAL_EPOCHS = 10
_HELP = (
    "Same curves, next epoch number. The weights, the optimizer and what is random go on as if "
    "training had not ended."
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
            help=f"{_HELP} {second_look(run)}",
        )
        st.form_submit_button(
            "Continue training",
            icon=":material/play_arrow:",
            on_click=run_or_toast,
            args=(lambda: continue_run(run, st.session_state[key]),),
        )


def _usual(run: Run, result: Result) -> int:
    """What a stopped run had left to do; else some."""
    left = run.goal.epochs - result.epochs
    return left if result.reason == STOPPED and left > 0 else USUAL_EPOCHS
