"""Recognizes the photos of many requests at a time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache

import numpy as np

from fer_core import evaluation, vision
from fer_core.errors import FerError
from fer_core.inference import (
    Classifier,
    Photo,
    PhotoBatch,
    PhotoResult,
    PhotoSettings,
    results_json,
)
from fer_core.onnx_graphs import default_threads
from fer_core.runs import Run
from fer_core.service.pending import Answer, PendingRequest
from fer_core.service.rounds import Round

_LARGE_PIXELS = 8_000_000  # of a photo; searching one of 64 megapixels takes 0.7 GB
_MAX_LARGE = 2  # searched at a time
_MAX_THRESHOLDS = 64  # remembered; computing one takes 10 ms
_END_SECONDS = 5.0  # for photos that are being searched when the service ends


class Recognizer:
    """Recognizes the faces of photos with a run's model. Thread-safe.

    Each thread takes one photo of every waiting request in turn, so that a small request does not
    wait for a large one to end, and classifies the faces that it has found together.
    """

    def __init__(self, run: Run, threads: int | None = None) -> None:
        """Loads the model and the face detector, and starts the threads.

        Args:
            threads: by default as many as onnxruntime would use for one photo.

        Raises:
            FerError: the run has no model, or its files are damaged.
        """
        self._run = run
        self._detector = vision.FaceDetector()
        views = (False, True)  # single ones, and test-time augmentation
        self._classifiers = {tta: Classifier.load(run, tta=tta) for tta in views}
        self._provenance = {tta: evaluation.provenance_of(run, tta=tta).record() for tta in views}
        self._threshold = lru_cache(_MAX_THRESHOLDS)(self._find_threshold)
        self._large = threading.BoundedSemaphore(_MAX_LARGE)
        self._requests: deque[PendingRequest] = deque()  # with photos that nobody has begun
        self._changed = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"recognizer-{number}", daemon=True)
            for number in range(threads or default_threads())
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, batch: PhotoBatch, settings: PhotoSettings) -> "Future[Answer]":
        """Returns the answer to come; once that is cancelled, photos not yet begun are dropped."""
        request = PendingRequest(batch, settings, self._write)
        if not batch.photos:
            request.end()
            return request.answer
        with self._changed:
            if self._is_closed:
                request.answer.cancel()
            else:
                self._requests.append(request)
                self._changed.notify()
        return request.answer

    def close(self) -> None:
        """Ends the threads, and cancels the requests that wait."""
        with self._changed:
            self._is_closed = True
            while self._requests:
                self._requests.popleft().answer.cancel()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_END_SECONDS)

    def _work(self) -> None:
        found, together = self._next(wait=True), Round()
        while found is not None:
            self._search(*found, together)
            if together.is_due:
                together.classify()
            found = self._next(wait=together.is_empty)
            if found is None and not together.is_empty:
                together.classify()
                found = self._next(wait=True)

    def _next(self, *, wait: bool) -> tuple[PendingRequest, Photo] | None:
        """Returns a photo to recognize, with its request; None if there is none, or at the end.

        Args:
            wait: until there is one.
        """
        with self._changed:
            while not self._is_closed:
                while self._requests:
                    request = self._requests.popleft()
                    if request.answer.done():  # cancelled, or failed
                        continue
                    photo = request.waiting.popleft()
                    if request.waiting:
                        self._requests.append(request)
                        self._changed.notify()
                    return request, photo
                if not wait:
                    break
                self._changed.wait()
        return None

    def _search(self, request: PendingRequest, photo: Photo, together: Round) -> None:
        """Finds the faces of a photo, which are classified later."""
        settings, began = request.settings, time.perf_counter()
        try:
            with ExitStack() as held:
                image = vision.decode(photo.read(), photo.name, self._admission(held))
                faces = self._find_faces(image, settings)
                classifier = self._classifiers[settings.tta]
                together.add(request, photo, image, faces, classifier=classifier, began=began)
        except FerError as error:
            request.finish(photo, str(error))
        except Exception as error:  # whoever waits for the answer raises it
            request.fail(error)

    def _admission(self, held: ExitStack) -> Callable[[int], None]:
        """Returns what waits while too many large photos are searched; for `vision.decode`.

        Args:
            held: counts the photo until it closes.
        """

        def admit(pixels: int) -> None:
            if pixels > _LARGE_PIXELS:
                held.enter_context(self._large)

        return admit

    def _find_faces(self, image: np.ndarray, settings: PhotoSettings) -> list[vision.Face]:
        if settings.whole:
            return [vision.Face.whole(image)]
        confidence = settings.confidence
        least = vision.MIN_CONFIDENCE if confidence is None else confidence
        return self._detector.detect(image, settings.smallest_face, least)

    def _write(
        self, results: Mapping[str, PhotoResult], errors: Sequence[str], settings: PhotoSettings
    ) -> str:
        """Returns what the Predict page offers as JSON."""
        threshold = self._threshold(settings.tta, settings.min_accuracy)
        if threshold is None:  # without validation predictions: the model always answers
            threshold, settings = 0.0, replace(settings, min_accuracy=0.0)
        return results_json(results, errors, self._provenance[settings.tta], settings, threshold)

    def _find_threshold(self, tta: bool, min_accuracy: float) -> float | None:
        found = evaluation.threshold_of(self._run, tta=tta, min_accuracy=min_accuracy)
        if found is None and tta:  # never measured with it: borrowed from single views
            return evaluation.threshold_of(self._run, min_accuracy=min_accuracy)
        return found
