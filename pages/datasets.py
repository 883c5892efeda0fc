"""Add data sets, see what was recognised in them, and look at their faces."""

import streamlit as st

from fer_core import datasets
from fer_core.datasets import Corrections, Dataset, list_datasets, open_dataset, unreadable_datasets
from pages.components.datasets.add_dataset import add_dataset
from pages.components.datasets.browse import show_faces, show_mean_faces
from pages.components.datasets.class_balance import show_balance
from pages.components.datasets.corrections_tab import show_corrections
from pages.components.datasets.delete import offer_deletion
from pages.components.datasets.quality_tab import show_quality
from pages.components.shared.corrections import load_corrections
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.dataset_imports import (
    pending_imports,
    show_import_progress,
    submit_drawn_dataset,
)
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain
from pages.components.shared.pickers import pick_dataset


@st.dialog("Add a data set", width="medium")
def show_adding() -> None:
    """The forms, over the page; it closes when something was asked for."""
    if add_dataset():
        st.rerun()


def show_first_steps() -> None:
    """What to do on a machine without data sets."""
    st.info(
        "There is no data set yet. Have schematic faces drawn to try everything at once, or add "
        "your own: a folder that lies on this machine, or an upload.",
        icon=":material/photo_library:",
    )
    st.button(
        "Draw faces to try it with",
        type="primary",
        icon=":material/draw:",
        on_click=run_or_toast,
        args=(submit_drawn_dataset,),
    )
    with st.container(border=True):
        if add_dataset():
            st.rerun()


def show_facts(dataset: Dataset, overlay: Corrections | None) -> None:
    """Where the data set comes from, what was recognised and skipped, what was corrected."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(dataset.layout, icon=":material/folder_open:")
        st.badge(f"{dataset.images:,} images", color="gray")
        st.badge(f"{len(dataset.class_names)} expressions", color="gray")
        if overlay:
            st.badge(datasets.describe_corrections(overlay), icon=":material/edit:", color="orange")
    where = f"The images stay in `{dataset.root}` and are never changed."
    if dataset.is_copied:
        where = "The images lie in the workspace."
    st.markdown("\n".join(f"- {line}" for line in (*map(plain, dataset.notes), where)))


st.title("Data sets")
st.caption("Add faces, see what was recognised in them, and look before you train.")

imports = pending_imports()
for task in imports:
    show_import_progress(task)
for sentence in unreadable_datasets():
    st.warning(plain(sentence), icon=":material/warning:")
if not list_datasets():
    if not any(task.state.is_active for task in imports):
        show_first_steps()
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    name = pick_dataset("Data set").name
    if st.button("Add a data set", icon=":material/add:"):
        show_adding()
try:
    dataset = open_cached(name)
except ValueError as error:
    st.error(plain(str(error)))
    offer_deletion(open_dataset(name))
    st.stop()
overlay = load_corrections(dataset)
show_facts(dataset, overlay)
classes, faces, means, quality, corrections = st.tabs(
    ["Classes", "Faces", "Mean faces", "Quality", "Corrections"]
)
with classes:
    show_balance(dataset)
with faces:
    show_faces(dataset, overlay)
with means:
    show_mean_faces(dataset)
with quality:
    show_quality(dataset, overlay)
with corrections:
    show_corrections(dataset, overlay)
offer_deletion(dataset)
