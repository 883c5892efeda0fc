"""Photos of many requests, recognized together."""

import io
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from fer_core.inference import Classifier, Photo, PhotoBatch, PhotoSettings, read_uploads
from fer_core.runs import Run
from fer_core.service.recognizer import Recognizer
from fer_core.storage import paths
from fer_core.vision import encode

FACE = encode(np.zeros((48, 48, 3), np.uint8))
CROPPED = PhotoSettings(0.8, whole=True)


@pytest.fixture
def recognizer() -> Iterator[Recognizer]:
    found = Recognizer(Run(paths.PROJECT / "fer_core/pretrained/residual-cnn"), threads=1)
    yield found
    found.close()


def photos(count: int) -> PhotoBatch:
    return read_uploads([(f"{n}.png", f"{n}", io.BytesIO(FACE)) for n in range(count)])


def test_requests_take_turns_and_their_faces_are_classified_together(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    predict = Classifier.predict_pixels

    def counted(self: Classifier, pixels: list[np.ndarray]) -> np.ndarray:
        sizes.append(len(pixels))
        return predict(self, pixels)

    monkeypatch.setattr(Classifier, "predict_pixels", counted)
    begins = threading.Event()

    def read_late() -> bytes:
        begins.wait()
        return FACE

    ended: list[str] = []
    answers = []
    first = PhotoBatch((Photo("late.png", "late", read_late),), (), ())
    for name, batch in {"first": first, "large": photos(100), "small": photos(1)}.items():
        answers.append(recognizer.submit(batch, CROPPED))
        answers[-1].add_done_callback(lambda _, name=name: ended.append(name))
    begins.set()
    assert [answer.result().images for answer in answers] == [1, 100, 1]
    recognizer.close()  # after its callbacks
    assert ended.index("small") < ended.index("large")
    assert sum(sizes) == 102 and max(sizes) > 1


def test_a_cancelled_request_is_dropped_and_an_ended_service_takes_none(
    recognizer: Recognizer,
) -> None:
    begins, unread = threading.Event(), []

    def read_late() -> bytes:
        begins.wait()
        return FACE

    late = PhotoBatch((Photo("late.png", "late", read_late),), (), ())
    cancelled = PhotoBatch((Photo("b.png", "b", lambda: unread.append(1) or FACE),), (), ())
    blocking = recognizer.submit(late, CROPPED)
    recognizer.submit(cancelled, CROPPED).cancel()
    begins.set()
    assert blocking.result().images == 1
    assert recognizer.submit(photos(1), CROPPED).result().images == 1
    assert not unread
    recognizer.close()
    assert recognizer.submit(photos(1), CROPPED).cancelled()
