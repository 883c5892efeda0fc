"""Photos from files, zipped folders and the camera, and what is answered about them."""

import streamlit as st

from fer_core.inference import ARCHIVE, PhotoBatch, read_uploads
from fer_core.vision import IMAGE_SUFFIXES
from pages.components.predict.downloads import show_downloads
from pages.components.predict.network_input import chosen_margin
from pages.components.predict.options import PredictOptions
from pages.components.predict.photo_cache import inference_request
from pages.components.predict.photo_results import recognize_given, say_refused, show_results

LARGEST_FILE = 200  # MB


def show_files(asking: PredictOptions) -> None:
    """The pictures that were uploaded, alone or in archives."""
    uploads = st.file_uploader(
        "Photos with faces, or zipped folders of them",
        type=[*sorted(IMAGE_SUFFIXES), ARCHIVE],
        accept_multiple_files=True,
        max_upload_size=LARGEST_FILE,
    )
    given = read_uploads([(upload.name, upload.file_id, upload) for upload in uploads])
    _answer(asking, given)


def show_camera(asking: PredictOptions) -> None:
    """The picture that was just taken."""
    taken = st.camera_input(
        "Take a picture",
        resolution="720p",
        width=640,
        help="It goes to the computer this dashboard runs on, and nowhere else.",
    )
    _answer(asking, read_uploads([("camera.jpg", taken.file_id, taken)] if taken else []))


def _answer(asking: PredictOptions, given: PhotoBatch) -> None:
    if not given.photos and not given.refused:
        return
    asked = inference_request(asking.run, asking.search, asking.averaged, chosen_margin())
    found, refused = recognize_given(given, asked)
    say_refused(refused, given.notes)
    if found:
        show_results(asking, found, asked)
        show_downloads(asking, found, refused, asked)
