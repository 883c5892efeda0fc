"""The live recogniser, with a camera and a network that the tests play."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from fer_core.inference import live
from fer_core.inference.live import FRAME_SIDE, LiveRecognizer
from fer_core.inference.tracking import FrameFaces
from fer_core.vision.detection import FaceDetector
from fer_core.vision.images import Box
from tests.inference.found_faces import frame_faces

NAMES = ("happy", "sad")
FRAME = np.full((480, 640, 3), 40, np.uint8)
BOX = Box(200, 100, 120, 150)
HAPPY = np.array([[0.9, 0.1]])
PATIENCE = 120.0  # seconds; a thread may wait for a busy machine

Look = Callable[[np.ndarray, float], FrameFaces]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def live_threads() -> int:
    return sum(thread.name == "live" for thread in threading.enumerate())


class Network:
    """Gives the same faces to every frame, when it is let; keeps the frames that it was shown."""

    def __init__(self, boxes: Sequence[Box] = (BOX,), rows: np.ndarray = HAPPY) -> None:
        self.boxes, self.rows = boxes, rows
        self.seen: list[int] = []  # the first pixel of each frame
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, image: np.ndarray, seconds: float) -> FrameFaces:
        self.seen.append(int(image[0, 0, 0]))
        assert self.may_answer.wait(PATIENCE)
        return frame_faces(self.boxes, self.rows)


@pytest.fixture
def make() -> Iterator[Callable[..., LiveRecognizer]]:
    """Makes recognisers whose threads end with the test."""
    made: list[LiveRecognizer] = []

    def make(look: Look, threshold: float = 0.0) -> LiveRecognizer:
        made.append(LiveRecognizer(look, NAMES, threshold))
        return made[-1]

    yield make
    for one in made:
        one.end()
    wait_until(lambda: not any(one.is_running for one in made))


def show_until_answered(recognizer: LiveRecognizer) -> np.ndarray:
    """Shows frames until one is answered; gives the next one as it is drawn."""
    recognizer.show(FRAME)
    wait_until(lambda: recognizer.latest() is not None)
    return recognizer.show(FRAME)


def test_a_frame_is_answered_and_the_next_one_shows_it(make: Callable[..., LiveRecognizer]) -> None:
    recognizer = make(Network())
    drawn = show_until_answered(recognizer)
    moment = recognizer.latest()
    assert moment is not None and moment.largest is not None
    assert (moment.largest.number, moment.largest.box) == (1, BOX)
    assert recognizer.probabilities(moment.largest) == pytest.approx({"happy": 0.9, "sad": 0.1})
    assert drawn.shape == FRAME.shape and (drawn != FRAME).any()
    assert not (drawn[300:, 400:] != FRAME[300:, 400:]).any()


def test_frames_that_come_meanwhile_are_dropped_but_for_the_last(
    make: Callable[..., LiveRecognizer],
) -> None:
    network = Network()
    network.may_answer.clear()
    recognizer = make(network)
    recognizer.show(FRAME)
    wait_until(lambda: network.seen == [40])
    started = time.monotonic()
    for value in range(41, 61):
        recognizer.show(np.full_like(FRAME, value))
    assert time.monotonic() - started < PATIENCE / 2  # nothing waited for the network
    network.may_answer.set()
    wait_until(lambda: len(network.seen) > 1)
    wait_until(lambda: recognizer.latest() is not None)
    assert network.seen == [40, 60]


def test_the_pace_tells_frames_from_answers_and_how_old_these_are(
    make: Callable[..., LiveRecognizer],
) -> None:
    def look(image: np.ndarray, seconds: float) -> FrameFaces:
        time.sleep(0.05)  # a network that is slower than the camera
        return frame_faces([BOX], HAPPY)

    recognizer = make(look)
    assert (recognizer.pace().frames, recognizer.pace().age) == (0, None)
    assert recognizer.seconds_since_frame() is None
    while len(recognizer.history(1)[0]) < 5:
        recognizer.show(FRAME)
        time.sleep(0.005)
    pace, silence = recognizer.pace(), recognizer.seconds_since_frame()
    assert pace.frames > 2 * pace.results > 0
    assert pace.results < 25
    assert pace.age is not None and 0.05 <= pace.age < live._MAX_AGE
    assert silence is not None and silence < 1


def test_a_stopped_recogniser_leaves_no_thread_behind(
    make: Callable[..., LiveRecognizer],
) -> None:
    recognizer, before = make(Network()), live_threads()
    for _ in range(10):
        show_until_answered(recognizer)
        assert recognizer.is_running
        recognizer.end()
        wait_until(lambda: live_threads() == before)
        assert recognizer.latest() is None


def test_the_thread_ends_by_itself_when_no_frame_comes_any_more(
    make: Callable[..., LiveRecognizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "IDLE", 0.05)
    recognizer = make(Network())
    recognizer.show(FRAME)
    wait_until(lambda: not recognizer.is_running)
    show_until_answered(recognizer)  # and the next frame begins another


def test_many_starts_and_stops_at_once_leave_one_thread_at_most(
    make: Callable[..., LiveRecognizer],
) -> None:
    recognizer, before = make(Network()), live_threads()

    def start_and_stop() -> None:
        for _ in range(50):
            recognizer.show(FRAME)
            recognizer.end()

    threads = [threading.Thread(target=start_and_stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: live_threads() == before)


def test_what_goes_wrong_in_the_thread_is_told_and_the_video_goes_on(
    make: Callable[..., LiveRecognizer],
) -> None:
    def look(image: np.ndarray, seconds: float) -> FrameFaces:
        raise ValueError("no memory for so many faces")

    recognizer = make(look)
    recognizer.show(FRAME)
    wait_until(lambda: recognizer.failure is not None)
    assert str(recognizer.failure) == "no memory for so many faces"
    assert not (recognizer.show(FRAME) != FRAME).any()
    assert not recognizer.is_running
    recognizer.end()
    assert recognizer.failure is None  # the next start tries again


def test_faces_keep_their_numbers_and_the_largest_is_known(
    make: Callable[..., LiveRecognizer],
) -> None:
    small, large = Box(10, 10, 60, 80), BOX
    network = Network([small, large], np.array([[0.2, 0.8], [0.7, 0.3]]))
    recognizer = make(network)
    show_until_answered(recognizer)
    network.boxes, network.rows = [large, small], network.rows[::-1]
    for _ in range(3):
        known = len(recognizer.history(1)[0])
        recognizer.show(FRAME)
        wait_until(lambda known=known: len(recognizer.history(1)[0]) > known)
    moment = recognizer.latest()
    assert moment is not None and moment.largest is not None
    assert {face.number: face.box for face in moment.faces} == {1: small, 2: large}
    assert moment.largest.number == 2
    seconds, probabilities = recognizer.history(1)
    assert len(seconds) == len(probabilities) >= 3
    assert probabilities == pytest.approx(np.tile([0.2, 0.8], (len(seconds), 1)))


def test_a_face_keeps_its_number_however_long_an_answer_takes(
    make: Callable[..., LiveRecognizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PATIENCE", 0.05)
    monkeypatch.setattr(live, "_MAX_STEP", 0.02)

    def look(image: np.ndarray, seconds: float) -> FrameFaces:
        time.sleep(0.1)
        return frame_faces([BOX], HAPPY)

    recognizer = make(look)
    while len(recognizer.history(1)[0]) < 3:
        show_until_answered(recognizer)
    moment = recognizer.latest()
    assert moment is not None and [face.number for face in moment.faces] == [1]


def test_what_is_remembered_is_no_longer_than_the_span(
    make: Callable[..., LiveRecognizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HISTORY_SECONDS", 0.05)
    recognizer = make(Network())
    for _ in range(20):
        show_until_answered(recognizer)
        time.sleep(0.01)
    seconds, _ = recognizer.history(1)
    assert 0 < len(seconds) < 20
    assert seconds[-1] - seconds[0] <= 0.05


def test_faces_are_recorded_only_where_that_is_asked_for(
    make: Callable[..., LiveRecognizer],
) -> None:
    recognizer = make(Network())
    show_until_answered(recognizer)
    assert len(recognizer.log) == 0
    recognizer.is_recording = True
    recognizer.show(FRAME)
    wait_until(lambda: len(recognizer.log) > 0)
    recognizer.end()
    row = recognizer.log.table().iloc[0]
    assert (row["face"], row["x"], row["p_happy"], row["expression"]) == (1, 200, 0.9, "happy")


def test_a_mirrored_picture_has_its_boxes_and_not_its_words_mirrored(
    make: Callable[..., LiveRecognizer],
) -> None:
    recognizer = make(Network())
    plain = show_until_answered(recognizer)
    recognizer.mirrored = True
    mirrored = recognizer.show(FRAME)
    right = 640 - BOX.x - BOX.width
    below = slice(BOX.y + 5, BOX.y + BOX.height)  # the label is above the box
    assert (mirrored[below, right : right + 2] != 40).any()
    assert not (mirrored[below, ::-1] != plain[below]).any()
    assert (mirrored[: BOX.y, ::-1] != plain[: BOX.y]).any()


def test_what_is_not_sure_is_called_so_in_the_picture(
    make: Callable[..., LiveRecognizer],
) -> None:
    recognizer = make(Network(), threshold=0.5)
    sure = show_until_answered(recognizer)
    recognizer.threshold = 0.95
    assert (recognizer.show(FRAME) != sure).any()


@pytest.mark.parametrize("shape", [(240, 320, 3), (720, 1280, 3), (640, 360, 3), (1, 5000, 3)])
def test_frames_of_any_size_are_looked_at_in_one_size(
    make: Callable[..., LiveRecognizer], shape: tuple[int, int, int]
) -> None:
    shapes: list[tuple[int, ...]] = []

    def look(image: np.ndarray, seconds: float) -> FrameFaces:
        shapes.append(image.shape)
        return frame_faces([], np.empty((0, 2)))

    show_until_answered(make(look))
    shapes.clear()
    recognizer = make(look)
    recognizer.show(np.zeros(shape, np.uint8))
    wait_until(lambda: bool(shapes))
    assert max(shapes[0]) == FRAME_SIDE


def test_what_is_no_picture_is_refused(make: Callable[..., LiveRecognizer]) -> None:
    with pytest.raises(ValueError, match="must be uint8 RGB"):
        make(Network()).show(np.zeros((10, 10), np.uint8))


def test_the_face_of_a_real_video_is_named_frame_after_frame(
    make: Callable[..., LiveRecognizer], photos_dir: Path
) -> None:
    import cv2

    from fer_core.vision.detection import FaceDetector
    from fer_core.vision.video_detection import FaceFollower

    follower = FaceFollower(FaceDetector())

    def look(image: np.ndarray, seconds: float) -> FrameFaces:
        boxes = [face.box for face in follower.find(image, seconds)]
        return frame_faces(boxes, np.tile([0.6, 0.4], (len(boxes), 1)))

    film = cv2.VideoCapture(str(photos_dir / "face_pexels.mp4"))
    recognizer = make(look)
    recognizer.is_recording = True
    for _ in range(12):
        seen = len(recognizer.log)
        recognizer.show(np.ascontiguousarray(film.read()[1][..., ::-1]))
        wait_until(lambda seen=seen: len(recognizer.log) > seen)
    assert set(recognizer.log.table()["face"]) == {1}


@pytest.mark.parametrize("size", [(1, 1), (1, 1088), (1920, 1), (3, 2)])
def test_frames_of_absurd_sizes_are_shown(size: tuple[int, int]) -> None:
    detector = FaceDetector()
    recognizer = LiveRecognizer(
        lambda image, seconds: frame_faces(
            [face.box for face in detector.detect(image)], np.empty((0, 2))
        ),
        NAMES,
    )
    try:
        shown = recognizer.show(np.zeros((*size, 3), np.uint8))
        wait_until(lambda: recognizer.latest() is not None or recognizer.failure is not None)
        assert recognizer.failure is None
        assert max(shown.shape) == FRAME_SIDE
    finally:
        recognizer.end()
