"""The Files and Camera tabs: reads photos and shows their results."""

import streamlit as st

from fer_core.inference import ARCHIVE_SUFFIX, PhotoBatch, read_uploads
from fer_core.vision import IMAGE_SUFFIXES
from pages.components.predict.downloads import show_downloads
from pages.components.predict.model_input import chosen_margin
from pages.components.predict.options import PredictOptions
from pages.components.predict.photo_cache import inference_request
from pages.components.predict.photo_results import recognize_batch, show_errors, show_results
from pages.components.predict.whole_pictures import propose_whole_pictures
from pages.components.shared.access import upload_limit

_MAX_FILE_MB = 200


def show_files(options: PredictOptions) -> None:
    """Shows the upload field and the results of the photos in it."""
    uploads = st.file_uploader(
        "Photos, or .zip archives of photos",
        type=[*sorted(IMAGE_SUFFIXES), ARCHIVE_SUFFIX],
        accept_multiple_files=True,
        max_upload_size=upload_limit(_MAX_FILE_MB),
    )
    batch = read_uploads([(file.name, file.file_id, file) for file in uploads])
    _show_batch(options, batch, may_be_crops=True)


def show_camera(options: PredictOptions) -> None:
    """Shows the camera field and the result of the photo taken."""
    photo = st.camera_input(
        "Take a photo",
        resolution="720p",
        width=640,
        help="Sent only to the computer that runs this dashboard.",
    )
    batch = read_uploads([("camera.jpg", photo.file_id, photo)] if photo else [])
    _show_batch(options, batch, may_be_crops=False)


def _show_batch(options: PredictOptions, batch: PhotoBatch, *, may_be_crops: bool) -> None:
    if not batch.photos and not batch.errors:
        return
    request = inference_request(
        options.run, options.search, options.tta, chosen_margin(options.run)
    )
    results, errors = recognize_batch(batch, request)
    show_errors(errors, batch.notes)
    if results:
        if may_be_crops:
            propose_whole_pictures(list(results.values()), options.search)
        charts = show_results(options, results, request)
        show_downloads(options, results, errors, request)
        if charts is not None:
            charts.draw()
