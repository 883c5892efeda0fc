"""Recognizes faces in live frames: always in the latest one, without a queue."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakSet

import numpy as np

from fer_core.evaluation import NOT_SURE
from fer_core.expressions import COLORS
from fer_core.inference.face_log import FaceLog
from fer_core.inference.tracking import FrameFaces, TrackedFace, Tracker
from fer_core.vision import check_rgb, draw_boxes, resize

MAX_RUNNING = 16  # recognizers of a process that may run at once; each takes up to 60 MB
FRAME_SIDE = 640  # pixels of the longer side of the frames that are searched and shown
HISTORY_SECONDS = 30.0
IDLE = 5.0  # seconds without a frame after which the thread ends
_PACE_SECONDS = 3.0  # over which the pace is measured
_MAX_AGE = 3.0  # seconds; older results are not drawn, since faces have moved on
_PATIENCE = 3.0  # seconds for which a missed face keeps its number; a busy machine is slow
_MAX_STEP = 1.0  # seconds; a longer pause between processed frames does not age faces
_FACE_COLORS = [color for name, color in COLORS.items() if name != "neutral"]

# From a frame and its time to its faces.
FrameFunction = Callable[[np.ndarray, float], FrameFaces]


@dataclass(frozen=True)
class Pace:
    """Measures the speed of the recognizer over the last seconds."""

    frames: float  # received a second
    results: float  # frames processed a second
    age: float | None  # seconds: mean age of the result that is drawn; None without one


@dataclass(frozen=True)
class FrameResult:
    """Holds the faces of one frame."""

    seconds: float  # when the frame arrived, by `time.monotonic`
    faces: tuple[TrackedFace, ...]

    @property
    def largest(self) -> TrackedFace | None:
        """Returns the face with the largest box."""
        return max(self.faces, key=lambda face: face.box.width * face.box.height, default=None)


_recognizers: "WeakSet[LiveRecognizer]" = WeakSet()


def running_recognizers() -> int:
    """Returns how many recognizers of this process have a thread."""
    return sum(each.is_running for each in list(_recognizers))


class LiveRecognizer:
    """Processes the latest frame of a camera in a background thread. Thread-safe.

    Keeps the results of the last seconds. The thread starts with the first frame and ends with
    `end`, or when frames stop coming, so that none is left behind when a camera is gone.
    """

    def __init__(
        self, recognize: FrameFunction, class_names: Sequence[str], threshold: float = 0.0
    ) -> None:
        """Starts without frames or a thread.

        Args:
            recognize: finds and classifies the faces of a uint8 RGB image; called by one thread.
            class_names: of its probabilities.
            threshold: probability below which the answer is "not sure"; may be changed later.
        """
        self.class_names = tuple(class_names)
        self.threshold = threshold
        self.mirrored = False  # on the screen only
        self.log = FaceLog(class_names)
        self.is_recording = False  # whether faces go into the log
        self.failure: Exception | None = None  # that ended the thread
        self._recognize = recognize
        self._tracker = Tracker(patience=_PATIENCE)
        self._clocks = (0.0, 0.0)  # seconds: of the last frame, and of the tracker
        self._changed = threading.Condition()
        self._waiting: tuple[np.ndarray, float] | None = None
        self._thread: threading.Thread | None = None
        self._ending = False
        self._results: deque[FrameResult] = deque()
        self._frames: deque[float] = deque(maxlen=300)
        self._ages: deque[tuple[float, float]] = deque(maxlen=300)
        _recognizers.add(self)

    @property
    def is_running(self) -> bool:
        """Tells whether the thread exists."""
        return self._thread is not None

    def show(self, image: np.ndarray) -> np.ndarray:
        """Queues a frame and returns it with the faces of the latest result, without waiting.

        Replaces a frame that is still waiting to be processed.

        Args:
            image: uint8 RGB, (height, width, 3); it is resized to a longer side of `FRAME_SIDE`.

        Raises:
            FerError: the image is not uint8 RGB.
        """
        check_rgb(image)
        factor = FRAME_SIDE / max(image.shape[:2])
        height, width = (max(1, round(side * factor)) for side in image.shape[:2])
        image = resize(image, height, width)
        return self._draw(image, self._accept(image, time.monotonic()))

    def end(self) -> None:
        """Ends the thread after the current frame; a later frame starts another."""
        with self._changed:
            self._ending = True
            self._waiting = None
            self._results.clear()
            self._frames.clear()
            self._ages.clear()
            self.failure = None
            self._changed.notify()

    def pace(self) -> Pace:
        """Returns how many frames arrive and are processed a second, and the age of the results."""
        now = time.monotonic()
        with self._changed:
            frames = [seconds for seconds in self._frames if now - seconds < _PACE_SECONDS]
            results = [result.seconds for result in self._results]
            ages = [age for seconds, age in self._ages if now - seconds < _PACE_SECONDS]
        recent = [seconds for seconds in results if now - seconds < _PACE_SECONDS]
        return Pace(_rate(frames), _rate(recent), float(np.mean(ages)) if ages else None)

    def seconds_since_frame(self) -> float | None:
        """Returns the seconds since the last frame; None before the first."""
        with self._changed:
            return time.monotonic() - self._frames[-1] if self._frames else None

    def latest(self) -> FrameResult | None:
        """Returns the latest result, unless it is too old to be true."""
        with self._changed:
            return self._fresh_result(time.monotonic())

    def history(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the last seconds of a face.

        Returns:
            Times by `time.monotonic`, (n,), and smoothed probabilities, (n, classes).
        """
        with self._changed:
            rows = [
                (result.seconds, face.smoothed)
                for result in self._results
                for face in result.faces
                if face.number == number
            ]
        seconds = np.array([time for time, _ in rows], float)
        return seconds, np.array([row for _, row in rows]).reshape(-1, len(self.class_names))

    def probabilities(self, face: TrackedFace) -> dict[str, float]:
        """Returns the smoothed probabilities of a face by expression."""
        return dict(zip(self.class_names, face.smoothed.tolist(), strict=True))

    def _accept(self, image: np.ndarray, now: float) -> FrameResult | None:
        """Makes the frame the next to process, and returns the result to draw on it."""
        with self._changed:
            self._waiting = image, now
            self._frames.append(now)
            self._ending = False
            if self._thread is None and self.failure is None:
                self._thread = threading.Thread(
                    target=self._process_frames, name="live", daemon=True
                )
                self._thread.start()
            self._changed.notify()
            latest = self._fresh_result(now)
            if latest is not None:
                self._ages.append((now, now - latest.seconds))
            return latest

    def _fresh_result(self, now: float) -> FrameResult | None:
        latest = self._results[-1] if self._results else None
        return latest if latest is not None and now - latest.seconds < _MAX_AGE else None

    def _process_frames(self) -> None:
        try:
            while (frame := self._next_frame()) is not None:
                image, seconds = frame
                self._add_result(seconds, self._recognize(image, seconds))
        except Exception as error:  # a thread cannot report it: the page asks for it
            with self._changed:
                self._thread, self.failure = None, error

    def _next_frame(self) -> tuple[np.ndarray, float] | None:
        """Waits for the latest frame; returns None if the thread must end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._waiting is not None, IDLE)
            frame, self._waiting = self._waiting, None
            if frame is None:
                self._thread = None
            return frame

    def _add_result(self, seconds: float, found: FrameFaces) -> None:
        last, tracker_clock = self._clocks
        self._clocks = seconds, tracker_clock + min(seconds - last, _MAX_STEP)
        faces = self._tracker.follow(self._clocks[1], found)
        result = FrameResult(seconds, tuple(faces))
        with self._changed:
            if self._ending:
                return
            self._results.append(result)
            while seconds - self._results[0].seconds > HISTORY_SECONDS:
                self._results.popleft()
            if self.is_recording:
                self.log.add(time.time() - (time.monotonic() - seconds), result.faces)

    def _draw(self, image: np.ndarray, result: FrameResult | None) -> np.ndarray:
        """Draws boxes, numbers and answers; a face keeps the color of its number."""
        faces = result.faces if result else ()
        boxes = [face.box for face in faces]
        if self.mirrored:
            width = image.shape[1]
            image = np.ascontiguousarray(image[:, ::-1])
            boxes = [replace(box, x=width - box.x - box.width) for box in boxes]
        labels = [self._label(face) for face in faces]
        colors = [_FACE_COLORS[(face.number - 1) % len(_FACE_COLORS)] for face in faces]
        return draw_boxes(image, boxes, labels, colors)

    def _label(self, face: TrackedFace) -> str:
        answer = face.answer(self.class_names, self.threshold)
        percent = "" if answer == NOT_SURE else f" {100 * face.smoothed.max():.0f} %"
        return f"{face.number} {answer}{percent}"


def _rate(seconds: Sequence[float]) -> float:
    """Returns events a second from their times; 0 for fewer than two."""
    return (len(seconds) - 1) / (seconds[-1] - seconds[0]) if len(seconds) > 1 else 0.0
