"""Forms that begin to add a dataset: from a folder, an upload, or drawn faces."""

from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.datasets import free_name
from fer_core.datasets.importing import check_source
from fer_core.errors import FerError
from pages.components.shared.access import reading_paths, upload_limit, writing
from pages.components.shared.dataset_imports import (
    submit_drawn_dataset,
    submit_preview,
    submit_upload,
)
from pages.components.shared.formatting import plain

FOLDER, UPLOAD, DRAWN = "Folder", "Upload", "Drawn faces"
_MAX_UPLOAD = 1024  # MB
_LAYOUTS = """
- folders named after expressions, or by numbers, also below `train`, `validation` and `test`
- FER2013 as `fer2013.csv` or as image folders; FER+ votes in the same folder
- RAF-DB as distributed or in numbered folders
- CK+, AffectNet, FER+, ExpW, KDEF and JAFFE as distributed
- a table or list of image paths and expressions; of pixels and expressions
- images with an expression in their file names, such as `img001_happy.jpg`
"""


def add_dataset() -> bool:
    """Shows the forms; returns whether one was just submitted."""
    source = st.segmented_control(
        "From", [FOLDER, UPLOAD, DRAWN], default=FOLDER, required=True, key="add-way"
    )
    form = {FOLDER: _add_folder, UPLOAD: _add_upload, DRAWN: _add_drawn}[source]
    submitted = False
    try:
        submitted = form()
    except FerError as error:
        st.error(plain(str(error)))
    if source != DRAWN:
        st.expander("Supported layouts", icon=":material/help:").markdown(_LAYOUTS)
    return submitted


def _add_folder() -> bool:
    with st.form("add-folder", border=False):
        path = st.text_input(
            "Path of a folder, archive or table on this computer",
            placeholder="/home/me/faces",
            **reading_paths(help="Images in a folder stay where they are and are never changed."),
        )
        name, settings = _name_and_splits()
        submitted = _submit_button("Preview", ":material/preview:", **writing(**reading_paths()))
    if not submitted:
        return False
    if not path.strip():
        raise FerError("Enter the path of a folder or file.")
    source = check_source(Path(path.strip()))
    submit_preview(source, name or free_name(source.stem), **settings)
    return True


def _add_upload() -> bool:
    with st.form("add-upload", border=False):
        file = st.file_uploader(
            "An archive (.zip, .tar, .tar.gz, .7z) or a table",
            type=["zip", "tar", "gz", "tgz", "7z", "csv", "tsv", "txt", "lst"],
            max_upload_size=upload_limit(_MAX_UPLOAD),
            **writing(help="It is copied to the computer that runs FER Studio, and nowhere else."),
        )
        name, settings = _name_and_splits()
        submitted = _submit_button("Preview", ":material/preview:", **writing())
    if not submitted:
        return False
    if file is None:
        raise FerError("Choose a file first.")
    submit_upload(file, file.name, name or free_name(Path(file.name).stem), **settings)
    return True


def _add_drawn() -> bool:
    st.markdown("Schematic faces, drawn in a few seconds, to try everything without a download.")
    with st.form("add-drawn", border=False):
        one, two, three = st.columns(3)
        count = one.number_input("Faces", 70, 100_000, 2100, step=700)
        seed = two.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed draws the same faces.")
        subjects = three.number_input(
            "Subjects",
            0,
            9999,
            0,
            help="The number of people drawn. Each shows all expressions and is in one split. "
            "0: every face is a different person.",
        )
        submitted = _submit_button("Draw faces", ":material/draw:", **writing())
    if submitted:
        submit_drawn_dataset(count=count, seed=seed, subjects=subjects)
    return submitted


def _submit_button(label: str, icon: str, *, disabled: bool, help: str | None) -> bool:
    return st.form_submit_button(label, type="primary", icon=icon, disabled=disabled, help=help)


def _name_and_splits() -> tuple[str, dict[str, Any]]:
    name = st.text_input("Name", placeholder="by default that of the folder or file")
    with st.expander("Validation and test splits", icon=":material/call_split:"):
        one, two, three = st.columns(3)
        settings = {
            "validation_fraction": one.number_input("Validation", 0.01, 0.9, 0.1, step=0.05),
            "test_fraction": two.number_input("Test", 0.0, 0.9, 0.0, step=0.05),
            "split_seed": three.number_input("Seed", 0, 2**31 - 1, 0),
        }
        st.caption(
            "Fractions of the training split, stratified by class; identical images stay "
            "together. Used only for splits that the source does not have. You can change the "
            "validation fraction for each run."
        )
    return name.strip(), settings
