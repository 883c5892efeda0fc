"""Recognizes the faces of a batch, file by file, and goes on where an earlier attempt ended."""

import math
import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from fer_core import access, vision
from fer_core.batches.batch import (
    Batch,
    BatchFile,
    BatchSettings,
    BatchSummary,
    FileResult,
    Manifest,
    save_result,
)
from fer_core.batches.crops import Crops
from fer_core.batches.frames import FrameWriter, read_frames
from fer_core.batches.manifest import make_manifest, path_of
from fer_core.batches.marks import summarize
from fer_core.batches.media import check_name, is_video
from fer_core.errors import FerError
from fer_core.inference import (
    Classifier,
    FaceBatch,
    Frame,
    Recognition,
    TrackedFace,
    TrackingPipeline,
    VideoReader,
    batched_frames,
)
from fer_core.runs import COMPLETED, STOPPED, open_run
from fer_core.storage import DamagedFileError, DiskFullError, open_regular, replacing, write_json
from fer_core.tasks import Progress, ProgressReporter, Task
from fer_core.text import counted
from fer_core.vision import MAX_IMAGE_BYTES, MIN_CONFIDENCE, Face, FaceDetector

_PHOTOS = 16  # that are classified at once
_LATE = 0.5  # seconds by which a clip's end may be beyond the video's without a note


class _StoppedError(Exception):
    """Tells that the user stopped the batch; finished files stay."""


def run_batch(task: Task) -> None:
    """Runs a task of kind "batch"; called by the worker. See `batch.submit_folder`.

    A file that cannot be read gets a sentence in its result, and the others go on.

    Raises:
        FerError: there is no file at all, or the run is gone or another.
    """
    batch = Batch(task.directory)
    (task.directory / "result.json").unlink(missing_ok=True)
    task.save_progress(Progress(0, 0, "files", "Looking for photos and videos"))
    run = open_run(batch.run_id)
    manifest = batch.manifest or make_manifest(batch, run.class_names)
    task.save_progress(Progress(0, len(manifest.files), "files", "Loading the model"))
    classifier = Classifier.load(run, tta=batch.settings.video.tta)
    if manifest.class_names != classifier.class_names:
        raise FerError(
            f"{run.name} must still have the expressions of when the batch began. Start another "
            f"batch. Received: {', '.join(classifier.class_names)}"
        )
    worker = _Worker(batch, manifest, FaceDetector(), classifier)
    reason = COMPLETED
    try:
        worker.run()
    except _StoppedError:
        reason = STOPPED
    results = [batch.result(number) for number in range(len(manifest.files))]
    finished = [result for result in results if result is not None]
    if reason == COMPLETED:
        for folder in (batch.uploads, batch.archives):
            shutil.rmtree(folder, ignore_errors=True)
    summary = BatchSummary(
        reason,
        len(results),
        len(finished),
        sum(bool(result.problem) for result in finished),
    )
    write_json(task.directory / "result.json", asdict(summary))


@dataclass(frozen=True)
class _Item:
    """Describes a file that is to be processed."""

    number: int  # in the manifest
    file: BatchFile
    path: Path
    status: os.stat_result | None  # None if it is missing


