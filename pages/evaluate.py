"""Which expressions a run confuses: on validation, on test once it is opened, on other data."""

import re

import streamlit as st

from fer_core import evaluation, runs
from fer_core.runs import Run
from fer_core.text import SPLIT_NAMES
from pages.components.evaluate.cross_dataset import show_cross_dataset
from pages.components.evaluate.report import show_averaged, show_evaluation
from pages.components.evaluate.test_split import offer_test
from pages.components.shared.pickers import pick_run
from pages.components.shared.predictions_cache import Subject, evaluated
from pages.components.shared.scores import TEST_HELP, VAL_HELP

SPLITS = {split: SPLIT_NAMES[split] for split in ("val", "test")} | {"other": "Other data"}


def show_split(run: Run, split: str) -> None:
    """Everything about an evaluated split."""
    subject = Subject(
        run, run.predictions_file(split), run.config.dataset, f"{SPLITS[split]} accuracy"
    )
    found = evaluated(subject)
    if found is None:
        st.info("The predictions of this split are not there yet. They come with the first epoch.")
        st.stop()
    show_averaged(run.predictions_file(split, averaged=True))
    show_evaluation(subject, found, TEST_HELP if split == "test" else VAL_HELP)


def show_card(run: Run) -> None:
    """What a network that ships with the program is, and what it must not be used for."""
    card = evaluation.read_card(run)
    if card:
        with st.expander("Model card", icon=":material/badge:"):
            st.markdown(re.sub("^#", "###", card, flags=re.MULTILINE))  # below the page's title


st.title("Evaluate")
st.caption("See which expressions a network confuses, and how sure that is.")

run = pick_run("Run", [run for run in runs.list_runs() if run.model_file])
show_card(run)
split = st.segmented_control(
    "Split",
    [name for name in SPLITS if name != "test" or run.has_test],
    format_func=SPLITS.__getitem__,
    default="val",
    required=True,
)
if split == "test" and run.test_opened is None:
    offer_test(run)
    st.stop()
if split == "test":
    st.caption(f"Opened on {run.test_opened:%d %B %Y at %H:%M}.")
try:
    if split == "other":
        show_cross_dataset(run)
    else:
        show_split(run, split)
except ValueError as error:
    st.error(str(error))
