"""Pictures of where a network looked."""

import numpy as np
import streamlit as st

from fer_core import drawing, images
from fer_core.photos import Photo
from pages.components.drawn import CROP, cut_out
from pages.components.finding import BY_KEY
from pages.components.recognizing import Asked, network_of, recognize


@st.cache_data(max_entries=256, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def looked_at(photo: Photo, asked: Asked, number: int) -> bytes:
    """A face's crop, the warmer where it speaks for its expression; JPEG.

    Args:
        number: of the face, from 0.

    Raises:
        ValueError: the picture or the model cannot be read, or the model has no places.
    """
    from fer_core import explanation

    expression = recognize(photo, asked).recognitions[number].expression
    network, crop = network_of(asked), cut_out(photo, asked, number)
    pixels = network.pixels(crop)[None]
    classes = np.array([network.class_names.index(expression)])
    (weights,) = explanation.grad_cam(network.model, pixels, classes)
    warmed = drawing.lay_over(images.resize(crop, CROP, CROP), weights)
    return images.encode(warmed, "JPEG")
