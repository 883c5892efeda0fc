"""Answers as the screen shows them, the same for all sessions and forgotten after a while."""

from dataclasses import replace

import numpy as np
import streamlit as st

from fer_core import vision
from fer_core.inference import Photo
from pages.components.predict.finding import BY_KEY, THUMBNAIL, decoded, find_faces
from pages.components.predict.photo_cache import InferenceRequest, network_of, recognize

CROP = 160  # pixels a side of a face on the screen
_LABELLED = 3  # faces of a small picture: more words would hide them


@st.cache_data(max_entries=64, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def annotated(photo: Photo, asked: InferenceRequest, threshold: float) -> bytes:
    """The picture for the screen with boxes and answers drawn; JPEG."""
    from fer_core import inference

    found, names = recognize(photo, asked), network_of(asked).class_names
    drawn = inference.annotate(decoded(photo), found.recognitions, names, threshold=threshold)
    return vision.encode(drawn, "JPEG")


@st.cache_data(max_entries=1000, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def annotated_small(photo: Photo, asked: InferenceRequest, threshold: float) -> bytes:
    """The same for a gallery."""
    from fer_core import inference

    found, names = recognize(photo, asked), network_of(asked).class_names
    small = vision.decode(find_faces(photo, asked.search).thumbnail)
    scale = small.shape[1] / found.width
    recognitions = [
        replace(one, face=replace(one.face, box=one.face.box.scaled(scale)))
        for one in found.recognitions
    ]
    drawn = inference.annotate(
        small,
        recognitions,
        names,
        threshold=threshold,
        labelled=len(recognitions) <= _LABELLED,
        longest=(THUMBNAIL, THUMBNAIL),
    )
    return vision.encode(drawn, "JPEG")


@st.cache_data(max_entries=1000, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def crop(photo: Photo, asked: InferenceRequest, number: int) -> bytes:
    """The picture's face of that number, from 0, as it is cut out; JPEG."""
    return vision.encode(vision.resize(cut_out(photo, asked, number), CROP, CROP), "JPEG")


def cut_out(photo: Photo, asked: InferenceRequest, number: int) -> np.ndarray:
    """The same as it is in the picture: uint8 RGB, (side, side, 3)."""
    from fer_core import inference

    one = recognize(photo, asked).recognitions[number]
    return inference.cut_out(decoded(photo), one.face, asked.margin)
