"""Keeps the markers, excluded ranges and baselines of a batch's files, and applies them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core import access
from fer_core.batches.batch import Batch, FileResult, PersonRow, save_result
from fer_core.batches.clip_table import Clip, find_name, match_clips, read_clip_table
from fer_core.batches.columns import describe_markers
from fer_core.batches.frames import read_frames
from fer_core.batches.summary import assign_people, summarize_people
from fer_core.errors import FerError
from fer_core.markers import (
    MarkedTimes,
    Marker,
    TimeRange,
    baseline_means,
    means_around,
    parse_range,
    read_marker_table,
    without_ranges,
)
from fer_core.storage import DamagedFileError, NonNegative, read_record, replacing, write_json
from fer_core.text import shortened


@dataclass(frozen=True)
class FileMarks:
    """Holds what is marked on a file of a batch."""

    markers: tuple[Marker, ...] = ()
    excluded: tuple[TimeRange, ...] = ()
    baseline: TimeRange | None = None  # of the file
    baseline_file: str = ""  # of the batch, whose main person is the baseline; instead of a range

    @property
    def has_baseline(self) -> bool:
        """Tells whether a baseline is to be subtracted."""
        return self.baseline is not None or bool(self.baseline_file)


@dataclass(frozen=True)
class BatchMarks:
    """Holds what is marked on the files of a batch."""

    window: NonNegative = 2.0  # seconds before and after a marker
    files: dict[str, FileMarks] = field(default_factory=dict)  # by name; only those with marks
    problems: tuple[str, ...] = ()  # a sentence for each row that belongs to no file

    @property
    def has_baseline(self) -> bool:
        """Tells whether a baseline is to be subtracted in some file."""
        return any(marks.has_baseline for marks in self.files.values())

    def of(self, name: str) -> FileMarks:
        """Returns what is marked on a file."""
        return self.files.get(name, FileMarks())


def read_marks(batch: Batch) -> BatchMarks:
    """Reads what is marked on the files of a batch; nothing, if there is no file.

    Raises:
        DamagedFileError: the file is damaged.
    """
    return read_record(batch.marks_file, BatchMarks) or BatchMarks()


def make_marks(
    names: Sequence[str],
    clips: Mapping[str, Clip],
    table: bytes | None,
    *,
    baseline: str = "",
    window: float = BatchMarks.window,
) -> BatchMarks:
    """Gathers what the table of clips, a table of markers and a default baseline mark.

    Args:
        names: of the files of the batch.
        clips: by the name of a file.
        table: of markers; see `markers.read_marker_table`. It needs a column `file`.
        baseline: of files without one of their own: a range such as "0-5", or a file's name.

    Raises:
        FerError: the table has an error, or a baseline is neither a range nor a file.
    """
    by_file, problems = _match(read_marker_table(table, per_file=True) if table else {}, names)
    files = {}
    for name in names:
        clip, marked = clips.get(name), by_file.get(name, MarkedTimes())
        cells = clip.marks if clip else MarkedTimes()
        text = (clip.baseline if clip else "") or baseline
        given = _parse_baseline(text, names) if text else FileMarks()
        marks = FileMarks(
            tuple(sorted({*cells.markers, *marked.markers})),
            tuple(sorted({*cells.excluded, *marked.excluded})),
            marked.baseline or given.baseline,
            "" if marked.baseline or given.baseline_file == name else given.baseline_file,
        )
        if marks != FileMarks():
            files[name] = marks
    return BatchMarks(window, files, problems)


def save_marks(batch: Batch, marks: BatchMarks) -> None:
    """Writes what is marked on the files of a batch."""
    write_json(batch.marks_file, asdict(marks))


def mark_batch(
    batch: Batch,
    results: Mapping[int, FileResult],
    table: bytes | None,
    *,
    baseline: str = "",
    window: float = BatchMarks.window,
) -> None:
    """Replaces what is marked on the files of a batch that has ended, and recomputes its tables.

    What the table of clips marks stays; so does the earlier table of markers without another.

    Args:
        results: by the number of a file.
        table, baseline, window: see `make_marks`.

    Raises:
        FerError: the batch is running, the table has an error, or a file's table is damaged.
        AccessError: changes are switched off.
    """
    access.current().require_write()
    manifest = batch.manifest
    if batch.state.is_active or manifest is None:
        raise FerError("Markers can be added when the batch has ended. Stop it, or wait.")
    names = [file.name for file in manifest.files]
    clips = _read(batch.table_file)
    matched = match_clips(read_clip_table(clips), names).clips if clips else {}
    table = table or _read(batch.markers_file)
    marks = make_marks(names, matched, table, baseline=baseline, window=window)
    before = None
    with suppress(FerError):  # damaged: all is computed again
        before = read_marks(batch)
    if table:
        with replacing(batch.markers_file) as temporary:
            temporary.write_bytes(table)
    save_marks(batch, marks)
    for number, result in results.items():
        if before is None or _is_changed(result.name, before, marks):
            save_result(batch, number, summarize(batch, number, result, manifest.class_names))


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _is_changed(name: str, before: BatchMarks, after: BatchMarks) -> bool:
    marks = after.of(name)
    return before.of(name) != marks or bool(marks.markers and before.window != after.window)


def summarize(
    batch: Batch,
    number: int,
    result: FileResult,
    class_names: Sequence[str],
    frames: pd.DataFrame | None = None,
) -> FileResult:
    """Returns a file's result with summaries of its people, by their names and its marks.

    Where what is marked is damaged, nothing is: see `results.read_results`, which says so.

    Args:
        frames: its table, if that has been read already.

    Raises:
        FerError: its table of frames is damaged.
    """
    if result.problem:
        return result
    try:
        every = read_marks(batch)
    except DamagedFileError:
        every = BatchMarks()
    marks = every.of(result.name)
    if frames is None:
        frames = read_frames(batch.frames_file(number), class_names)
    assigned = {int(track): name for track, name in result.assigned.items()}
    faces = without_ranges(assign_people(frames, assigned), marks.excluded)
    around: Sequence[dict[str, Any]] = ()
    if marks.markers:
        means = means_around(faces, class_names, marks.markers, every.window)
        around = _marker_rows(means, class_names, every.window)
    base = baseline_means(faces, class_names, marks.baseline) if marks.baseline else {}

    def people(*, frontal: bool) -> tuple[PersonRow, ...]:
        excluded = marks.excluded
        return tuple(
            summarize_people(frames, class_names, assigned, excluded=excluded, frontal=frontal)
        )

    return replace(
        result,
        people=people(frontal=False),
        frontal_people=people(frontal=True),
        around=tuple(around),
        baselines={person: tuple(map(float, means)) for person, means in base.items()},
    )


def _marker_rows(
    around: pd.DataFrame, class_names: Sequence[str], window: float
) -> list[dict[str, Any]]:
    columns = [column.name for column in describe_markers(class_names)[1:]]
    table = around.rename(columns={"seconds": "marker_seconds"}).assign(window_seconds=window)
    table = table[columns].astype(object)
    return table.where(table.notna(), None).to_dict("records")


def _match(
    table: Mapping[str, MarkedTimes], names: Sequence[str]
) -> tuple[dict[str, MarkedTimes], tuple[str, ...]]:
    """Returns marks by the name of a file, and a sentence for each name that is no file's."""
    found: dict[str, MarkedTimes] = {}
    problems = []
    find = find_name(names)
    for name, marks in table.items():
        matches = find(name)
        if len(matches) != 1:
            many = f"{len(matches):,} files are" if matches else "no file of the batch is"
            problems.append(f"The table of markers names {shortened(name)}, and {many} called so.")
        elif matches[0] in found:
            raise FerError(
                f"The table of markers must name {shortened(matches[0])} in one way. Received: "
                "its path and its name"
            )
        else:
            found[matches[0]] = marks
    return found, tuple(problems)


def _parse_baseline(text: str, names: Sequence[str]) -> FileMarks:
    matches = find_name(names)(text)
    if len(matches) == 1:
        return FileMarks(baseline_file=matches[0])
    try:
        return FileMarks(baseline=TimeRange(*parse_range(text)))
    except FerError as error:
        raise FerError(
            "A baseline must be a range of the video, as in 0-5, or a file of the batch. "
            f"Received: {shortened(text)}"
        ) from error
