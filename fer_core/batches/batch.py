"""Submits and lists batches of photos and videos. Each is a task; its directory has the results."""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

from msgspec import Meta

from fer_core import tasks
from fer_core.batches.clip_table import read_clip_table
from fer_core.batches.columns import reserved_columns
from fer_core.batches.media import (
    ARCHIVE_SUFFIX,
    check_folder,
    is_media,
    safe_path,
    unique_paths,
)
from fer_core.errors import FerError
from fer_core.inference import RecognitionTask, VideoSettings, recognition_request
from fer_core.markers import MAX_SECONDS, read_marker_table
from fer_core.runs import Run
from fer_core.storage import (
    Count,
    Number,
    Seconds,
    check_record,
    disk_full_as_error,
    file_size,
    paths,
    read_json,
    read_record,
    write_json,
)
from fer_core.tasks import kinds, queue
from fer_core.text import printable, shortened

MAX_FRAMES_PER_SECOND = kinds.MAX_FRAMES_PER_SECOND
_MAX_MANIFEST_BYTES = 100_000_000  # of 20,000 files, each with 200 columns

_Tables = tuple[bytes | None, bytes | None]  # of clips, and of markers
PersonRow = dict[str, Number | str | None]


@dataclass(frozen=True)
class BatchSettings:
    """Holds the settings of a batch."""

    video: VideoSettings = VideoSettings()  # for the faces of photos too
    per_second: float | None = None  # frames of a video; None: every Nth, as `video` says
    patterns: tuple[str, ...] = ()  # of which a file must match one; none for all files
    only_listed: bool = False  # only files that the table of clips has a row for
    # Of files without their own: a range such as "0-5", or a file of the batch; "" for none.
    baseline: str = ""
    window: float = 2.0  # seconds before and after a marker of which means are taken
    whole_photos: bool = False  # take each photo as a face that was cropped already

    def __post_init__(self) -> None:
        if not 0 < self.window <= MAX_SECONDS:
            raise FerError(
                f"`window` must be above 0 and at most {MAX_SECONDS:g} seconds. Received: "
                f"{self.window:g}"
            )
        rate = self.per_second
        if rate is not None and not 0 < rate <= MAX_FRAMES_PER_SECOND:
            raise FerError(
                f"`per_second` must be above 0 and at most {MAX_FRAMES_PER_SECOND:g} frames. "
                f"Received: {rate:g}"
            )


@dataclass(frozen=True)
class BatchFile:
    """Describes a file of a batch, as the manifest stores it."""

    name: str  # path relative to the folder, with slashes
    start: Seconds = 0.0
    end: Seconds | None = None  # None for the end of the file
    columns: dict[str, str] = field(default_factory=dict)  # of the table of clips
    line: Count = 0  # of the table; 0 if it has none for this file


