"""The faces of pictures, the same for all sessions and forgotten after a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core import vision
from fer_core.inference import Photo
from pages.components.shared.models import FaceSearch, detector

if TYPE_CHECKING:
    from fer_core.vision import Face

# How caches tell pictures apart.
BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Photo: lambda photo: photo.key}
MANY = 10_000  # answers; each is a few KB
THUMBNAIL = 256  # pixels of the longer side


@dataclass(frozen=True)
class DetectedFaces:
    """The faces of a picture."""

    faces: list["Face"]
    height: int  # pixels of the picture
    width: int
    smallest: int  # pixels; smaller faces were not looked for
    thumbnail: bytes  # JPEG of the picture
    milliseconds: float  # from the file to the faces


# Two: a picture is found, recognised and drawn one after another, and may take 190 MB.
@st.cache_resource(max_entries=2, ttl="10m", show_spinner=False, hash_funcs=BY_KEY)
def decoded(photo: Photo) -> np.ndarray:
    """The picture, uint8 RGB, (height, width, 3).

    Raises:
        ValueError: the file is no picture that can be read.
    """
    return vision.decode(photo.read(), photo.name)


@st.cache_resource(max_entries=MANY, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def find_faces(photo: Photo, search: FaceSearch) -> DetectedFaces:
    """The faces of a picture, whichever network is to judge them.

    Raises:
        ValueError: as `decoded`.
    """
    started = time.perf_counter()
    image = decoded(photo)
    read = time.perf_counter()
    # Only from here on TensorFlow is needed: opening the page does not load it.
    finder = detector()
    from fer_core import vision

    begun = time.perf_counter()
    faces = finder.detect(image, search.smallest_face, search.confidence or vision.CONFIDENCE)
    milliseconds = 1000 * (time.perf_counter() - begun + read - started)
    height, width = image.shape[:2]
    smallest = vision.smallest_sought(height, width, search.smallest_face)
    factor = min(1.0, THUMBNAIL / max(height, width))
    small = vision.resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
    return DetectedFaces(faces, height, width, smallest, vision.encode(small, "JPEG"), milliseconds)
