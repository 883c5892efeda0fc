"""The Home page: the first steps, the state of the machine, and links to all pages."""

import streamlit as st

from fer_core import hardware, runs
from fer_core.datasets import list_datasets
from fer_core.runs import Run
from fer_core.tasks import TaskState
from pages.components.shared.access import writing
from pages.components.shared.dataset_imports import (
    pending_imports,
    show_import_progress,
    submit_drawn_dataset,
)
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_run, plain

PAGES = (
    ("datasets", "Datasets", "photo_library", "Add face images, check their quality, fix labels."),
    ("train", "Train", "model_training", "Pick a recipe, start training, and watch it live."),
    ("runs", "Runs", "monitoring", "Compare training runs and download their models."),
    ("evaluate", "Evaluate", "grid_on", "Find out which expressions a model confuses."),
    ("predict", "Predict", "face", "Run a model on photos, videos or your camera."),
    ("quiz", "Quiz", "quiz", "Label twenty faces and compare your score with a model's."),
)


@st.fragment(run_every=2.0)
def show_status() -> None:
    """Shows what is training, how many runs and datasets there are, and the hardware."""
    counts = runs.count_runs()
    states = {run: run.state for run in counts.active}
    queued = [run for run in counts.active if states[run] is TaskState.QUEUED]
    training = [run for run in counts.active if run not in queued]
    with st.container(horizontal=True, gap="medium"):
        st.metric("Training now", _format_training(training), width="content")
        st.metric("Queued", len(queued), width="content")
        st.metric("Runs", counts.total, width="content")
        st.metric("Datasets", len(list_datasets()), width="content")
        st.metric("Hardware", hardware.describe(), width="content", help=hardware.hint() or None)
    for run in training:
        st.page_link(
            "pages/train.py",
            label=f"Watch {plain(format_run(run))}",
            icon=":material/visibility:",
            query_params={"run": run.id},
        )


def _format_training(training: list[Run]) -> str:
    if not training:
        return "idle"
    progress = training[0].progress
    return f"{progress.fraction:.0%} done" if progress else "starting"


def show_first_step() -> None:
    """Shows the next step: create a demo dataset, or train on the one that is ready."""
    for task in pending_imports():
        show_import_progress(task)
    datasets = [dataset.name for dataset in list_datasets()]
    wanted = st.query_params.get("dataset")
    name = wanted if wanted in datasets else None
    if name:
        st.success(f"{plain(name)} is ready.", icon=":material/check:")
    if not datasets:
        show_demo_dataset(is_first=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        if datasets:
            st.page_link(
                "pages/train.py",
                label="Train a model",
                icon=":material/model_training:",
                query_params={"dataset": name} if name else None,
            )
        if runs.list_pretrained():
            st.page_link(
                "pages/predict.py",
                label="Try the pretrained model",
                icon=":material/face:",
            )
    if datasets and not name:
        show_demo_dataset(is_first=False)


def show_demo_dataset(*, is_first: bool) -> None:
    """Shows the button that creates a demo dataset; it stands out on an empty workspace."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Create demo dataset",
            icon=":material/draw:",
            type="primary" if is_first else "secondary",
            on_click=run_or_toast,
            args=(submit_drawn_dataset,),
            **writing(),
        )
        st.caption(
            "2,100 drawn faces with seven expressions; ready in seconds, no download.",
            width="content",
        )


def show_pages() -> None:
    """Shows a tile for every page with a link and a short description."""
    with st.grid(3, min_column_width=280, gap="medium"):
        for name, title, icon, description in PAGES:
            with st.container(border=True, gap="small", height="stretch"):
                st.page_link(f"pages/{name}.py", label=f"**{title}**", icon=f":material/{icon}:")
                st.caption(description)


st.title("FER Studio")
st.markdown(
    "Facial expression recognition without writing code: explore a dataset of faces, train a "
    "model, evaluate it, and try it on photos, videos or your camera."
)
show_first_step()
st.subheader("Status", anchor=False, divider="gray")
show_status()
st.subheader("Pages", anchor=False, divider="gray")
show_pages()
st.caption(
    "A facial expression is not an emotion: a prediction is a guess at how people would label the "
    "image, not at what someone feels."
)
