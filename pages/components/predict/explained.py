"""Pictures of where a network looked."""

import numpy as np
import streamlit as st

from fer_core import vision
from fer_core.inference import Photo
from pages.components.predict.finding import BY_KEY
from pages.components.predict.photo_cache import InferenceRequest, network_of, recognize
from pages.components.predict.rendering import CROP, cut_out


@st.cache_data(max_entries=256, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def grad_cam_overlay(photo: Photo, asked: InferenceRequest, number: int) -> bytes:
    """A face's crop, the warmer where it speaks for its expression; JPEG.

    Args:
        number: of the face, from 0.

    Raises:
        ValueError: the picture or the model cannot be read, or the model has no places.
    """
    from fer_core import inference

    expression = recognize(photo, asked).recognitions[number].expression
    network, crop = network_of(asked), cut_out(photo, asked, number)
    pixels = network.pixels(crop)[None]
    classes = np.array([network.class_names.index(expression)])
    (weights,) = inference.compute_grad_cam(network.model, pixels, classes)
    warmed = vision.overlay_heatmap(vision.resize(crop, CROP, CROP), weights)
    return vision.encode(warmed, "JPEG")
