"""Answers about pictures, the same for all sessions and forgotten after a while."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.inference import Photo
from fer_core.runs import Run
from pages.components.predict.finding import BY_KEY, MANY, DetectedFaces, decoded, find_faces
from pages.components.shared.models import FaceSearch, classifier

if TYPE_CHECKING:
    from fer_core.inference import Classifier, FaceBatch, PhotoResult


@dataclass(frozen=True)
class InferenceRequest:
    """All that decides an answer, besides the picture."""

    run_id: str
    model_time: int  # ns; another epoch's model answers anew
    search: FaceSearch
    averaged: bool  # over ten views of each face
    margin: float  # around the detector's box, as a share of its longer side


def inference_request(
    run: Run, search: FaceSearch, averaged: bool, margin: float
) -> InferenceRequest:
    """What is asked of a run as it is now."""
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return InferenceRequest(run.id, model_time, search, averaged, margin)


@st.cache_resource(max_entries=MANY, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def recognize(
    photo: Photo, asked: InferenceRequest, _answer: "PhotoResult | None" = None
) -> "PhotoResult":
    """The expressions in a picture's file.

    Args:
        _answer: to be kept, where the faces were recognised together with those of others.

    Raises:
        ValueError: the file is no picture that can be read, or the model is none.
    """
    if _answer is None:
        pictures = Pictures(asked)
        pictures.find(photo)
        _answer = pictures.answers()[photo]
    _answered(asked).add(photo.key)
    return _answer


@st.cache_resource(max_entries=64, ttl="1h", show_spinner=False)
def _answered(asked: InferenceRequest) -> set[str]:
    """Keys of pictures whose answer was kept, and may have been forgotten since."""
    return set()


class Pictures:
    """Pictures whose faces go through the network together: each then takes half the time."""

    def __init__(self, asked: InferenceRequest) -> None:
        """Begins with no picture; loads nothing."""
        self._asked = asked
        self._batch: FaceBatch | None = None
        self._found: dict[Photo, tuple[DetectedFaces, float]] = {}  # with milliseconds until then

    @property
    def is_full(self) -> bool:
        """Whether as many faces wait for the network as make it quick."""
        return self._batch is not None and self._batch.is_full

    def find(self, photo: Photo) -> None:
        """Finds the faces of one more picture.

        Raises:
            ValueError: as `recognize`.
        """
        found = find_faces(photo, self._asked.search)
        if self._batch is None:
            from fer_core.inference import FaceBatch

            self._batch = FaceBatch(network_of(self._asked), self._asked.margin)
        started = time.perf_counter()
        self._batch.add(decoded(photo), found.faces)
        milliseconds = 1000 * (time.perf_counter() - started)
        self._found[photo] = found, found.milliseconds + milliseconds

    def answers(self) -> dict[Photo, "PhotoResult"]:
        """The answers by picture; none waits any more."""
        if self._batch is None:
            return {}
        from fer_core.inference import PhotoResult

        faces, started = len(self._batch), time.perf_counter()
        recognized = self._batch.recognize()
        each = 1000 * (time.perf_counter() - started) / max(1, faces)
        answers = {}
        for recognitions, photo in zip(recognized, self._found, strict=True):
            found, milliseconds = self._found[photo]
            milliseconds += each * len(recognitions)
            size = found.height, found.width
            answers[photo] = PhotoResult(tuple(recognitions), *size, found.smallest, milliseconds)
        self._found = {}
        return answers


def recognize_all(
    photos: Sequence[Photo], asked: InferenceRequest, say: Callable[[int], None]
) -> tuple[dict[Photo, "PhotoResult"], list[str]]:
    """The answers by picture, in their order, and a sentence for each that could not be read.

    Args:
        say: called with the number of each picture, from 0, before it is looked at.
    """
    found: dict[Photo, PhotoResult] = {}
    refused, pictures = [], Pictures(asked)
    for number, photo in enumerate(photos):
        say(number)
        try:
            if photo.key in _answered(asked):
                found[photo] = recognize(photo, asked)
            else:
                pictures.find(photo)
        except ValueError as error:
            refused.append(str(error))
        if pictures.is_full or number == len(photos) - 1:
            answers = pictures.answers()
            found |= {one: recognize(one, asked, it) for one, it in answers.items()}
            # Here too: what was kept already is not run again, and the set may be a fresh one.
            _answered(asked).update(one.key for one in answers)
    return {photo: found[photo] for photo in photos if photo in found}, refused


def network_of(asked: InferenceRequest) -> "Classifier":
    """The run's model with its class names."""
    return classifier(asked.run_id, asked.model_time, asked.averaged)
