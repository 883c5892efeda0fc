"""The Datasets page: add, browse, check, correct and rate datasets."""

import streamlit as st

from fer_core import access, datasets
from fer_core.datasets import Corrections, Dataset, list_datasets, open_dataset, unreadable_datasets
from fer_core.errors import FerError
from pages.components.datasets.add_dataset import add_dataset
from pages.components.datasets.browse import show_faces, show_mean_faces
from pages.components.datasets.class_balance import show_balance, show_groups
from pages.components.datasets.class_changes import offer_changes
from pages.components.datasets.corrections_tab import show_corrections
from pages.components.datasets.delete import offer_deletion
from pages.components.datasets.import_preview import show_import_preview
from pages.components.datasets.metadata_tab import show_metadata
from pages.components.datasets.quality_tab import show_quality
from pages.components.datasets.raters_tab import show_raters
from pages.components.shared.access import writing
from pages.components.shared.corrections import load_corrections
from pages.components.shared.dataset_cache import open_cached
from pages.components.shared.dataset_imports import (
    pending_imports,
    pending_previews,
    show_import_progress,
    submit_drawn_dataset,
)
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import badge, code, plain
from pages.components.shared.pickers import pick_dataset


@st.dialog("Add dataset", width="medium")
def show_add_dialog() -> None:
    """Shows the forms in a dialog that closes on submit."""
    if add_dataset():
        st.rerun()


def show_first_steps() -> None:
    """Shows what to do if there are no datasets."""
    st.info(
        "There are no datasets yet. Draw schematic faces to try everything right away, or add your "
        "own images from a folder on this computer or by upload.",
        icon=":material/photo_library:",
    )
    st.button(
        "Draw schematic faces",
        type="primary",
        icon=":material/draw:",
        on_click=run_or_toast,
        args=(submit_drawn_dataset,),
        **writing(),
    )
    with st.container(border=True):
        if add_dataset():
            st.rerun()


def show_facts(dataset: Dataset, corrections: Corrections | None) -> None:
    """Shows the layout, the size, the corrections and the notes of the import."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(badge(dataset.layout, icon=":material/folder_open:"), width="content")
        st.badge(f"{dataset.images:,} images", color="gray")
        st.badge(f"{len(dataset.class_names)} expressions", color="gray")
        if corrections:
            st.badge(
                datasets.describe_corrections(corrections), icon=":material/edit:", color="orange"
            )
    where = "The images stay where they are and are never changed."
    if not access.current().is_public:  # strangers need not know the folders of this machine
        where = f"The images stay in {code(str(dataset.root))} and are never changed."
    if dataset.is_copied:
        where = "The images are stored in the workspace."
    st.markdown("\n".join(f"- {line}" for line in (*map(plain, dataset.notes), where)))


st.title("Datasets")
st.caption("Add, browse and check images before you train.")

imports, previews = pending_imports(), pending_previews()
with st.container():  # what is below stays as it is when a task begins or ends
    for task in imports:
        show_import_progress(task)
    for task in previews:
        show_import_preview(task)
    for message in unreadable_datasets():
        st.warning(plain(message), icon=":material/warning:")
if not list_datasets():
    if not previews and not any(task.state.is_active for task in imports):
        show_first_steps()
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    name = pick_dataset("Dataset").name
    if st.button("Add dataset", icon=":material/add:"):
        show_add_dialog()
try:
    dataset = open_cached(name)
except FerError as error:
    st.error(plain(str(error)))
    offer_deletion(open_dataset(name))
    st.stop()
corrections = load_corrections(dataset)
show_facts(dataset, corrections)
classes, faces, means, quality, changes, metadata, rating = st.tabs(
    ["Classes", "Faces", "Mean faces", "Quality", "Corrections", "Metadata", "Raters"]
)
with classes:
    show_balance(dataset)
    show_groups(dataset)
    offer_changes(dataset)
with faces:
    show_faces(dataset, corrections)
with means:
    show_mean_faces(dataset)
with quality:
    show_quality(dataset, corrections)
with changes:
    show_corrections(dataset, corrections)
with metadata:
    show_metadata(dataset)
with rating:
    show_raters(dataset, corrections)
offer_deletion(dataset)
