"""Recognition through time: the faces of a film with their numbers, a table, the annotated film."""

import csv
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

import numpy as np

from fer_core.evaluation import COLOR, NOT_SURE, label_or_abstain
from fer_core.expressions import colors
from fer_core.inference.recognition import Classifier, cut_out
from fer_core.inference.tracking import PATIENCE, Tracked, Tracker
from fer_core.inference.video_io import Frame, VideoReader, VideoWriter
from fer_core.inference.videos import Summary, Video, VideoSettings
from fer_core.runs import COMPLETED, STOPPED, open_run
from fer_core.storage import replacing, write_json
from fer_core.tasks import Progress, Task, stop_if_asked
from fer_core.vision import (
    CONFIDENCE,
    Box,
    Cuts,
    Face,
    FaceDetector,
    FaceFollower,
    crop_face,
    draw_boxes,
    encode,
    resize,
)

BATCH = 16  # frames through the classifier at once: 44 MB of the largest
PORTRAIT = 160  # pixels a side
SEEN_LEAST = 0.5  # seconds; what is seen for less gets no portrait
_SAY_EVERY = 1.0  # seconds
_SCREEN = (640, 1280)  # pixels of the longer side of the annotated film, least and most
_LARGER = 1.2  # of the side of a face, for another portrait of it

Tell = Callable[[Progress], bool]  # whether the work is to go on


def columns(class_names: Sequence[str]) -> list[str]:
    """Of the table: a row per face and frame, in the order of time.

    `seconds` and `frame` (from 0) in the film, `face` (from 1), the box in pixels of the video as
    it is shown, the detector's `confidence`; probabilities of this frame alone and smoothed over
    time; the most probable `expression` by the smoothed ones, and `answer`: the same, or "not
    sure".
    """
    return [
        *("seconds", "frame", "face", "x", "y", "width", "height", "confidence"),
        *(f"p_{name}" for name in class_names),
        *(f"smoothed_{name}" for name in class_names),
        *("expression", "answer"),
    ]


def run_video(task: Task) -> None:
    """Does a task of kind "video"; see `videos.submit_video`.

    The video itself is removed when the work has come to an end, whichever, but not when the
    process was killed.

    Raises:
        ValueError: as `recognize_video`; the run is gone.
        StoppedError: it was stopped before a frame was looked at.
    """
    video = Video(task.directory)
    _remove_halves(video)
    try:
        task.save_progress(Progress(0, 0, "frames", "TensorFlow is being loaded"))
        classifier = Classifier.load(open_run(video.run_id), averaged=video.settings.averaged)
        with VideoReader(video.source, video.name) as film:
            stop_if_asked(task)
            summary = recognize_video(film, video, FaceDetector(), classifier, _teller(task))
    finally:
        video.source.unlink(missing_ok=True)
    write_json(task.directory / "result.json", asdict(summary))


def recognize_video(
    film: VideoReader, video: Video, detector: FaceDetector, classifier: Classifier, tell: Tell
) -> Summary:
    """Writes the table, the annotated film and the portraits of a video's faces.

    Stopped, it keeps what was done until then.

    Args:
        tell: called with the progress after every batch of frames.

    Raises:
        ValueError: nothing of the film can be decoded; the settings are damaged.
    """
    settings, started = video.settings, time.monotonic()
    looker = _FramePipeline(detector, classifier, settings, film)
    pace = _Pace(film.frames, started)
    reason = COMPLETED
    with (
        replacing(video.annotated_file, durable=False) as temporary,
        VideoWriter(temporary) as writer,
        video.table_file.open("w", encoding="utf-8", newline="") as table,
    ):
        output = _Output(video, writer, table, film.scale, classifier.class_names)
        for frames in _batches(film.read(settings.every), BATCH):
            for frame, faces in looker.look(frames):
                output.add(frame, faces)
            table.flush()
            if not tell(pace.progress(frames[-1], output.frames)):
                reason = STOPPED
                break
    height, width = (round(side / film.scale) for side in output.shape)
    return Summary(
        reason=reason,
        frames=output.frames,
        seconds=round(film.reached, 3),
        faces=looker.faces,
        rows=output.rows,
        damaged=film.damaged,
        film_seconds=film.seconds,
        width=width,
        height=height,
        rate=round(output.frames / max(1e-6, time.monotonic() - started), 2),
        class_names=classifier.class_names,
        threshold=settings.threshold,
    )


class _FramePipeline:
    """Finds, recognises and numbers the faces of a film."""

    def __init__(
        self,
        detector: FaceDetector,
        classifier: Classifier,
        settings: VideoSettings,
        film: VideoReader,
    ) -> None:
        smallest = settings.smallest_face and max(1, round(settings.smallest_face * film.scale))
        self._follower = FaceFollower(detector, smallest, settings.confidence or CONFIDENCE)
        self._classifier = classifier
        self._cuts = Cuts()
        # A face may be missed in two of the frames that are looked at, however few these are.
        pause = settings.every * film.step
        self._tracker = Tracker(settings.time_constant, max(PATIENCE, 3 * pause))
        self.faces = 0  # that were told apart so far

    def look(self, frames: Sequence[Frame]) -> Iterator[tuple[Frame, list[tuple[Face, Tracked]]]]:
        """The faces of the next frames, all through the classifier at once."""
        cuts = [self._cuts.begins(frame.image) for frame in frames]
        found = [
            self._follower.find(frame.image, frame.seconds, anew=cut)
            for frame, cut in zip(frames, cuts, strict=True)
        ]
        crops = [
            cut_out(frame.image, face)
            for frame, faces in zip(frames, found, strict=True)
            for face in faces
        ]
        probabilities = self._classifier.predict(crops)
        for frame, faces, cut in zip(frames, found, cuts, strict=True):
            if cut:
                self._tracker.forget()
            own, probabilities = np.split(probabilities, [len(faces)])
            tracked = self._tracker.update(frame.seconds, [face.box for face in faces], own)
            self.faces = max([self.faces, *(one.number for one in tracked)])
            yield frame, list(zip(faces, tracked, strict=True))