class _Worker:
    """Processes the files of a batch that are not finished."""

    def __init__(
        self, batch: Batch, manifest: Manifest, detector: FaceDetector, classifier: Classifier
    ) -> None:
        self._batch, self._manifest = batch, manifest
        self._detector, self._classifier = detector, classifier
        self._settings: BatchSettings = batch.settings
        self._reporter, self._done = ProgressReporter(batch), 0
        self._photos = FaceBatch(classifier)
        self._found: list[tuple[_Item, tuple[int, ...], list[Face]]] = []  # photos in it

    def run(self) -> None:
        """Processes all files; raises _StoppedError if the user stops it."""
        for item in self._unfinished():
            self._report(item.file.name)
            if is_video(item.file.name):
                self._finish(item, self._video(item))
            else:
                self._add_photo(item)
        self._classify_photos()

    def _unfinished(self) -> Iterator[_Item]:
        """Yields the files without a result; also those that were changed since."""
        for number, file in enumerate(self._manifest.files):
            check_name(file.name)
            path = path_of(self._batch, file.name)
            status = _status(path)
            if self._is_finished(number, status):
                self._done += 1
            else:
                yield _Item(number, file, path, status)

    def _is_finished(self, number: int, status: os.stat_result | None) -> bool:
        try:
            result = self._batch.result(number)
        except DamagedFileError:  # half written in a power failure
            return False
        is_same = status and result and _stamp(status) == (result.size, result.changed)
        return result is not None and (is_same or (status is None and not result.size))

    def _finish(self, item: _Item, result: FileResult) -> None:
        size, changed = _stamp(item.status) if item.status else (0, 0)
        names, tracks = self._classifier.class_names, dict[str, int]()
        frames = None
        if not result.problem:
            frames = read_frames(self._batch.frames_file(item.number), names)
            counts = frames["face"].value_counts(sort=False)
            tracks = {str(track): int(count) for track, count in counts.items()}
        result = replace(result, size=size, changed=changed, track_frames=tracks)
        result = summarize(self._batch, item.number, result, names, frames)
        save_result(self._batch, item.number, result, durable=is_video(item.file.name))
        self._done += 1

    def _report(self, name: str, share: float = 0.0, detail: str = "") -> None:
        """Saves the progress; raises _StoppedError if the user has stopped the batch."""
        if self._batch.stop_requested:
            raise _StoppedError
        total = len(self._manifest.files)
        message = f"{self._done:,} of {counted(total, 'file')} · {name}{detail}"
        self._reporter.save(Progress(self._done + share, total, "files", message))

    def _add_photo(self, item: _Item) -> None:
        """Finds the faces of a photo; those of several photos are classified at once."""
        try:
            image = self._read_photo(item)
        except FerError as error:
            self._finish(item, FileResult(item.file.name, str(error)))
            return
        faces = self._find(image)
        self._photos.add(image, faces)
        self._found.append((item, image.shape, faces))
        crops = Crops()
        crops.add(image, [(number, face.box) for number, face in enumerate(faces, 1)])
        crops.save(partial(self._batch.crop_file, item.number))
        if self._photos.is_full or len(self._found) == _PHOTOS:
            self._classify_photos()

    def _find(self, image: np.ndarray) -> list[Face]:
        if self._settings.whole_photos:
            return [Face.whole(image)]
        settings = self._settings.video
        confidence = settings.confidence or MIN_CONFIDENCE
        return self._detector.detect(image, settings.smallest_face, confidence)

    def _read_photo(self, item: _Item) -> np.ndarray:
        _check_readable(item)
        if item.file.start or item.file.end is not None:
            raise FerError(
                f"{item.file.name} must have no start or end in the table (line "
                f"{item.file.line:,}): it is a photo."
            )
        try:
            with open_regular(item.path, max_bytes=MAX_IMAGE_BYTES) as file:
                return vision.decode(file.read(), item.file.name)
        except DamagedFileError as error:
            raise FerError(f"{item.file.name} {error.problem}.") from error

    def _classify_photos(self) -> None:
        """Writes the results of the photos that were added since the last call."""
        recognized = self._photos.recognize()
        found, self._found = self._found, []
        for (item, shape, faces), recognitions in zip(found, recognized, strict=True):
            answered = [
                (each.face, _untracked(number, each), each.answer(self._settings.video.threshold))
                for number, each in enumerate(recognitions, 1)
            ]
            with self._writing(item) as writer:
                writer.add(0.0, 0, answered)
            result = FileResult(
                item.file.name, frames=1, tracks=len(faces), width=shape[1], height=shape[0]
            )
            self._finish(item, result)

    def _video(self, item: _Item) -> FileResult:
        """Writes the frames of a video; returns its result, with a problem if it is unreadable."""
        try:
            _check_readable(item)
            with VideoReader(item.path, item.file.name) as reader:
                return self._recognize(item, reader)
        except (DiskFullError, MemoryError, _StoppedError):
            raise
        except FerError as error:
            return FileResult(item.file.name, str(error))
        except Exception as error:  # one file must not end a batch of hundreds
            traceback.print_exception(error)  # standard error is the attempt's log
            return FileResult(
                item.file.name,
                f"{item.file.name} could not be processed: internal error "
                f"({type(error).__name__}). The log of the batch has its traceback.",
            )

    def _recognize(self, item: _Item, reader: VideoReader) -> FileResult:
        settings, rate = self._settings.video, self._settings.per_second
        start, end = item.file.start, math.inf if item.file.end is None else item.file.end
        pause = 1 / rate if rate else settings.every * reader.step
        tracking = TrackingPipeline(self._detector, self._classifier, settings, reader.scale, pause)
        crops, shape = Crops(), (0, 0)
        frames = reader.read(settings.every, per_second=rate, start=start, end=end)
        with self._writing(item) as writer:
            for batch in batched_frames(frames):
                for frame, faces in tracking.recognize(batch):
                    writer.scale, shape = reader.scale, frame.image.shape[:2]
                    answered = [
                        (face, each, each.answer(tracking.class_names, settings.threshold))
                        for face, each in faces
                    ]
                    writer.add(frame.seconds, frame.number, answered)
                    crops.add(frame.image, [(face.number, face.box) for _, face in faces])
                self._report(item.file.name, *_share(reader, batch[-1], start, end))
        crops.save(partial(self._batch.crop_file, item.number))
        height, width = (round(side / reader.scale) for side in shape)
        return FileResult(
            item.file.name,
            notes=_notes(item.file, reader),
            frames=writer.frames,
            seconds=round(reader.reached, 3),
            tracks=tracking.faces,
            width=width,
            height=height,
            damaged=reader.damaged,
        )

    @contextmanager
    def _writing(self, item: _Item) -> Iterator[FrameWriter]:
        """Yields a writer of the file's frames; they are kept if the block succeeds."""
        file = self._batch.frames_file(item.number)
        with (
            replacing(file, durable=is_video(item.file.name)) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as table,
        ):
            yield FrameWriter(table, self._classifier.class_names)


