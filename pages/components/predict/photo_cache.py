"""Finds and recognizes faces in photos; keeps results for all sessions for an hour."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import streamlit as st

from fer_core import vision
from fer_core.errors import FerError
from fer_core.inference import Photo
from fer_core.runs import Run
from pages.components.shared.models import FaceSearch, classifier, detector

if TYPE_CHECKING:
    from fer_core.inference import Classifier, FaceBatch, FaceCrop, PhotoResult
    from fer_core.vision import Face

BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Photo: lambda photo: photo.key}
THUMBNAIL = 256  # pixels of the longer side
CROP = 160  # pixels a side of a face on the screen
_MAX_PHOTOS = 10_000  # results; each is a few KB
_MAX_CROPS = 4_000  # about 10 KB each
_MAX_AGE = 3600.0  # seconds
_Value = TypeVar("_Value")

# Held while a photo is decoded, searched and cropped, which takes up to 0.7 GB, whatever the number
# of sessions. Never acquired within `decoded` or `find_faces`: others wait for their results.
LARGE_PHOTOS = BoundedSemaphore(2)


class Store(Generic[_Value]):
    """Maps keys to values; drops the least recently used, and those of an hour ago. Thread-safe.

    Unlike a cached function it can be given values that were computed in a batch.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, tuple[float, _Value]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> _Value | None:
        """Returns the value of a key, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or time.monotonic() - entry[0] > _MAX_AGE:
                self._entries.pop(key, None)
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def put(self, key: Hashable, value: _Value) -> None:
        """Sets the value of a key."""
        with self._lock:
            self._entries[key] = time.monotonic(), value
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Removes all entries."""
        with self._lock:
            self._entries.clear()


@dataclass(frozen=True)
class InferenceRequest:
    """Holds all but the photo that determines its result."""

    run_id: str
    model_time: int  # ns; changes with every better epoch
    search: FaceSearch
    tta: bool
    margin: float  # around the detector's box, as a share of its longer side


@dataclass(frozen=True)
class DetectedFaces:
    """Holds the faces of a photo."""

    faces: list["Face"]
    height: int  # pixels of the photo
    width: int
    smallest: int  # pixels; smaller faces were not searched for
    thumbnail: bytes  # JPEG of the photo
    milliseconds: float  # to decode the photo and find the faces


@dataclass(frozen=True)
class ShownCrop:
    """Holds a face as it is shown, and as the model gets it."""

    jpeg: bytes  # `CROP` pixels on the longer side
    pixels: np.ndarray  # the model's input, uint8 (height, width, channels)
    height: int  # pixels of the photo
    width: int


def inference_request(run: Run, search: FaceSearch, tta: bool, margin: float) -> InferenceRequest:
    """Returns the request for a run's current model."""
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return InferenceRequest(run.id, model_time, search, tta, margin)


def classifier_of(request: InferenceRequest) -> "Classifier":
    """Returns the classifier of a request."""
    return classifier(request.run_id, request.model_time, request.tta)


@st.cache_resource(show_spinner=False)
def results_store() -> Store["PhotoResult"]:
    """Returns the results of all sessions by request and photo key."""
    return Store(_MAX_PHOTOS)


@st.cache_resource(show_spinner=False)
def crops_store() -> Store[ShownCrop]:
    """Returns the crops of all sessions by request, photo key and number of the face."""
    return Store(_MAX_CROPS)


# Two: a photo is searched, classified and drawn in a row, and may take 190 MB.
@st.cache_resource(max_entries=2, ttl="10m", show_spinner=False, hash_funcs=BY_KEY)
def decoded(photo: Photo) -> np.ndarray:
    """Decodes a photo to uint8 RGB, (height, width, 3).

    Raises:
        FerError: the file is not a readable image.
    """
    return vision.decode(photo.read(), photo.name)


@st.cache_resource(max_entries=_MAX_PHOTOS, ttl="1h", show_spinner=False, hash_funcs=BY_KEY)
def find_faces(photo: Photo, search: FaceSearch) -> DetectedFaces:
    """Finds the faces of a photo, for all models.

    Raises:
        FerError: as `decoded`.
    """
    started = time.perf_counter()
    image = decoded(photo)
    decoding = time.perf_counter() - started
    # May wait for it, since the page opens before it is loaded.
    finder = None if search.whole else detector()
    started = time.perf_counter()
    confidence = search.confidence or vision.MIN_CONFIDENCE
    faces = (
        finder.detect(image, search.smallest_face, confidence)
        if finder
        else [vision.Face.whole(image)]
    )
    milliseconds = 1000 * (time.perf_counter() - started + decoding)
    height, width = image.shape[:2]
    smallest = vision.min_face_size(height, width, search.smallest_face)
    factor = min(1.0, THUMBNAIL / max(height, width))
    small = vision.resize(image, max(1, round(height * factor)), max(1, round(width * factor)))
    return DetectedFaces(faces, height, width, smallest, vision.encode(small, "JPEG"), milliseconds)


