"""Processes a video: tracks and recognizes its faces, writes a table and an annotated video."""

import csv
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from fer_core.evaluation import COLOR, NOT_SURE
from fer_core.expressions import colors
from fer_core.inference.recognition import Classifier
from fer_core.inference.tracking import TrackedFace
from fer_core.inference.tracking_pipeline import TrackingPipeline, batched_frames
from fer_core.inference.video_io import Frame, VideoReader, VideoWriter
from fer_core.inference.video_table import face_cells, table_columns
from fer_core.inference.videos import Summary, Video
from fer_core.runs import COMPLETED, STOPPED, open_run
from fer_core.storage import replacing, write_json
from fer_core.tasks import Progress, ProgressReporter, Task, raise_if_stopped
from fer_core.vision import (
    Box,
    Face,
    FaceDetector,
    crop_face,
    draw_boxes,
    encode,
    resize,
)

PORTRAIT = 160  # pixels a side
MIN_PORTRAIT_SECONDS = 0.5  # a face that appears for less gets no portrait
_MAX_PORTRAITS = 1000  # 10 KB each; a flickering video has a new face in every second frame
_RATE_SECONDS = 5.0  # over which the frames processed a second are measured
_SIDE_RANGE = (640, 1280)  # pixels of the longer side of the annotated video
_MIN_GROWTH = 1.2  # of the side of a face, to replace its portrait

Report = Callable[[Progress], bool]  # returns whether to continue


def run_video(task: Task) -> None:
    """Runs a task of kind "video"; called by the worker. See `videos.submit_video`.

    Removes the uploaded video at the end, with or without success, but not if the process is
    killed.

    Raises:
        FerError: as `recognize_video`; the run is gone.
        CancelledError: the task was stopped before the first frame.
    """
    video = Video(task.directory)
    _remove_partial_files(video)
    try:
        task.save_progress(Progress(0, 0, "frames", "Loading the model"))
        classifier = Classifier.load(open_run(video.run_id), tta=video.settings.tta)
        with VideoReader(video.source, video.name) as reader:
            raise_if_stopped(task)
            summary = recognize_video(reader, video, FaceDetector(), classifier, _reporter(task))
    except Exception:
        _remove_partial_files(video)
        raise
    finally:
        video.source.unlink(missing_ok=True)
    write_json(task.directory / "result.json", summary.to_record())


def recognize_video(
    reader: VideoReader,
    video: Video,
    detector: FaceDetector,
    classifier: Classifier,
    report: Report,
) -> Summary:
    """Writes the table, the annotated video and the portraits of a video's faces.

    When stopped, keeps the results so far.

    Args:
        report: called with the progress after every batch of frames.

    Raises:
        FerError: no frame can be decoded, or the settings are damaged.
    """
    settings, started = video.settings, time.monotonic()
    pause = settings.every * reader.step
    tracking = TrackingPipeline(detector, classifier, settings, reader.scale, pause)
    pace = _Pace(reader.frames, started)
    reason = COMPLETED
    with (
        replacing(video.annotated_file, durable=False) as temporary,
        VideoWriter(temporary) as writer,
        video.table_file.open("w", encoding="utf-8", newline="") as table,
    ):
        output = _Output(video, writer, table, reader, classifier.class_names)
        for frames in batched_frames(reader.read(settings.every)):
            for frame, faces in tracking.recognize(frames):
                output.add(frame, faces)
            table.flush()
            if not report(pace.progress(frames[-1], output.frames)):
                reason = STOPPED
                break
    height, width = (round(side / reader.scale) for side in output.shape)
    return Summary(
        reason=reason,
        frames=output.frames,
        seconds=round(reader.reached, 3),
        faces=tracking.faces,
        rows=output.rows,
        damaged=reader.damaged,
        stated_seconds=reader.seconds,
        width=width,
        height=height,
        rate=round(output.frames / max(1e-6, time.monotonic() - started), 2),
        class_names=classifier.class_names,
        threshold=settings.threshold,
        shortened=round(writer.shortened, 3),
        cuts=writer.cuts,
    )


