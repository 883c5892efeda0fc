"""Recognizes facial expressions in photos, videos and live camera frames."""

import streamlit as st

from fer_core import runs
from fer_core.evaluation import provenance_of
from pages.components.predict.batches.form import show_batches
from pages.components.predict.live_view import show_live
from pages.components.predict.options import PredictOptions, choose_abstention, show_provenance
from pages.components.predict.photos import show_camera, show_files
from pages.components.predict.video_tab import show_videos
from pages.components.predict.whole_pictures import WHOLE
from pages.components.shared.formatting import plain
from pages.components.shared.models import FaceSearch, preload, slow_model_reason
from pages.components.shared.pickers import pick_run

FILES, CAMERA, LIVE, VIDEO, BATCH = "Files", "Camera", "Live", "Video", "Batch"
SOURCES = {
    FILES: show_files,
    CAMERA: show_camera,
    LIVE: show_live,
    VIDEO: show_videos,
    BATCH: show_batches,
}


def choose_search(*, takes_photos: bool) -> FaceSearch:
    """Chooses the settings of the face detector, and for photos whether it is used at all."""
    with st.popover("Face detection", icon=":material/tune:", key="face-detection"):
        smallest_face = st.number_input(
            "Minimum face size (pixels)",
            min_value=12,
            max_value=2000,
            value=None,
            step=4,
            placeholder="1/32 of the longer side",
            help="Smaller values find more faces in group photos, and take longer. Faces below "
            "1/128 of the longer side of the image are never searched for.",
        )
        confidence = st.number_input(
            "Minimum detector confidence",
            min_value=0.5,
            max_value=0.999,
            value=None,
            step=0.05,
            placeholder="0.85",
            help="Lower values find more faces, and more false ones. Below 0.95 a face is marked "
            "as doubtful.",
        )
    whole = st.toggle(
        "The picture is the face",
        key=WHOLE,
        disabled=not takes_photos,
        help="For images that are already cropped to a face, such as those of a dataset: each "
        "image is classified as a whole, without face detection. Only for photos, also in a "
        "batch.",
    )
    return FaceSearch(smallest_face, confidence, whole=whole and takes_photos)


st.title("Predict")
st.caption(
    "Recognize facial expressions in photos, videos or live from a camera. An expression is not a "
    "person's emotion: the model classifies how a face looks, not what someone feels."
)

models = [run for run in runs.list_runs() if run.model_file]
run = pick_run("Model", models, prefers_pretrained=True)
st.page_link(
    "pages/runs.py",
    label="Import a model",
    icon=":material/input:",
    query_params={"import": "model"},
    help="Use a model that another program trained: Keras, ONNX or LiteRT.",
)
provenance_place = st.container()
source = st.segmented_control("Source", list(SOURCES), default=FILES, required=True)
with st.container(horizontal=True, vertical_alignment="center"):
    search = choose_search(takes_photos=source not in (LIVE, VIDEO))
    tta = st.toggle(
        "Test-time augmentation",
        key="tta",
        help="Averages the predictions for ten views of each face: five positions, shifted by 2 of "
        "48 pixels, each also mirrored. Slightly more accurate, and ten times slower.",
    )
    shows_grad_cam = st.toggle(
        "Grad-CAM",
        key="grad-cam",
        disabled=source in (LIVE, VIDEO, BATCH) or not run.has_keras_model,
        help="Highlights the parts of a face that speak for the predicted expression. Explains "
        "what the model used, not whether the prediction is correct. For photos and Keras models "
        "only.",
    )
provenance = provenance_of(run, tta=tta)
with provenance_place:
    show_provenance(provenance)
abstention = choose_abstention(run, tta)
preload(run, tta)
if reason := slow_model_reason(run, tta):
    provenance_place.caption(
        plain(f"TensorFlow predicts with this model, which takes longer: {reason}."),
    )
SOURCES[source](PredictOptions(provenance, search, abstention, tta, shows_grad_cam))
