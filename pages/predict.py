"""Recognises the expressions in photos and in pictures of the camera."""

import streamlit as st

from fer_core import runs
from fer_core.evaluation import provenance_of
from pages.components.predict.live_view import show_live
from pages.components.predict.options import PredictOptions, choose_abstention, show_provenance
from pages.components.predict.photos import show_camera, show_files
from pages.components.predict.video_tab import show_videos
from pages.components.shared.models import FaceSearch
from pages.components.shared.pickers import pick_run
from pages.components.shared.preloading import preload

FILES, CAMERA, LIVE, VIDEO = "Files", "Camera", "Live", "Video"
SOURCES = {FILES: show_files, CAMERA: show_camera, LIVE: show_live, VIDEO: show_videos}


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


st.title("Predict")
st.caption(
    "Try a run on photos or on your own camera. A face's expression is not a person's emotion: "
    "the network says what a face looks like to it, not what someone feels."
)

run = pick_run(
    "Model", [run for run in runs.list_runs() if run.model_file], prefers_pretrained=True
)
beside_the_network = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    source = st.segmented_control("Pictures from", list(SOURCES), default=FILES, required=True)
    search = choose_search()
    averaged = st.toggle(
        "Average ten views",
        key="average-views",
        help="Each face is looked at ten times, shifted by two pixels of 48 and mirrored, and the "
        "answers are averaged. A little more often right, and ten times as slow.",
    )
    explains = st.toggle(
        "Show where it looked",
        key="explains",
        disabled=source in (LIVE, VIDEO),
        help="Grad-CAM: the warmer a place of the face, the more it speaks for the expression. It "
        "shows what the network used, not whether that was right. For photos.",
    )
known = provenance_of(run, tta=averaged)
with beside_the_network:
    show_provenance(known)
sureness = choose_abstention(run, averaged)
preload(run, averaged)
SOURCES[source](PredictOptions(known, search, sureness, averaged, explains))
