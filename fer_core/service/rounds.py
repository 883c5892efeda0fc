"""Classifies the faces of several requests together, which halves the time that a face takes."""

import time
from dataclasses import dataclass

import numpy as np

from fer_core.inference import Classifier, FaceBatch, Photo, PhotoResult
from fer_core.service.pending import PendingRequest
from fer_core.vision import Face, min_face_size

_PATIENCE = 0.2  # seconds for which a face waits at most for others
_MAX_PHOTOS = 32  # without faces, too


@dataclass(frozen=True)
class SearchedPhoto:
    """Holds a photo whose faces were found, but not classified yet."""

    request: PendingRequest
    photo: Photo
    height: int  # pixels
    width: int
    milliseconds: float  # to decode it, and to find and crop its faces


class Round:
    """Collects the faces that a thread has found, whatever request they belong to."""

    def __init__(self) -> None:
        """Starts empty."""
        # By the classifier's TTA and the margin, which requests choose.
        self._batches: dict[tuple[bool, float], tuple[FaceBatch, list[SearchedPhoto]]] = {}
        self._due = float("inf")  # on the monotonic clock

    @property
    def is_empty(self) -> bool:
        """Tells whether there is nothing to classify."""
        return not self._batches

    @property
    def is_due(self) -> bool:
        """Tells whether more faces would not make it faster, or some have waited enough."""
        photos = sum(len(searched) for _, searched in self._batches.values())
        return (
            photos >= _MAX_PHOTOS
            or any(batch.is_full for batch, _ in self._batches.values())
            or time.monotonic() >= self._due
        )

    def add(
        self,
        request: PendingRequest,
        photo: Photo,
        image: np.ndarray,
        faces: list[Face],
        *,
        classifier: Classifier,
        began: float,
    ) -> None:
        """Adds the faces of a photo, uint8 RGB (height, width, 3).

        Args:
            began: when the work on it began, on the clock of `time.perf_counter`.

        Raises:
            FerError: a face cannot be cropped.
        """
        margin = request.settings.margin
        key = classifier.tta, margin
        if key not in self._batches:
            self._batches[key] = FaceBatch(classifier, margin), []
        batch, searched = self._batches[key]
        batch.add(image, faces)
        milliseconds = 1000 * (time.perf_counter() - began)
        height, width = image.shape[:2]
        searched.append(SearchedPhoto(request, photo, height, width, milliseconds))
        self._due = min(self._due, time.monotonic() + _PATIENCE)

    def classify(self) -> None:
        """Classifies all faces, tells their requests the results, and starts again empty."""
        batches, self._batches, self._due = self._batches, {}, float("inf")
        for batch, searched in batches.values():
            try:
                _classify(batch, searched)
            except Exception as error:  # whoever waits for an answer raises it
                for each in searched:
                    each.request.fail(error)


def _classify(batch: FaceBatch, searched: list[SearchedPhoto]) -> None:
    faces, began = len(batch), time.perf_counter()
    recognized = batch.recognize()
    per_face = 1000 * (time.perf_counter() - began) / max(1, faces)
    for each, recognitions in zip(searched, recognized, strict=True):
        result = PhotoResult(
            tuple(recognitions),
            each.height,
            each.width,
            min_face_size(each.height, each.width, each.request.settings.smallest_face),
            each.milliseconds + per_face * len(recognitions),
        )
        each.request.finish(each.photo, result)
