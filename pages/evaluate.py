"""Evaluates a run on validation, on test once it is opened, and on other datasets."""

import re

import streamlit as st

from fer_core import evaluation, runs
from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.text import SPLIT_NAMES
from pages.components.evaluate.cross_dataset import show_cross_dataset
from pages.components.evaluate.report import show_averaged, show_evaluation
from pages.components.evaluate.test_split import offer_test
from pages.components.shared.formatting import plain, without_links
from pages.components.shared.pickers import pick_run
from pages.components.shared.predictions_cache import Subject, load_report
from pages.components.shared.scores import TEST_HELP, VAL_HELP, show_fold

SPLITS = {split: SPLIT_NAMES[split] for split in ("val", "test")} | {"other": "Other data"}


def show_split(run: Run, split: str) -> None:
    """Shows the evaluation of one of the run's own splits."""
    subject = Subject(
        run, run.predictions_file(split), run.config.dataset, f"{SPLITS[split]} accuracy"
    )
    found = load_report(subject)
    if found is None:
        st.info("There are no predictions for this split yet. They are written after epoch 1.")
        st.stop()
    show_averaged(run.predictions_file(split, tta=True))
    show_evaluation(subject, found, TEST_HELP if split == "test" else VAL_HELP)


def show_card(run: Run) -> None:
    """Shows the model card of a pretrained model."""
    try:
        card = evaluation.read_card(run)
    except FerError as error:
        st.warning(plain(str(error)), icon=":material/badge:")
        return
    if not run.is_pretrained:  # of a run that somebody may have copied here
        card = without_links(card)
    if card:
        with st.expander("Model card", icon=":material/badge:"):
            st.markdown(
                re.sub("^#", "###", card, flags=re.MULTILINE)
            )  # nest the headings below the page's


st.title("Evaluate")
st.caption("Accuracy, confusion and calibration of a model, with confidence intervals.")

run = pick_run("Run", [run for run in runs.list_runs() if run.model_file])
show_card(run)
if run.ensemble is not None and run.ensemble.remark:
    st.warning(plain(run.ensemble.remark), icon=":material/warning:")
show_fold(run)
split = st.segmented_control(
    "Split",
    ["other"] if run.is_imported else [name for name in SPLITS if name != "test" or run.has_test],
    format_func=SPLITS.__getitem__,
    default="other" if run.is_imported else "val",
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
except FerError as error:
    st.error(plain(str(error)))
