"""Pictures of where a network looked."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core import drawing, images
from fer_core.runs import Run
from pages.components.resources import CROP, classifier

if TYPE_CHECKING:
    from fer_core.recognition import Recognition


def looked_at(content: bytes, name: str, run: Run, face: "Recognition") -> bytes:
    """A face's crop, the warmer where it speaks for its expression; JPEG.

    Raises:
        ValueError: the picture or the model cannot be read, or the model has no places.
    """
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return _looked_at(content, name, run.id, model_time, face.face.box, face.expression)


@st.cache_data(max_entries=256, ttl="1h", show_spinner=False)
def _looked_at(
    content: bytes, name: str, run_id: str, model_time: int, box: images.Box, expression: str
) -> bytes:
    from fer_core import explanation, recognition

    network = classifier(run_id, model_time)
    crop = images.crop_face(images.decode(content, name), box, recognition.MARGIN)
    pixels = network.pixels(crop)[None]
    classes = np.array([network.class_names.index(expression)])
    (weights,) = explanation.grad_cam(network.model, pixels, classes)
    warmed = drawing.lay_over(images.resize(crop, CROP, CROP), weights)
    return images.encode(warmed, "JPEG")