class _Output:
    """Writes what was recognised: rows, annotated frames, portraits."""

    def __init__(
        self,
        video: Video,
        film: VideoWriter,
        table: IO[str],
        scale: float,
        class_names: tuple[str, ...],
    ) -> None:
        self._video, self._film, self._scale = video, film, scale
        self._names, self._threshold = class_names, video.settings.threshold
        self._colors = dict(zip(self._names, colors(self._names), strict=True)) | {NOT_SURE: COLOR}
        self._sides: dict[int, int] = {}  # pixels of the largest portrait of each face
        self._table = csv.writer(table, lineterminator="\n")
        self._table.writerow(columns(self._names))
        self.frames, self.rows = 0, 0
        self.shape = (0, 0)  # (height, width) of the frames

    def add(self, frame: Frame, faces: Sequence[tuple[Face, Tracked]]) -> None:
        """Adds a frame and its faces."""
        answers = []
        for face, tracked in faces:
            smoothed = dict(zip(self._names, tracked.smoothed.tolist(), strict=True))
            answers.append(label_or_abstain(smoothed, self._threshold))
            self._add_row(frame, face, tracked, answers[-1])
            self._keep_portrait(frame, tracked)
        self._film.add(self._drawn(frame.image, faces, answers), frame.seconds)
        self.frames += 1
        self.shape = frame.image.shape[:2]

    def _drawn(
        self, image: np.ndarray, faces: Sequence[tuple[Face, Tracked]], answers: Sequence[str]
    ) -> np.ndarray:
        boxes = [tracked.box for _, tracked in faces]
        numbers = [tracked.number for _, tracked in faces]
        labels = [f"{number} {said}" for number, said in zip(numbers, answers, strict=True)]
        return draw_boxes(image, boxes, labels, [self._colors[said] for said in answers], _SCREEN)

    def _add_row(self, frame: Frame, face: Face, tracked: Tracked, said: str) -> None:
        box = face.box.scaled(1 / self._scale)
        self._table.writerow(
            [f"{frame.seconds:.3f}", frame.number, tracked.number]
            + [box.x, box.y, box.width, box.height, f"{face.confidence:.3f}"]
            + [f"{p:.4f}" for p in (*tracked.probabilities, *tracked.smoothed)]
            + [self._names[int(tracked.smoothed.argmax())], said]
        )
        self.rows += 1

    def _keep_portrait(self, frame: Frame, tracked: Tracked) -> None:
        """Keeps the face's picture where it is much larger than the one that is kept."""
        side = min(tracked.box.width, tracked.box.height)
        lasting = frame.seconds - tracked.since >= SEEN_LEAST
        if not lasting or side < _LARGER * self._sides.get(tracked.number, 0):
            return
        if tracked.number in self._sides and not _is_whole(tracked.box, frame.image):
            return
        self._sides[tracked.number] = side
        file = self._video.portrait_file(tracked.number)
        file.parent.mkdir(exist_ok=True)
        portrait = resize(crop_face(frame.image, tracked.box, 0.3), PORTRAIT, PORTRAIT)
        with replacing(file, durable=False) as temporary:
            temporary.write_bytes(encode(portrait, "JPEG"))


def _is_whole(box: Box, image: np.ndarray) -> bool:
    """Whether the border does not cut it off."""
    height, width = image.shape[:2]
    inside = box.x >= 0 and box.x + box.width <= width
    return inside and box.y >= 0 and box.y + box.height <= height


class _Pace:
    """How far the work is, how fast it goes and when it ends."""

    def __init__(self, total: int | None, started: float) -> None:
        self._total, self._started = total, started
        self._last = (started, 0)  # a moment some seconds ago, and the frames then

    def progress(self, frame: Frame, looked_at: int) -> Progress:
        """After a frame, the so-and-so-many-th that was looked at."""
        now, done = time.monotonic(), frame.number + 1
        since, before = self._last
        rate = (looked_at - before) / max(1e-6, now - since)
        if now - since > 5 * _SAY_EVERY:
            self._last = (now, looked_at)
        total = max(done, self._total or 0)
        left = (total - done) * (now - self._started) / done if self._total else None
        of = f"of {total:,} frames" if self._total else "frames"
        message = f"{done:,} {of}"
        return Progress(done, total if self._total else 0, "frames", message, rate, left)


def _teller(task: Task) -> Tell:
    """Saves a task's progress about once a second, and says whether it goes on."""
    last = 0.0

    def tell(progress: Progress) -> bool:
        nonlocal last
        if time.monotonic() - last >= _SAY_EVERY:
            last = time.monotonic()
            task.save_progress(progress)
        return not task.stop_requested

    return tell


def _batches(frames: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _remove_halves(video: Video) -> None:
    """What an attempt left that was killed."""
    for half in video.directory.glob(f".{video.annotated_file.stem}.*"):
        half.unlink(missing_ok=True)
    shutil.rmtree(Path(video.portrait_file(1)).parent, ignore_errors=True)
    (video.directory / "result.json").unlink(missing_ok=True)
