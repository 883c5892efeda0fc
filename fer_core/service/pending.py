"""A request whose photos are being recognized, and its answer."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from fer_core.inference import Photo, PhotoBatch, PhotoResult, PhotoSettings


@dataclass(frozen=True)
class Answer:
    """Holds the answer to a request."""

    text: str  # JSON, as the Predict page offers it for download
    images: int  # that could be read
    errors: tuple[str, ...]  # a sentence for each file that could not


# Makes the text of an answer from results by photo name, errors and settings.
Writer = Callable[[Mapping[str, PhotoResult], Sequence[str], PhotoSettings], str]


class PendingRequest:
    """Collects the results of a request's photos, which several threads find. Thread-safe."""

    def __init__(self, batch: PhotoBatch, settings: PhotoSettings, write: Writer) -> None:
        """Starts without results."""
        self.settings = settings
        self.answer: Future[Answer] = Future()  # cancelled by whoever no longer waits for it
        self.waiting = deque(batch.photos)  # that nobody has begun
        self._batch = batch
        self._write = write
        self._outcomes: dict[str, PhotoResult | str] = {}  # or a sentence, by photo name
        self._lock = threading.Lock()

    def finish(self, photo: Photo, outcome: PhotoResult | str) -> None:
        """Adds a photo's result, or a sentence about why it has none; the last one answers."""
        with self._lock:
            self._outcomes[photo.name] = outcome
            is_last = len(self._outcomes) == len(self._batch.photos)
        if is_last:
            self.end()

    def end(self) -> None:
        """Answers with the results of all photos."""
        outcomes = [(photo.name, self._outcomes[photo.name]) for photo in self._batch.photos]
        results = {name: each for name, each in outcomes if isinstance(each, PhotoResult)}
        errors = (*self._batch.errors, *(each for _, each in outcomes if isinstance(each, str)))
        try:
            answer = Answer(self._write(results, errors, self.settings), len(results), errors)
        except Exception as error:  # whoever waits for the answer raises it
            self.fail(error)
            return
        if self._is_awaited():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Ends the request with an error."""
        if self._is_awaited():
            self.answer.set_exception(error)

    def _is_awaited(self) -> bool:
        with self._lock:
            return (
                not self.answer.done()
                and not self.answer.running()
                and (self.answer.set_running_or_notify_cancel())
            )
