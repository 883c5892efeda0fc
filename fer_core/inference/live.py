"""Faces before a camera, recognised as they come: always in the latest frame, never in a queue."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fer_core.evaluation import NOT_SURE, label_or_abstain
from fer_core.expressions import COLORS
from fer_core.inference.face_log import FaceLog
from fer_core.inference.tracking import Tracked, Tracker
from fer_core.vision import Box, check_rgb, draw_boxes, resize

LONGER_SIDE = 640  # pixels of the picture in which faces are looked for, and which is shown
SPAN = 30.0  # seconds that are remembered
IDLE = 5.0  # seconds without a frame after which the thread ends by itself
_PACE_SPAN = 3.0  # seconds over which the pace is measured
_OLDEST = 3.0  # seconds; an older answer is not drawn, the face has long gone elsewhere
_PATIENCE = 3.0  # seconds for which a face is remembered; a busy machine may answer once a second
_LONGEST_STEP = 1.0  # seconds; where no frame was looked at for longer, no face was missed either
_FACE_COLORS = [color for name, color in COLORS.items() if name != "neutral"]

# Of a frame and its seconds: the boxes of its faces, and their probabilities, (faces, classes).
FrameFunction = Callable[[np.ndarray, float], tuple[Sequence[Box], np.ndarray]]


@dataclass(frozen=True)
class Pace:
    """How fast things go, as measured over the last seconds."""

    frames: float  # a second, that the camera gives
    answers: float  # a second
    age: float | None  # seconds: how old the answer is that is drawn, on average; None without one


@dataclass(frozen=True)
class Moment:
    """The faces of one frame."""

    seconds: float  # when the frame came, by `time.monotonic`
    faces: tuple[Tracked, ...]

    @property
    def largest(self) -> Tracked | None:
        """The face with the largest box."""
        return max(self.faces, key=lambda face: face.box.width * face.box.height, default=None)


class LiveRecognizer:
    """Looks at the latest frame of a camera in a thread of its own, and remembers the last seconds.

    May be shared by threads. The thread begins with the first frame and ends with `end`, or by
    itself when no frame comes any more, so that none is left behind when a camera is gone.
    """

    def __init__(
        self, look: FrameFunction, class_names: Sequence[str], threshold: float = 0.0
    ) -> None:
        """Makes a recogniser that has seen nothing.

        Args:
            look: finds and recognises the faces of an image, uint8 RGB; called by one thread.
            class_names: of the probabilities that it gives.
            threshold: what is less probable is "not sure", in [0, 1]; it may be set later.
        """
        self.class_names = tuple(class_names)
        self.threshold = threshold
        self.mirrored = False  # what is shown, not what is looked at
        self.log = FaceLog(class_names)
        self.records = False  # whether faces go into the log
        self.failure: Exception | None = None  # why the thread ended before its time
        self._look = look
        self._tracker = Tracker(patience=_PATIENCE)
        self._tracked = (0.0, 0.0)  # seconds, of the last frame and of the tracker
        self._changed = threading.Condition()
        self._waiting: tuple[np.ndarray, float] | None = None
        self._thread: threading.Thread | None = None
        self._ending = False
        self._moments: deque[Moment] = deque()
        self._frames: deque[float] = deque(maxlen=300)
        self._ages: deque[tuple[float, float]] = deque(maxlen=300)

    @property
    def is_running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None

    def show(self, image: np.ndarray) -> np.ndarray:
        """Takes a frame and gives it back with the faces of the latest answer; never waits for one.

        A frame that is still waiting to be looked at is dropped for this one.

        Args:
            image: uint8 RGB, (height, width, 3); it is resized to a longer side of `LONGER_SIDE`.

        Raises:
            ValueError: the image is not uint8 RGB.
        """
        check_rgb(image)
        factor = LONGER_SIDE / max(image.shape[:2])
        height, width = (max(1, round(side * factor)) for side in image.shape[:2])
        image = resize(image, height, width)
        return self._drawn(image, self._take(image, time.monotonic()))

    def end(self) -> None:
        """Lets the thread end after the frame in hand; a frame that comes later begins another."""
        with self._changed:
            self._ending = True
            self._waiting = None
            self._moments.clear()
            self._frames.clear()
            self._ages.clear()
            self.failure = None
            self._changed.notify()

    def pace(self) -> Pace:
        """How many frames come and are answered in a second, and how old the answers are."""
        now = time.monotonic()
        with self._changed:
            frames = [seconds for seconds in self._frames if now - seconds < _PACE_SPAN]
            answers = [moment.seconds for moment in self._moments]
            ages = [age for seconds, age in self._ages if now - seconds < _PACE_SPAN]
        recent = [seconds for seconds in answers if now - seconds < _PACE_SPAN]
        return Pace(_rate(frames), _rate(recent), float(np.mean(ages)) if ages else None)

    def silence(self) -> float | None:
        """Seconds since the last frame; None before the first one."""
        with self._changed:
            return time.monotonic() - self._frames[-1] if self._frames else None

    def latest(self) -> Moment | None:
        """The latest answer, unless it is too old to be true."""
        with self._changed:
            return self._latest(time.monotonic())

    def history(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """A face's last seconds.

        Returns:
            Seconds by `time.monotonic`, (n,), and its smoothed probabilities then, (n, classes).
        """
        with self._changed:
            seen = [
                (moment.seconds, face.smoothed)
                for moment in self._moments
                for face in moment.faces
                if face.number == number
            ]
        seconds = np.array([when for when, _ in seen], float)
        return seconds, np.array([row for _, row in seen]).reshape(-1, len(self.class_names))

    def probabilities(self, face: Tracked) -> dict[str, float]:
        """The smoothed probabilities of a face by expression."""
        return dict(zip(self.class_names, face.smoothed.tolist(), strict=True))

    def _take(self, image: np.ndarray, now: float) -> Moment | None:
        """Puts the frame in the place of the one that waits; gives what is to be drawn on it."""
        with self._changed:
            self._waiting = image, now
            self._frames.append(now)
            self._ending = False
            if self._thread is None and self.failure is None:
                self._thread = threading.Thread(target=self._work, name="live", daemon=True)
                self._thread.start()
            self._changed.notify()
            latest = self._latest(now)
            if latest is not None:
                self._ages.append((now, now - latest.seconds))
            return latest

    def _latest(self, now: float) -> Moment | None:
        latest = self._moments[-1] if self._moments else None
        return latest if latest is not None and now - latest.seconds < _OLDEST else None

    def _work(self) -> None:
        try:
            while (frame := self._next()) is not None:
                image, seconds = frame
                boxes, probabilities = self._look(image, seconds)
                self._note(seconds, boxes, probabilities)
        except Exception as error:  # nobody would hear of it in a thread: the page asks for it
            with self._changed:
                self._thread, self.failure = None, error

    def _next(self) -> tuple[np.ndarray, float] | None:
        """The latest frame, waited for; None when the thread has to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._waiting is not None, IDLE)
            frame, self._waiting = self._waiting, None
            if frame is None:
                self._thread = None
            return frame

    def _note(self, seconds: float, boxes: Sequence[Box], probabilities: np.ndarray) -> None:
        last, tracked = self._tracked
        self._tracked = seconds, tracked + min(seconds - last, _LONGEST_STEP)
        faces = self._tracker.update(self._tracked[1], boxes, probabilities)
        moment = Moment(seconds, tuple(faces))
        with self._changed:
            if self._ending:
                return
            self._moments.append(moment)
            while seconds - self._moments[0].seconds > SPAN:
                self._moments.popleft()
            if self.records:
                self.log.add(time.time() - (time.monotonic() - seconds), moment.faces)

    def _drawn(self, image: np.ndarray, moment: Moment | None) -> np.ndarray:
        """The image with boxes, numbers and answers; each face keeps the colour of its number."""
        faces = moment.faces if moment else ()
        boxes = [face.box for face in faces]
        if self.mirrored:
            width = image.shape[1]
            image = np.ascontiguousarray(image[:, ::-1])
            boxes = [Box(width - box.x - box.width, *_rest(box)) for box in boxes]
        labels = [self._label(face) for face in faces]
        colors = [_FACE_COLORS[(face.number - 1) % len(_FACE_COLORS)] for face in faces]
        return draw_boxes(image, boxes, labels, colors)

    def _label(self, face: Tracked) -> str:
        """As many words as there is room for in the picture."""
        said = label_or_abstain(self.probabilities(face), self.threshold)
        share = "" if said == NOT_SURE else f" {100 * face.smoothed.max():.0f} %"
        return f"{face.number} {said}{share}"


def _rest(box: Box) -> tuple[int, int, int]:
    return box.y, box.width, box.height


def _rate(seconds: Sequence[float]) -> float:
    """Events a second, from when they were; 0 for fewer than two."""
    return (len(seconds) - 1) / (seconds[-1] - seconds[0]) if len(seconds) > 1 else 0.0