@dataclass(frozen=True)
class Manifest:
    """Lists what belongs to a batch; written once, before the first file."""

    class_names: tuple[str, ...]  # of the model, in label order
    files: tuple[BatchFile, ...]
    columns: tuple[str, ...] = ()  # of the table of clips
    problems: tuple[str, ...] = ()  # a sentence for each row or archive that brings no file
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileResult:
    """Holds what was found in a file; written last, so that a file that has one is finished."""

    name: str
    problem: str = ""  # why there is no result; a sentence
    notes: tuple[str, ...] = ()
    frames: Count = 0  # that were processed
    seconds: Seconds = 0.0  # time of the last one
    tracks: Count = 0
    width: Count = 0  # pixels, upright
    height: Count = 0
    damaged: Count = 0  # parts of the file that could not be decoded
    size: Count = 0  # bytes of the file, and when it was changed: another one is processed again
    changed: Count = 0
    track_frames: dict[str, Count] = field(default_factory=dict)  # frames by number of the track
    people: tuple[PersonRow, ...] = ()  # see `summary.summarize_people`
    frontal_people: tuple[PersonRow, ...] = ()  # of the frames in which the face is frontal
    around: tuple[PersonRow, ...] = ()  # means around markers; see `columns.describe_markers`
    baselines: dict[str, tuple[Number, ...]] = field(default_factory=dict)  # of a range, by person
    # Names given by hand, by number of the track; None: to be ignored.
    assigned: dict[str, Annotated[str, Meta(max_length=200)] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchSummary:
    """Holds what is known at the end of a batch; the content of `result.json`."""

    reason: str  # COMPLETED or STOPPED
    files: Count
    finished: Count  # with and without a problem
    failed: Count  # with a problem


@dataclass(frozen=True)
class Batch(RecognitionTask):
    """Represents a task that recognizes the faces of many files, with its directory."""

    @property
    def source(self) -> Path | None:
        """Returns the folder of the machine; None if the files were uploaded."""
        source = self._arguments.get("source")
        return Path(str(source)) if source else None

    @property
    def settings(self) -> BatchSettings:
        """Returns the settings of the request.

        Raises:
            FerError: the request is damaged.
        """
        record = self._arguments
        try:
            return BatchSettings(
                VideoSettings.from_record(record.get("settings", {})),
                record.get("per_second"),
                tuple(record.get("patterns", ())),
                bool(record.get("only_listed", False)),
                str(record.get("baseline", "")),
                float(record.get("window", BatchSettings.window)),
                bool(record.get("whole_photos", False)),
            )
        except FerError as error:
            raise FerError(f"The request of {self.id} is damaged: {error}") from error

    @property
    def table_file(self) -> Path:
        """Returns the path of the table of clips, as it was given."""
        return self.directory / "clips.csv"

    @property
    def markers_file(self) -> Path:
        """Returns the path of the table of markers, as it was given."""
        return self.directory / "markers.csv"

    @property
    def marks_file(self) -> Path:
        """Returns the path of what is marked on each file; see `marks.read_marks`."""
        return self.directory / "marks.json"

    @property
    def archives(self) -> Path:
        """Returns the folder of uploaded archives that are not extracted yet."""
        return self.directory / "archives"

    @property
    def uploads(self) -> Path:
        """Returns the folder of uploaded files; it is removed when the batch is completed."""
        return self.directory / "uploads"

    @property
    def files(self) -> Path:
        """Returns the folder of the results of the files."""
        return self.directory / "files"

    @property
    def manifest(self) -> Manifest | None:
        """Returns the list of what belongs to the batch; None before it began.

        Raises:
            DamagedFileError: its file is damaged.
        """
        record = read_json(self.directory / "manifest.json", max_bytes=_MAX_MANIFEST_BYTES)
        return None if record is None else check_record(Manifest, record)

    def result_file(self, number: int) -> Path:
        """Returns the path of a file's result, by its number in the manifest, from 0."""
        return self.files / f"{number:05}.json"

    def frames_file(self, number: int) -> Path:
        """Returns the path of the table of a file's frames; see `frames.read_frames`."""
        return self.files / f"{number:05}.csv"

    def crop_file(self, number: int, track: int, position: int) -> Path:
        """Returns the path of one of the pictures of a track."""
        return self.files / f"{number:05}" / f"{track}-{position}.jpg"

    def result(self, number: int) -> FileResult | None:
        """Returns the result of a file; None if it is not finished.

        Raises:
            DamagedFileError: its file is damaged.
        """
        return read_record(self.result_file(number), FileResult)

    @property
    def summary(self) -> BatchSummary | None:
        """Returns how the batch ended; None if it has not.

        Raises:
            DamagedFileError: its file is damaged.
        """
        return read_record(self.directory / "result.json", BatchSummary)

    @property
    def can_resume(self) -> bool:
        """Tells whether files are left that it can go on with."""
        if self.state.is_active or self.request is None:
            return False
        with suppress(FerError):
            summary = self.summary
            is_whole = summary is not None and summary.finished == summary.files
            return not is_whole and (self.source is not None or self.uploads.is_dir())
        return False


def submit_folder(
    run: Run,
    folder: Path,
    settings: BatchSettings,
    *,
    table: bytes | None = None,
    markers: bytes | None = None,
    model_name: str = "",
) -> Batch:
    """Queues the photos and videos of a folder for a run's model.

    Args:
        table: of clips; see `clip_table.read_clip_table`.
        markers: a table; see `markers.read_marker_table`.
        model_name: shown with the results; the run's name by default.

    Raises:
        FerError: the run has no model, the folder must not be read, or the table has an error.
    """
    folder = check_folder(folder)
    arguments = _arguments(run, settings, model_name, folder.name or str(folder), (table, markers))
    arguments["source"] = str(folder)
    return _submit(arguments, (table, markers), ())


def submit_uploads(
    run: Run,
    uploads: Sequence[tuple[str, IO[bytes]]],
    settings: BatchSettings,
    *,
    table: bytes | None = None,
    markers: bytes | None = None,
    model_name: str = "",
) -> Batch:
    """Copies photos, videos and .zip archives into the workspace and queues them.

    Args:
        uploads: name, which may have folders, and content of each.
        table: of clips; see `clip_table.read_clip_table`.
        markers: a table; see `markers.read_marker_table`.
        model_name: shown with the results; the run's name by default.

    Raises:
        FerError: the run has no model, a file is none of these, the table has an error, or the
            disk is full.
    """
    if not uploads:
        raise FerError("A batch must have at least one file. Received: none")
    for name, _ in uploads:
        if not is_media(safe_path(name)) and not name.lower().endswith(ARCHIVE_SUFFIX):
            raise FerError(
                f"A batch takes photos, videos and .zip archives. Received: {shortened(name)}"
            )
    more = f" and {len(uploads) - 1:,} more" if len(uploads) > 1 else ""
    title = f"{PurePosixPath(uploads[0][0]).name[:200]}{more}"
    tables = (table, markers)
    return _submit(_arguments(run, settings, model_name, title, tables), tables, uploads)


def resume_batch(batch: Batch) -> None:
    """Queues a batch again that was stopped or interrupted; finished files are not repeated.

    Raises:
        FerError: it is queued, running or completed, or its files are gone.
    """
    with queue.lock():
        if batch.request is None or not batch.can_resume:
            raise FerError(
                f"{batch.name} cannot be resumed: it is queued, running, completed or deleted."
            )
        queue.submit(batch.directory, kinds.BATCH, batch.request.arguments)


def find_resumable(
    run: Run,
    folder: Path,
    settings: BatchSettings,
    table: bytes | None,
    markers: bytes | None = None,
) -> Batch | None:
    """Returns the newest batch of the same request that is active or can be resumed, if any."""
    folder = check_folder(folder)
    wanted = (run.id, folder, settings, table, markers)
    for batch in list_batches():
        with suppress(FerError):  # its request is damaged
            tables = map(_read_table, (batch.table_file, batch.markers_file))
            asked = (batch.run_id, batch.source, batch.settings, *tables)
            if asked == wanted and (batch.state.is_active or batch.can_resume):
                return batch
    return None


def list_batches() -> list[Batch]:
    """Returns all batches, queued, running or ended, newest first."""
    return [Batch(task.directory) for task in tasks.list_tasks(kinds.BATCH)]


def save_result(batch: Batch, number: int, result: FileResult, *, durable: bool = True) -> None:
    """Writes the result of a file."""
    write_json(batch.result_file(number), asdict(result), durable=durable)


def _read_table(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _arguments(
    run: Run, settings: BatchSettings, model_name: str, name: str, tables: _Tables
) -> dict[str, Any]:
    arguments = recognition_request(run, printable(name), model_name)
    table, markers = tables
    if markers is not None:
        read_marker_table(markers, per_file=True)
    if table is not None:
        read_clip_table(table, reserved_columns(run.class_names))
    elif settings.only_listed:
        raise FerError("A batch of listed files only must have a table of clips. Received: none")
    return arguments | {
        "patterns": list(settings.patterns),
        "only_listed": settings.only_listed,
        "whole_photos": settings.whole_photos,
        "per_second": settings.per_second,
        "baseline": settings.baseline,
        "window": settings.window,
        "settings": settings.video.to_record(),
    }


def _submit(
    arguments: dict[str, Any], tables: _Tables, uploads: Sequence[tuple[str, IO[bytes]]]
) -> Batch:
    for _, file in uploads:
        file.seek(0)
    more = sum(file_size(file) for _, file in uploads)
    batch = Batch(tasks.new_directory(paths.tasks_root(), kinds.BATCH, more))
    try:
        with disk_full_as_error(batch.directory / "uploads"):
            for table, path in zip(tables, (batch.table_file, batch.markers_file), strict=True):
                if table is not None:
                    path.write_bytes(table)
            _copy(batch, uploads)
        return Batch(queue.submit(batch.directory, kinds.BATCH, arguments).directory)
    except BaseException:
        if not (batch.directory / "request.json").exists():
            shutil.rmtree(batch.directory, ignore_errors=True)
        raise


def _copy(batch: Batch, uploads: Sequence[tuple[str, IO[bytes]]]) -> None:
    names = unique_paths([safe_path(name) for name, _ in uploads])
    for name, (_, file) in zip(names, uploads, strict=True):
        is_archive = name.lower().endswith(ARCHIVE_SUFFIX)
        target = (batch.archives if is_archive else batch.uploads) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
