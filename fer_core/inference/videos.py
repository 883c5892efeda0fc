"""Submits and lists videos to process. Each is a task; its directory holds the results."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.inference.recognition_task import RecognitionTask, recognition_request
from fer_core.inference.tracking import TIME_CONSTANT
from fer_core.runs import COMPLETED, Run
from fer_core.storage import (
    Count,
    DamagedFileError,
    Fraction,
    NonNegative,
    Number,
    Seconds,
    check_record,
    disk_full_as_error,
    file_size,
    paths,
    read_json,
)
from fer_core.tasks import kinds, queue

VIDEO_SUFFIXES = kinds.VIDEO_SUFFIXES
MAX_FRAME_STEP = kinds.MAX_FRAME_STEP
# Keys on disk by field: workspaces of earlier versions must open.
_KEYS = {"tta": "averaged", "stated_seconds": "film_seconds"}


@dataclass(frozen=True)
class VideoSettings:
    """Holds the settings of the processing of a video."""

    every: Count = 1  # process every Nth frame
    time_constant: NonNegative = TIME_CONSTANT  # seconds, of the smoothing; see `tracking.Tracker`
    smallest_face: Count | None = None  # pixels of the video; None for the detector's default
    confidence: Fraction | None = None  # minimum of the detector; None for its default
    threshold: Fraction = 0.0  # probability below which the answer is "not sure"
    tta: bool = False  # test-time augmentation

    def __post_init__(self) -> None:
        if not 1 <= self.every <= MAX_FRAME_STEP:
            raise FerError(
                f"`every` must be between 1 and {MAX_FRAME_STEP} frames. Received: {self.every}"
            )
        if not 0 <= self.time_constant <= 60:
            raise FerError(
                f"`time_constant` must be between 0 and 60 seconds. Received: {self.time_constant}"
            )

    def to_record(self) -> dict[str, Any]:
        """Returns the settings as a task's request has them."""
        return _to_record(asdict(self))

    @classmethod
    def from_record(cls, record: Any) -> "VideoSettings":
        """Returns the settings of such a record.

        Raises:
            FerError: it is damaged.
        """
        return check_record(cls, _from_record(record))


@dataclass(frozen=True)
class Summary:
    """Holds the result of processing a video, as saved in `result.json`."""

    reason: str  # COMPLETED or STOPPED
    frames: Count  # that were processed
    seconds: Seconds  # of the video, up to the last frame read
    faces: Count  # distinct ones
    rows: Count  # of the table
    damaged: Count  # packets that could not be decoded
    stated_seconds: Number | None  # duration that the file states
    width: Count  # pixels of the video, upright
    height: Count
    rate: NonNegative  # frames processed a second
    class_names: tuple[str, ...]
    threshold: Fraction  # probability below which the answer is "not sure"
    shortened: Seconds = 0.0  # by which gaps are shorter in the annotated video
    # Of each such gap: the time after it in the file, and the seconds cut up to there.
    cuts: tuple[tuple[Seconds, Seconds], ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Returns the summary as `result.json` has it."""
        return _to_record(asdict(self))

    @property
    def cuts_are_known(self) -> bool:
        """Tells whether times of the file and of the annotated video can be converted."""
        return not self.shortened or bool(self.cuts)

    @property
    def is_truncated(self) -> bool:
        """Tells whether the file ends long before its stated duration."""
        stated = self.stated_seconds or 0.0
        return self.reason == COMPLETED and self.seconds < 0.95 * stated - 1.0


@dataclass(frozen=True)
class Video(RecognitionTask):
    """Represents a task that processes a video, with its directory."""

    @property
    def settings(self) -> VideoSettings:
        """Returns the settings of the request.

        Raises:
            FerError: the request is damaged.
        """
        try:
            return VideoSettings.from_record(self._arguments.get("settings", {}))
        except FerError as error:
            raise FerError(f"The request of {self.id} is damaged: {error}") from error

    @property
    def source(self) -> Path:
        """Returns the uploaded video; it is removed once it is processed.

        Raises:
            FerError: the request is damaged.
        """
        if "file" not in self._arguments:
            raise FerError(f"The request of {self.id} is damaged. Submit the video again.")
        return self.directory / str(self._arguments["file"])

    @property
    def can_restart(self) -> bool:
        """Tells whether the video can be processed again, from its beginning."""
        try:
            is_there = self.source.is_file() and not self.source.is_symlink()
        except FerError:
            return False
        return is_there and not self.state.is_active

    @property
    def annotated_file(self) -> Path:
        """Returns the path of the annotated video."""
        return self.directory / "annotated.mp4"

    @property
    def table_file(self) -> Path:
        """Returns the path of the table; see `video_table.table_columns`."""
        return self.directory / "faces.csv"

    @property
    def annotations_file(self) -> Path:
        """Returns the path of what is marked on the video; see `markers.read_annotations`."""
        return self.directory / "annotations.json"

    def portrait_file(self, number: int) -> Path:
        """Returns the path of the portrait of a face."""
        return self.directory / "portraits" / f"{number}.jpg"

    @property
    def summary(self) -> Summary | None:
        """Returns the result; None if there is none yet.

        Raises:
            DamagedFileError: its file is damaged.
        """
        file = self.directory / "result.json"
        record = read_json(file)
        if record is None:
            return None
        try:
            return check_record(Summary, _from_record(record))
        except FerError as error:
            raise DamagedFileError(file, str(error)) from error


def submit_video(
    run: Run, file: IO[bytes], filename: str, settings: VideoSettings, model_name: str = ""
) -> Video:
    """Copies a video into the workspace and queues it for a run's model.

    Args:
        filename: with one of `VIDEO_SUFFIXES`.
        model_name: shown with the results; the run's name by default.

    Raises:
        FerError: the run has no model, the suffix is not supported, or the disk is full.
    """
    arguments = recognition_request(run, Path(filename).name, model_name)
    suffix = Path(filename).suffix.lower()
    if suffix not in VIDEO_SUFFIXES:
        raise FerError(f"A video must be one of {', '.join(VIDEO_SUFFIXES)}. Received: {filename}")
    directory = tasks.new_directory(paths.tasks_root(), kinds.VIDEO, file_size(file))
    name = f"{kinds.VIDEO_STEM}{suffix}"
    arguments |= {"file": name, "settings": settings.to_record()}
    try:
        with (
            disk_full_as_error(directory / "video"),
            (directory / name).open("wb") as copy,
        ):
            shutil.copyfileobj(file, copy, 1 << 20)
        return Video(queue.submit(directory, kinds.VIDEO, arguments).directory)
    except BaseException:
        if not (directory / "request.json").exists():
            shutil.rmtree(directory, ignore_errors=True)
        raise


def restart_video(video: Video) -> None:
    """Queues an interrupted video again, from its beginning.

    Raises:
        FerError: the file is gone, or the task is queued or running.
    """
    with queue.lock():
        if video.request is None or not video.can_restart:
            raise FerError(
                f"{video.name} cannot be processed again: it is queued or running, or was deleted."
            )
        queue.submit(video.directory, kinds.VIDEO, video.request.arguments)


def list_videos() -> list[Video]:
    """Returns all videos, queued, running or finished, newest first."""
    return [Video(task.directory) for task in tasks.list_tasks(kinds.VIDEO)]


def _to_record(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_KEYS.get(field, field): value for field, value in values.items()}


def _from_record(record: Any) -> Any:
    if not isinstance(record, Mapping):
        return record
    fields = {key: field for field, key in _KEYS.items()}
    return {fields.get(key, key): value for key, value in record.items()}
