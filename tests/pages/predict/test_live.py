"""The live camera on the page Predict, without a browser: the tests play the camera."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.errors import FerError
from fer_core.inference.live import LiveRecognizer
from fer_core.inference.tracking import FrameFaces
from fer_core.runs.run import Run
from fer_core.vision.images import Box
from pages.components.predict import live_view
from pages.components.predict.camera_check import GRANTED
from tests.inference.found_faces import frame_faces
from tests.pages.conftest import PageOpener, RunFactory, rerun

NAMES = ("happy", "sad")
FRAME = np.zeros((360, 640, 3), np.uint8)
BOXES = [Box(100, 100, 60, 80), Box(300, 90, 100, 130)]
ROWS = np.array([[0.1, 0.9], [0.625, 0.375]])


@pytest.fixture
def run(finished_run: RunFactory) -> Run:
    return finished_run()


@pytest.fixture
def page(run: Run, open_page: PageOpener) -> AppTest:
    """The page with the camera chosen, and off."""
    app = open_page("predict", run=run.id)
    app.segmented_control[0].set_value("Live")
    return rerun(app)


Recognizers = Callable[..., LiveRecognizer]
Camera = Callable[..., list[bool]]


@pytest.fixture
def seen() -> Iterator[Recognizers]:
    """Makes recognizers that have looked at a frame, and ends them with the test."""
    made: list[LiveRecognizer] = []

    def make(boxes: Sequence[Box] = BOXES, rows: np.ndarray = ROWS) -> LiveRecognizer:
        recognizer = LiveRecognizer(lambda image, seconds: frame_faces(boxes, rows), NAMES)
        made.append(recognizer)
        recognizer.is_recording = True
        recognizer.show(FRAME)
        wait_until(lambda: recognizer.latest() is not None)
        return recognizer

    yield make
    for one in made:
        one.end()
    wait_until(lambda: not any(one.is_running for one in made))


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    """Sets what the browser answers and what is filmed with; gives whether it was wanted."""

    def play(
        answer: str | None, live: LiveRecognizer | None = None, *, connects: bool = True
    ) -> list[bool]:
        films: list[bool] = []
        live = live or LiveRecognizer(lambda image, seconds: frame_faces(BOXES, ROWS), NAMES)
        monkeypatch.setattr(
            live_view, "camera_check", lambda attempt, in_use: answer if attempt else None
        )
        monkeypatch.setattr(live_view, "live_recognizer", lambda options: live)
        monkeypatch.setattr(live_view, "stream", lambda live, wanted: films.append(wanted))
        monkeypatch.setattr(live_view, "_LAYOUT_DELAY", 0.0)
        monkeypatch.setattr(live_view, "is_connected", lambda: connects)
        monkeypatch.setattr(live_view, "is_opened", lambda: False)
        return films

    return play


def switch_on(page: AppTest) -> AppTest:
    page.toggle(key="live-on").set_value(True)
    return rerun(page)


def test_the_camera_is_off_until_it_is_switched_on_and_nothing_is_loaded_for_it(
    run: Run, open_page: PageOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "streamlit_webrtc", raising=False)
    page = open_page("predict", run=run.id)
    page.segmented_control[0].set_value("Live")
    rerun(page)
    assert not page.toggle(key="live-on").value
    assert any("not stored" in caption.value for caption in page.caption)
    assert "streamlit_webrtc" not in sys.modules


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("NotAllowedError", "The browser denies this page access to the camera."),
        ("NotFoundError", "No camera was found."),
        ("NotReadableError", "another program may be using it"),
        ("InsecureContext", "on `localhost` or over https"),
        ("AbortError", "The camera cannot be started: AbortError."),
    ],
)
def test_a_camera_that_is_not_given_gets_a_sentence(
    page: AppTest, camera: Camera, answer: str, sentence: str
) -> None:
    filmed = camera(answer)
    switch_on(page)
    assert sentence in page.error[0].value
    assert not filmed


def test_while_the_browser_asks_the_page_says_so(page: AppTest, camera: Camera) -> None:
    camera(None)
    switch_on(page)
    assert "The browser may ask" in page.info[0].value


def test_the_largest_face_is_told_of_and_another_can_be_chosen(
    page: AppTest, camera: Camera, seen: Recognizers
) -> None:
    recognizer = seen()
    filmed = camera(GRANTED, recognizer)
    switch_on(page)
    assert filmed == [True]
    assert "2 · not sure (happy 62 %, sad 38 %)" in told(page)
    page.segmented_control(key="live-face").set_value(1)
    recognizer.show(FRAME)
    rerun(page)
    assert "1 · not sure (sad 90 %" in told(page)


def test_without_a_face_the_page_says_so(page: AppTest, camera: Camera, seen: Recognizers) -> None:
    camera(GRANTED, seen([], np.empty((0, 2))))
    switch_on(page)
    assert "No face" in told(page)


def test_a_connection_that_does_not_come_is_given_up_with_a_sentence(
    page: AppTest, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    filmed = camera(GRANTED, connects=False)
    monkeypatch.setattr(live_view, "PATIENCE", -1.0)
    switch_on(page)
    assert "a firewall or a VPN may block" in page.error[0].value
    assert filmed == [True, False]


def test_a_connection_is_waited_for(page: AppTest, camera: Camera) -> None:
    filmed = camera(GRANTED, connects=False)
    switch_on(page)
    assert "Connecting" in page.info[0].value
    assert filmed == [True]


def test_the_video_connects_when_its_place_is_laid_out(
    page: AppTest, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    filmed = camera(GRANTED, connects=False)
    monkeypatch.setattr(live_view, "_LAYOUT_DELAY", 60.0)
    switch_on(page)
    assert filmed == [False]
    monkeypatch.setattr(live_view, "_LAYOUT_DELAY", 0.0)
    rerun(page)
    assert filmed == [False, True]


def test_what_ends_the_recognizer_is_told(page: AppTest, camera: Camera) -> None:
    def look(image: np.ndarray, seconds: float) -> FrameFaces:
        raise FerError("The frame is empty.")

    recognizer = LiveRecognizer(look, NAMES)
    recognizer.show(FRAME)
    wait_until(lambda: recognizer.failure is not None)
    camera(GRANTED, recognizer)
    switch_on(page)
    assert "Recognition stopped: The frame is empty." in page.error[0].value


def test_the_table_can_be_had_after_the_camera_is_off_and_be_cleared(
    page: AppTest, camera: Camera, seen: Recognizers
) -> None:
    recognizer = seen()
    camera(GRANTED, recognizer)
    switch_on(page)
    page.toggle(key="live-on").set_value(False)
    recognizer.end()
    rerun(page)
    assert any("2 rows" in caption.value for caption in page.caption)
    assert page.get("download_button")
    next(button for button in page.button if button.label == "Clear table").click()
    rerun(page)
    assert not page.get("download_button")


def told(page: AppTest) -> str:
    return "\n".join(text.value for text in page.markdown)


def test_more_cameras_than_the_computer_can_follow_get_a_sentence(
    page: AppTest, camera: Camera, seen: Recognizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen()
    monkeypatch.setattr(live_view, "MAX_RUNNING", 1)
    films = camera("granted")
    switch_on(page)
    assert "1 cameras are already in use" in page.warning[0].value
    assert films == []
