"""Renders results for the screen as JPEG; cached for all sessions for an hour."""

from dataclasses import replace

import numpy as np
import streamlit as st

from fer_core import vision
from fer_core.inference import Photo
from pages.components.predict.photo_cache import (
    BY_KEY,
    LARGE_PHOTOS,
    THUMBNAIL,
    InferenceRequest,
    classifier_of,
    decoded,
    face_crop,
    find_faces,
    recognize,
)
from pages.components.shared.models import keras_model

_MAX_LABELED = 3  # faces of a thumbnail: more labels would cover them


# Sixteen: of a photo of 12 megapixels such a file has 3 MB.
@st.cache_data(max_entries=16, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def annotated(photo: Photo, request: InferenceRequest, threshold: float) -> bytes:
    """Draws boxes and answers on a photo."""
    from fer_core import inference

    result, names = recognize(photo, request), classifier_of(request).class_names
    with LARGE_PHOTOS:
        drawn = inference.annotate(decoded(photo), result.recognitions, names, threshold=threshold)
    return vision.encode(drawn, "JPEG")


@st.cache_data(max_entries=1000, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def annotated_thumbnail(photo: Photo, request: InferenceRequest, threshold: float) -> bytes:
    """Draws boxes and answers on a thumbnail."""
    from fer_core import inference

    result, names = recognize(photo, request), classifier_of(request).class_names
    small = vision.decode(find_faces(photo, request.search).thumbnail)
    scale = small.shape[1] / result.width
    recognitions = [
        replace(each, face=replace(each.face, box=each.face.box.scaled(scale)))
        for each in result.recognitions
    ]
    drawn = inference.annotate(
        small,
        recognitions,
        names,
        threshold=threshold,
        labeled=len(recognitions) <= _MAX_LABELED,
        side_range=(THUMBNAIL, THUMBNAIL),
    )
    return vision.encode(drawn, "JPEG")


@st.cache_data(max_entries=256, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def grad_cam_overlay(photo: Photo, request: InferenceRequest, number: int) -> bytes:
    """Draws the Grad-CAM heatmap of a face's most probable expression on its crop.

    Args:
        number: of the face, from 0.

    Raises:
        FerError: the photo or the model cannot be read, or Grad-CAM does not support the model.
    """
    from fer_core import inference

    expression = recognize(photo, request).recognitions[number].expression
    classifier, crop = classifier_of(request), face_crop(photo, request, number)
    classes = np.array([classifier.class_names.index(expression)])
    model = keras_model(request.run_id, request.model_time)
    (weights,) = inference.compute_grad_cam(model, crop.pixels[None], classes)
    return vision.encode(vision.overlay_heatmap(vision.decode(crop.jpeg), weights), "JPEG")
