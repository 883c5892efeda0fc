"""Recognises the expressions in photos and in pictures of the camera."""

from collections.abc import Sequence
from functools import partial
from itertools import count

import streamlit as st

from fer_core import images, runs
from fer_core.runs import Run
from pages.components.explained import looked_at
from pages.components.faces import show_picture
from pages.components.live_view import show_live
from pages.components.pickers import pick_run
from pages.components.resources import FaceSearch, Recognized, recognitions_table, recognize
from pages.components.words import plain

LARGEST_FILE = 50  # MB
FILES, CAMERA, LIVE = "Files", "Camera", "Live"
BOX = ("x", "y", "width", "height")


def choose_search() -> FaceSearch:
    """How faces are looked for; empty fields leave it to the detector."""
    with st.popover("Face search", icon=":material/tune:"):
        smallest_face = st.number_input(
            "Smallest face, in pixels of the picture",
            min_value=12,
            max_value=2000,
            value=None,
            step=4,
            placeholder="1/32 of the longer side",
            help="Smaller finds more faces in a group photo, and takes longer. "
            "Faces below 1/128 of the longer side are never looked for.",
        )
        confidence = st.number_input(
            "Least confidence of the detector",
            min_value=0.5,
            max_value=0.999,
            value=None,
            step=0.05,
            placeholder="0.9",
            help="Lower finds more faces, and more things that are none.",
        )
    return FaceSearch(smallest_face, confidence)


def choose_pictures(source: str) -> list[tuple[str, bytes]]:
    """The names and contents of the files that were uploaded, or of the picture just taken."""
    if source == CAMERA:
        taken = st.camera_input(
            "Take a picture",
            resolution="720p",
            width=640,
            help="It goes to the computer this dashboard runs on, and nowhere else.",
        )
        return [("camera.jpg", taken.getvalue())] if taken else []
    uploads = st.file_uploader(
        "Photos with faces",
        type=sorted(images.IMAGE_SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=LARGEST_FILE,
    )
    names = distinct([upload.name for upload in uploads])
    return [(name, upload.getvalue()) for name, upload in zip(names, uploads, strict=True)]


def distinct(names: Sequence[str]) -> list[str]:
    """The names in their order, with a number behind those that came before."""
    taken: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        taken.append(name if name not in taken else next(n for n in numbered if n not in taken))
    return taken


def show_recognized(
    run: Run, pictures: Sequence[tuple[str, bytes]], search: FaceSearch, explains: bool
) -> None:
    """Every picture with its faces, and one table of them all; what cannot be read is said."""
    found: dict[str, Recognized] = {}
    for name, content in pictures:
        try:
            with st.spinner(f"Looking for faces in {plain(name)} …"):
                found[name] = recognize(content, name, run, search)
        except ValueError as error:
            st.error(plain(str(error)), icon=":material/broken_image:")
        else:
            show_explained(run, name, content, found[name], explains)
    if found:
        show_table(run, found)


def show_explained(
    run: Run, name: str, content: bytes, recognized: Recognized, explains: bool
) -> None:
    """A picture with its faces, and where the network looked, as far as that can be told."""
    explain = partial(looked_at, content, name, run) if explains else None
    try:
        show_picture(name, recognized, explain)
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/visibility_off:")


def show_table(run: Run, found: dict[str, Recognized]) -> None:
    """One row per face of all pictures, to look at and to download."""
    table = recognitions_table(run, found)
    st.subheader("All faces", anchor=False)
    shares = [f"p_{name}" for name in run.class_names]
    st.dataframe(
        table,
        column_config={
            name: st.column_config.NumberColumn(name.removeprefix("p_"), format="%.3f")
            for name in ("confidence", *shares)
        },
        column_order=("image", "face", "expression", *shares, "confidence", *BOX),
        hide_index=True,
    )
    st.download_button(
        "Download table",
        table.to_csv(index=False),
        file_name=f"faces-{run.id}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


st.title("Predict")
st.caption(
    "Try a run on photos or on your own camera. A face's expression is not a person's emotion: "
    "the network says what a face looks like to it, not what someone feels."
)

run = pick_run("Network that recognises", [run for run in runs.list_runs() if run.model_file])
with st.container(horizontal=True, vertical_alignment="bottom"):
    source = st.segmented_control(
        "Pictures from", [FILES, CAMERA, LIVE], default=FILES, required=True
    )
    search = choose_search()
    explains = st.toggle(
        "Show where it looked",
        help="Grad-CAM: the warmer a place of the face, the more it speaks for the expression. It "
        "shows what the network used, not whether that was right.",
    )
if source == LIVE:
    show_live(run)
    st.stop()
pictures = choose_pictures(source)
if pictures:
    show_recognized(run, pictures, search, explains)
