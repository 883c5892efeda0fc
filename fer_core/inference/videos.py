"""Videos that a run looks at: asked for, and found again.

Each is a task, and what is made of it lies in the task's directory.
"""

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.inference.tracking import TIME_CONSTANT
from fer_core.runs import COMPLETED, Run
from fer_core.storage import disk_full_as_error, paths, read_json
from fer_core.tasks import Task, queue

KIND = "video"  # of a task
VIDEO_SUFFIXES = (".mp4", ".mov", ".webm", ".avi", ".m4v", ".mkv")
MOST_EVERY = 100


@dataclass(frozen=True)
class VideoSettings:
    """How a video is looked at."""

    every: int = 1  # frames: one of so many
    time_constant: float = TIME_CONSTANT  # seconds, of the smoothing; see `tracking.Tracker`
    smallest_face: int | None = None  # in pixels of the video; None leaves it to the detector
    confidence: float | None = None  # of the detector, as for `smallest_face`
    threshold: float = 0.0  # the probability below which an answer is "not sure"
    averaged: bool = False  # over ten views of each face

    def __post_init__(self) -> None:
        if not 1 <= self.every <= MOST_EVERY:
            raise FerError(
                f"`every` must be between 1 and {MOST_EVERY} frames. Received: {self.every}"
            )
        if not 0 <= self.time_constant <= 60:
            raise FerError(
                f"`time_constant` must be between 0 and 60 seconds. Received: {self.time_constant}"
            )


@dataclass(frozen=True)
class Summary:
    """What came of a video, as `result.json` holds it."""

    reason: str  # COMPLETED or STOPPED
    frames: int  # that were looked at
    seconds: float  # of the film, until the last frame that was read
    faces: int  # that were told apart
    rows: int  # of the table
    damaged: int  # pieces of the file that could not be decoded
    film_seconds: float | None  # as long as the film says that it is
    width: int  # pixels of the video, upright
    height: int
    rate: float  # frames a second that were looked at
    class_names: tuple[str, ...]
    threshold: float  # the probability below which an answer is "not sure"

    @property
    def is_short(self) -> bool:
        """Whether the file ended long before the film did."""
        whole = self.film_seconds or 0.0
        return self.reason == COMPLETED and self.seconds < 0.95 * whole - 1.0


@dataclass(frozen=True)
class Video(Task):
    """A task that looks at a video, and what lies in its directory."""

    @property
    def name(self) -> str:
        """The file's name, as it was uploaded."""
        return str(self._arguments.get("name", self.id))

    @property
    def network(self) -> str:
        """What the network was called that recognises."""
        return str(self._arguments.get("network", self._arguments.get("run", "")))

    @property
    def run_id(self) -> str:
        """The run whose network recognises."""
        return str(self._arguments.get("run", ""))

    @property
    def settings(self) -> VideoSettings:
        """How it is looked at.

        Raises:
            FerError: the request was damaged.
        """
        try:
            return VideoSettings(**self._arguments.get("settings", {}))
        except TypeError as error:
            raise FerError(f"{self.id} must hold a request. It is damaged.") from error

    @property
    def source(self) -> Path:
        """The video itself; removed when it was looked at to its end."""
        return self.directory / str(self._arguments.get("file", "gone"))

    @property
    def annotated_file(self) -> Path:
        """The annotated film, or where it will lie."""
        return self.directory / "annotated.mp4"

    @property
    def table_file(self) -> Path:
        """A row per face and frame, or where they will lie; see `video.columns`."""
        return self.directory / "faces.csv"

    def portrait_file(self, number: int) -> Path:
        """A picture of the face of that number, or where it would lie."""
        return self.directory / "portraits" / f"{number}.jpg"

    @property
    def summary(self) -> Summary | None:
        """What came of it; None where it has not come to an end."""
        with contextlib.suppress(ValueError, TypeError, KeyError):
            record = read_json(self.directory / "result.json") or {}
            record["class_names"] = tuple(record["class_names"])
            return Summary(**record)
        return None

    @property
    def asked(self) -> datetime | None:
        """When it was asked for."""
        with contextlib.suppress(ValueError):
            return datetime.strptime("-".join(self.id.split("-")[:2])[:15], "%Y%m%d-%H%M%S")
        return None

    @property
    def _arguments(self) -> Mapping[str, Any]:
        return self.request.arguments if self.request else {}


def submit_video(
    run: Run, file: BinaryIO, filename: str, settings: VideoSettings, network: str = ""
) -> Video:
    """Copies a video into the workspace and asks for a run's network to look at it.

    Args:
        filename: what it is called; its suffix is one of `VIDEO_SUFFIXES`.
        network: what the page calls the run.

    Raises:
        FerError: the run has no model, the suffix is another, or there is no room.
    """
    if run.model_file is None:
        raise FerError(f"{run.name} must have finished an epoch to recognise anything.")
    suffix = Path(filename).suffix.lower()
    if suffix not in VIDEO_SUFFIXES:
        raise FerError(f"A video must be one of {', '.join(VIDEO_SUFFIXES)}. Received: {filename}")
    directory = tasks.new_directory(paths.tasks_root(), KIND)
    arguments = {
        "run": run.id,
        "network": network or run.name,
        "name": Path(filename).name,
        "file": f"video{suffix}",
        "settings": asdict(settings),
    }
    try:
        with (
            disk_full_as_error(directory / "video"),
            (directory / f"video{suffix}").open("wb") as copy,
        ):
            shutil.copyfileobj(file, copy, 1 << 20)
        return Video(queue.submit(directory, KIND, arguments).directory)
    except BaseException:
        if not (directory / "request.json").exists():
            shutil.rmtree(directory, ignore_errors=True)
        raise


def begin_again(video: Video) -> None:
    """Asks for a video that was interrupted to be looked at from its beginning.

    Raises:
        FerError: the file is gone, or it works or waits already.
    """
    with queue.lock():
        if video.state.is_active or video.request is None or not video.source.exists():
            raise FerError(f"{video.name} must be there to be looked at again. It is not.")
        queue.submit(video.directory, KIND, video.request.arguments)


def list_videos() -> list[Video]:
    """All videos that are looked at, wait or were looked at; the newest first."""
    return [Video(task.directory) for task in tasks.list_tasks(KIND)]
