"""The three ways to a data set: a folder of this machine, an upload, drawn faces."""

from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.datasets import free_name
from fer_core.datasets.importing import check_source
from fer_core.errors import FerError
from pages.components.shared.dataset_imports import (
    submit_drawn_dataset,
    submit_import,
    submit_upload,
)
from pages.components.shared.formatting import plain

FOLDER, UPLOAD, DRAWN = "Folder", "Upload", "Drawn faces"
_LARGEST_UPLOAD = 1024  # MB
_RECOGNISED = """
- folders named for expressions, also below `train`, `validation` and `test`
- FER2013 as `fer2013.csv` or as image folders; FER+ votes beside it
- RAF-DB as distributed or in numbered folders
- a CSV with a column for the image's path and one for its expression
"""


def add_dataset() -> bool:
    """Shows the forms; True when something was asked for just now."""
    way = st.segmented_control(
        "From", [FOLDER, UPLOAD, DRAWN], default=FOLDER, required=True, key="add-way"
    )
    form = {FOLDER: _add_folder, UPLOAD: _add_upload, DRAWN: _add_drawn}[way]
    asked = False
    try:
        asked = form()
    except ValueError as error:
        st.error(plain(str(error)))
    if way != DRAWN:
        st.expander("What is recognised", icon=":material/help:").markdown(_RECOGNISED)
    return asked


def _add_folder() -> bool:
    with st.form("add-folder", border=False):
        path = st.text_input(
            "Path on this machine, of a folder, .zip or .csv",
            placeholder="/home/me/faces",
            help="Images stay where they are and are never changed.",
        )
        name, settings = _name_and_splits()
        pressed = st.form_submit_button("Add", type="primary", icon=":material/add:")
    if not pressed:
        return False
    if not path.strip():
        raise FerError("The path must name a folder or file. Received none.")
    source = check_source(Path(path.strip()))
    submit_import(source, name or free_name(source.stem), **settings)
    return True


def _add_upload() -> bool:
    with st.form("add-upload", border=False):
        file = st.file_uploader(
            "A .zip of folders or tables, or a .csv",
            type=["zip", "csv"],
            max_upload_size=_LARGEST_UPLOAD,
            help="It is copied to the machine that runs this dashboard, and nowhere else.",
        )
        name, settings = _name_and_splits()
        pressed = st.form_submit_button("Add", type="primary", icon=":material/add:")
    if not pressed:
        return False
    if file is None:
        raise FerError("A file must be chosen first. Received none.")
    submit_upload(file, file.name, name or free_name(Path(file.name).stem), **settings)
    return True


def _add_drawn() -> bool:
    st.markdown(
        "Schematic faces, drawn here in a few seconds: enough to try everything without a download."
    )
    with st.form("add-drawn", border=False):
        one, two = st.columns(2)
        count = one.number_input("Faces", 70, 100_000, 2100, step=700)
        seed = two.number_input("Seed", 0, 2**31 - 1, 0, help="Equal seeds draw equal faces.")
        pressed = st.form_submit_button("Draw faces", type="primary", icon=":material/draw:")
    if pressed:
        submit_drawn_dataset(count=count, seed=seed)
    return pressed


def _name_and_splits() -> tuple[str, dict[str, Any]]:
    name = st.text_input("Name", placeholder="taken from the folder or file")
    with st.expander("Splits that the data does not name", icon=":material/call_split:"):
        one, two, three = st.columns(3)
        settings = {
            "validation_fraction": one.number_input("Validation", 0.01, 0.9, 0.1, step=0.05),
            "test_fraction": two.number_input("Test", 0.0, 0.9, 0.0, step=0.05),
            "split_seed": three.number_input("Seed", 0, 2**31 - 1, 0),
        }
        st.caption(
            "Shares of train, drawn class by class; copies of an image stay on one side. Splits "
            "that the data names are kept as they are. A run can ask for another validation share."
        )
    return name.strip(), settings
