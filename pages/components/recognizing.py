"""Answers about pictures, the same for all sessions and forgotten after a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core import images
from fer_core.photos import Photo
from fer_core.runs import Run
from pages.components.resources import FaceSearch, classifier, detector

if TYPE_CHECKING:
    from fer_core.detection import Face
    from fer_core.recognition import Classifier
    from fer_core.recognized import Recognized

CROP = 160  # pixels a side of a face on the screen
_THUMBNAIL = 256  # pixels of the longer side
# How caches tell pictures apart.
BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Photo: lambda photo: photo.key}
_LABELLED = 3  # faces of a small picture: more words would hide them
_MANY = 10_000  # answers; each is a few KB


@dataclass(frozen=True)
class Asked:
    """All that decides an answer, besides the picture."""

    run_id: str
    model_time: int  # ns; another epoch's model answers anew
    search: FaceSearch
    averaged: bool  # over ten views of each face
    margin: float  # around the detector's box, as a share of its longer side


@dataclass(frozen=True)
class _Faces:
    faces: list["Face"]
    height: int  # pixels of the picture
    width: int
    smallest: int  # pixels; smaller faces were not looked for
    thumbnail: bytes  # JPEG of the picture
    milliseconds: float


def asked_of(run: Run, search: FaceSearch, averaged: bool, margin: float) -> Asked:
    """What is asked of a run as it is now."""
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return Asked(run.id, model_time, search, averaged, margin)


@st.cache_resource(max_entries=_MANY, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def recognize(photo: Photo, asked: Asked) -> "Recognized":
    """The expressions in a picture's file.

    Raises:
        ValueError: the file is no picture that can be read, or the model is none.
    """
    found = _faces(photo, asked.search)
    network = network_of(asked)
    from fer_core import recognition
    from fer_core.recognized import Recognized

    started = time.perf_counter()
    recognitions = recognition.recognize_faces(
        _decoded(photo), found.faces, network, margin=asked.margin
    )
    milliseconds = found.milliseconds + 1000 * (time.perf_counter() - started)
    return Recognized(tuple(recognitions), found.height, found.width, found.smallest, milliseconds)


@st.cache_data(max_entries=64, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def annotated(photo: Photo, asked: Asked, threshold: float) -> bytes:
    """The picture for the screen with boxes and answers drawn; JPEG."""
    from fer_core import recognition

    found, names = recognize(photo, asked), network_of(asked).class_names
    drawn = recognition.annotate(_decoded(photo), found.recognitions, names, threshold=threshold)
    return images.encode(drawn, "JPEG")


@st.cache_data(max_entries=1000, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def annotated_small(photo: Photo, asked: Asked, threshold: float) -> bytes:
    """The same for a gallery."""
    from fer_core import recognition

    found, names = recognize(photo, asked), network_of(asked).class_names
    small = images.decode(_faces(photo, asked.search).thumbnail)
    scale = small.shape[1] / found.width
    recognitions = [
        replace(one, face=replace(one.face, box=one.face.box.scaled(scale)))
        for one in found.recognitions
    ]
    drawn = recognition.annotate(
        small,
        recognitions,
        names,
        threshold=threshold,
        labelled=len(recognitions) <= _LABELLED,
        longest=(_THUMBNAIL, _THUMBNAIL),
    )
    return images.encode(drawn, "JPEG")


@st.cache_data(max_entries=1000, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def crop(photo: Photo, asked: Asked, number: int) -> bytes:
    """The picture's face of that number, from 0, as it is cut out; JPEG."""
    return images.encode(images.resize(cut_out(photo, asked, number), CROP, CROP), "JPEG")


def cut_out(photo: Photo, asked: Asked, number: int) -> np.ndarray:
    """The same as it is in the picture: uint8 RGB, (side, side, 3)."""
    from fer_core import recognition

    one = recognize(photo, asked).recognitions[number]
    return recognition.cut_out(_decoded(photo), one.face, asked.margin)


def network_of(asked: Asked) -> "Classifier":
    """The run's model with its class names."""
    return classifier(asked.run_id, asked.model_time, asked.averaged)


# Two: a picture is found, recognised and drawn one after another, and may take 190 MB.
@st.cache_resource(max_entries=2, ttl="10m", show_spinner=False, hash_funcs=BY_KEY)
def _decoded(photo: Photo) -> np.ndarray:
    return images.decode(photo.read(), photo.name)


@st.cache_resource(max_entries=_MANY, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def _faces(photo: Photo, search: FaceSearch) -> _Faces:
    started = time.perf_counter()
    image = _decoded(photo)
    read = time.perf_counter()
    # Only from here on TensorFlow is needed: opening the page does not load it.
    finder = detector()
    from fer_core import detection

    begun = time.perf_counter()
    faces = finder.detect(image, search.smallest_face, search.confidence or detection.CONFIDENCE)
    milliseconds = 1000 * (time.perf_counter() - begun + read - started)
    height, width = image.shape[:2]
    smallest = detection.smallest_sought(height, width, search.smallest_face)
    factor = min(1.0, _THUMBNAIL / max(height, width))
    small = images.resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
    return _Faces(faces, height, width, smallest, images.encode(small, "JPEG"), milliseconds)