class PhotoPipeline:
    """Finds and crops the faces of photos, and classifies them in batches."""

    def __init__(self, request: InferenceRequest) -> None:
        """Starts without photos; loads nothing yet."""
        self._request = request
        self._batch: FaceBatch | None = None
        self._waiting: dict[Photo, tuple[DetectedFaces, float]] = {}  # with milliseconds so far

    @property
    def is_full(self) -> bool:
        """Tells whether enough faces wait for an efficient batch."""
        return self._batch is not None and self._batch.is_full

    def add(self, photo: Photo) -> None:
        """Finds and crops the faces of a photo.

        Raises:
            FerError: the photo or the model cannot be read.
        """
        with LARGE_PHOTOS:
            detected = find_faces(photo, self._request.search)
            if self._batch is None:
                from fer_core.inference import FaceBatch

                self._batch = FaceBatch(classifier_of(self._request), self._request.margin)
            started = time.perf_counter()
            crops = self._batch.add(decoded(photo), detected.faces)
            milliseconds = 1000 * (time.perf_counter() - started)
            _keep_crops(self._request, photo, crops)
        self._waiting[photo] = detected, detected.milliseconds + milliseconds

    def recognize(self) -> dict[Photo, "PhotoResult"]:
        """Classifies the faces that wait, and keeps and returns the results by photo."""
        if self._batch is None:
            return {}
        from fer_core.inference import PhotoResult

        faces, started = len(self._batch), time.perf_counter()
        recognized = self._batch.recognize()
        per_face = 1000 * (time.perf_counter() - started) / max(1, faces)
        results = {}
        for recognitions, (photo, (detected, milliseconds)) in zip(
            recognized, self._waiting.items(), strict=True
        ):
            results[photo] = PhotoResult(
                tuple(recognitions),
                detected.height,
                detected.width,
                detected.smallest,
                milliseconds + per_face * len(recognitions),
            )
            results_store().put((self._request, photo.key), results[photo])
        self._waiting = {}
        return results


def recognize(photo: Photo, request: InferenceRequest) -> "PhotoResult":
    """Returns the faces of a photo with their expressions.

    Raises:
        FerError: the photo or the model cannot be read.
    """
    result = results_store().get((request, photo.key))
    if result is None:
        pipeline = PhotoPipeline(request)
        pipeline.add(photo)
        result = pipeline.recognize()[photo]
    return result


def recognize_all(
    photos: Sequence[Photo], request: InferenceRequest, report: Callable[[int], None]
) -> tuple[dict[Photo, "PhotoResult"], list[str]]:
    """Returns results by photo, in order, and a sentence for each unreadable one.

    Args:
        report: called with the position of each photo before it is processed.
    """
    results: dict[Photo, PhotoResult] = {}
    errors: list[str] = []
    pipeline = PhotoPipeline(request)
    for position, photo in enumerate(photos):
        report(position)
        try:
            known = results_store().get((request, photo.key))
            if known is None:
                pipeline.add(photo)
            else:
                results[photo] = known
        except FerError as error:
            errors.append(str(error))
        if pipeline.is_full or position == len(photos) - 1:
            results |= pipeline.recognize()
    return {photo: results[photo] for photo in photos if photo in results}, errors


def face_crop(photo: Photo, request: InferenceRequest, number: int) -> ShownCrop:
    """Returns a face's crop; it is made again only if it was dropped.

    Args:
        number: of the face, from 0.

    Raises:
        FerError: as `recognize`.
    """
    key = (request, photo.key, number)
    crop = crops_store().get(key)
    if crop is None:
        from fer_core.inference import FaceBatch

        faces = [each.face for each in recognize(photo, request).recognitions]
        batch = FaceBatch(classifier_of(request), request.margin)
        with LARGE_PHOTOS:
            crop = _keep_crops(request, photo, batch.add(decoded(photo), faces))[number]
    return crop


def _keep_crops(
    request: InferenceRequest, photo: Photo, crops: Sequence["FaceCrop"]
) -> list[ShownCrop]:
    shown = []
    for number, crop in enumerate(crops):
        height, width = crop.image.shape[:2]
        size = (max(1, round(CROP * side / max(height, width))) for side in (height, width))
        jpeg = vision.encode(vision.resize(crop.image, *size), "JPEG")
        shown.append(ShownCrop(jpeg, crop.pixels.copy(), height, width))
        crops_store().put((request, photo.key, number), shown[-1])
    return shown
