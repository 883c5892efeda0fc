"""What this is, what the machine is doing, and the first step."""

import streamlit as st

from fer_core import hardware, runs
from fer_core.datasets import list_datasets
from fer_core.runs import Run
from fer_core.tasks import TaskState
from pages.components.shared.dataset_imports import (
    show_import_progress,
    shown_imports,
    submit_drawn_dataset,
)
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain, spoken_run

PAGES = (
    ("datasets", "Data sets", "photo_library", "Add a folder of faces, and look at what is in it."),
    ("train", "Train", "model_training", "Choose a recipe, start it, and watch the network learn."),
    ("runs", "Runs", "monitoring", "Compare what was trained, download a model, clean up."),
    ("evaluate", "Evaluate", "grid_on", "See which expressions a network confuses."),
    ("predict", "Predict", "face", "Try a network on a photo or on your own camera."),
    ("quiz", "Quiz", "quiz", "Guess twenty faces, and see whether a network knows more."),
)


@st.fragment(run_every=2.0)
def show_machine() -> None:
    """What trains now, how much there is, and what it is computed with."""
    census = runs.count_runs()
    states = {run: run.state for run in census.active}
    waiting = [run for run in census.active if states[run] is TaskState.QUEUED]
    training = [run for run in census.active if run not in waiting]
    with st.container(horizontal=True, gap="medium"):
        st.metric("Trains now", _spoken(training), width="content")
        st.metric("Waiting", len(waiting), width="content")
        st.metric("Runs", census.total, width="content")
        st.metric("Data sets", len(list_datasets()), width="content")
        st.metric("Computes on", hardware.describe(), width="content", help=hardware.hint() or None)
    for run in training:
        st.page_link(
            "pages/train.py",
            label=f"Watch {plain(spoken_run(run))}",
            icon=":material/visibility:",
            query_params={"run": run.id},
        )


def _spoken(training: list[Run]) -> str:
    if not training:
        return "nothing"
    progress = training[0].progress
    return f"{progress.fraction:.0%} done" if progress else "beginning"


def show_first_step() -> None:
    """One click to a data set; then one to the page that trains on it."""
    for task in shown_imports():
        show_import_progress(task)
    datasets = [dataset.name for dataset in list_datasets()]
    wanted = st.query_params.get("dataset")
    name = wanted if wanted in datasets else None
    if name:
        st.success(f"{name} is ready.", icon=":material/check:")
    if datasets:
        st.page_link(
            "pages/train.py",
            label="Train a network",
            icon=":material/model_training:",
            query_params={"dataset": name} if name else None,
        )
    if not name:
        st.markdown(
            "No data at hand? Let **2,100 schematic faces** be drawn, with seven expressions: "
            "enough to try everything, in a few seconds and without a download."
        )
        st.button(
            "Draw faces",
            icon=":material/draw:",
            type="secondary" if datasets else "primary",
            on_click=run_or_toast,
            args=(submit_drawn_dataset,),
        )


def show_pages() -> None:
    """What each page is for, in a sentence."""
    with st.grid(3, min_column_width=280, gap="medium"):
        for name, title, icon, sentence in PAGES:
            with st.container(border=True, gap="small"):
                st.page_link(f"pages/{name}.py", label=f"**{title}**", icon=f":material/{icon}:")
                st.caption(sentence)


st.title("FER Studio")
st.markdown(
    "Look at a folder of faces, train a network to tell their expressions, and try it on a photo "
    "or on your own camera, without writing code."
)
show_first_step()
if runs.list_pretrained():
    st.page_link(
        "pages/predict.py",
        label="Or try the network that is in the box on a photo",
        icon=":material/face:",
    )
st.subheader("This machine", anchor=False, divider="gray")
show_machine()
st.subheader("Pages", anchor=False, divider="gray")
show_pages()
st.caption(
    "A face's expression is not a person's emotion: what a network says about a face is a guess "
    "about how the picture would be labelled."
)