def _untracked(number: int, found: Recognition) -> TrackedFace:
    """Returns the face of a photo as one of a video with a single frame."""
    row = np.array(list(found.probabilities.values()), np.float32)
    return TrackedFace(
        number, found.face.box, row, row, 0.0, found.face.is_doubtful, found.is_blurred
    )


def _check_readable(item: _Item) -> None:
    """Checks that a file is still there and may be read, wherever links lead."""
    if item.status is None:
        raise FerError(f"{item.file.name} must exist. It did when the batch began.")
    if not access.current().may_read(item.path):
        raise FerError(f"{item.file.name} must be a file that FER Studio may read.")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:  # missing, or a loop of links
        return None


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, max(0, round(status.st_mtime))


def _share(reader: VideoReader, last: Frame, start: float, end: float) -> tuple[float, str]:
    """Returns how much of a clip is done, in [0, 1], and a description."""
    length = min(end, reader.seconds or math.inf) - start
    share = (last.seconds - start) / length if 0 < length < math.inf else 0.0
    of = f" of {reader.frames:,}" if reader.frames else ""
    return min(1.0, max(0.0, share)), f", frame {last.number + 1:,}{of}"


def _notes(file: BatchFile, reader: VideoReader) -> tuple[str, ...]:
    notes = []
    if file.end is not None and reader.reached + reader.step < file.end - _LATE:
        notes.append(
            f"The clip of {file.name} should end at {file.end:g} s, but its last frame is at "
            f"{reader.reached:.2f} s: the clip ends there."
        )
    if reader.damaged:
        notes.append(f"{counted(reader.damaged, 'damaged part')} of {file.name} cannot be read.")
    return tuple(notes)