class _Output:
    """Writes table rows, annotated frames and portraits."""

    def __init__(
        self,
        video: Video,
        writer: VideoWriter,
        table: IO[str],
        reader: VideoReader,
        class_names: tuple[str, ...],
    ) -> None:
        self._video, self._writer, self._reader = video, writer, reader
        self._names, self._threshold = class_names, video.settings.threshold
        self._colors = dict(zip(self._names, colors(self._names), strict=True)) | {NOT_SURE: COLOR}
        self._sides: dict[int, int] = {}  # pixels of each face in its portrait
        self._table = csv.writer(table, lineterminator="\n")
        self._table.writerow(table_columns(self._names))
        self.frames, self.rows = 0, 0
        self.shape = (0, 0)  # (height, width) of the frames

    def add(self, frame: Frame, faces: Sequence[tuple[Face, TrackedFace]]) -> None:
        answers = []
        for face, tracked in faces:
            answers.append(tracked.answer(self._names, self._threshold))
            self._add_row(frame, face, tracked, answers[-1])
            self._keep_portrait(frame, tracked)
        self._writer.add(self._draw(frame.image, faces, answers), frame.seconds)
        self.frames += 1
        self.shape = frame.image.shape[:2]

    def _draw(
        self, image: np.ndarray, faces: Sequence[tuple[Face, TrackedFace]], answers: Sequence[str]
    ) -> np.ndarray:
        boxes = [tracked.box for _, tracked in faces]
        numbers = [tracked.number for _, tracked in faces]
        labels = [f"{number} {answer}" for number, answer in zip(numbers, answers, strict=True)]
        answer_colors = [self._colors[answer] for answer in answers]
        return draw_boxes(image, boxes, labels, answer_colors, _SIDE_RANGE)

    def _add_row(self, frame: Frame, face: Face, tracked: TrackedFace, answer: str) -> None:
        self._table.writerow(
            [f"{frame.seconds:.3f}", frame.number]
            + face_cells(face, tracked, answer, self._names, self._reader.scale)
        )
        self.rows += 1

    def _keep_portrait(self, frame: Frame, tracked: TrackedFace) -> None:
        """Saves a portrait of the face if it is much larger than the saved one."""
        side = min(tracked.box.width, tracked.box.height)
        lasts = frame.seconds - tracked.since >= MIN_PORTRAIT_SECONDS
        if not lasts or side < _MIN_GROWTH * self._sides.get(tracked.number, 0):
            return
        if tracked.number in self._sides:
            if not _is_inside(tracked.box, frame.image):
                return
        elif len(self._sides) >= _MAX_PORTRAITS:
            return
        self._sides[tracked.number] = side
        file = self._video.portrait_file(tracked.number)
        file.parent.mkdir(exist_ok=True)
        portrait = resize(crop_face(frame.image, tracked.box, 0.3), PORTRAIT, PORTRAIT)
        with replacing(file, durable=False) as temporary:
            temporary.write_bytes(encode(portrait, "JPEG"))


def _is_inside(box: Box, image: np.ndarray) -> bool:
    """Tells whether the whole box is inside the image."""
    height, width = image.shape[:2]
    fits = box.x >= 0 and box.x + box.width <= width
    return fits and box.y >= 0 and box.y + box.height <= height


class _Pace:
    """Measures progress, speed and the time left."""

    def __init__(self, total: int | None, started: float) -> None:
        self._total, self._started = total, started
        self._last = (started, 0)  # a time some seconds ago, and the frames processed by then

    def progress(self, frame: Frame, processed: int) -> Progress:
        """Returns the progress after a frame, the `processed`-th of those processed."""
        now, done = time.monotonic(), frame.number + 1
        since, before = self._last
        rate = (processed - before) / max(1e-6, now - since)
        if now - since > _RATE_SECONDS:
            self._last = (now, processed)
        total = max(done, self._total or 0)
        left = (total - done) * (now - self._started) / done if self._total else None
        of = f"of {total:,} frames" if self._total else "frames"
        message = f"{done:,} {of}"
        return Progress(done, total if self._total else 0, "frames", message, rate, left)


def _reporter(task: Task) -> Report:
    """Returns a function that saves progress once a second and tells whether to continue."""
    reporter = ProgressReporter(task)

    def report(progress: Progress) -> bool:
        reporter.save(progress)
        return not task.stop_requested

    return report


def _remove_partial_files(video: Video) -> None:
    """Removes what an attempt left that failed or was killed."""
    video.table_file.unlink(missing_ok=True)
    for file in video.directory.glob(f".{video.annotated_file.stem}.*"):
        file.unlink(missing_ok=True)
    shutil.rmtree(Path(video.portrait_file(1)).parent, ignore_errors=True)
    (video.directory / "result.json").unlink(missing_ok=True)
