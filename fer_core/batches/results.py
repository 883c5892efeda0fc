"""Gathers the results of a batch into tables, and writes them as CSV and Parquet."""

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fer_core.batches.batch import Batch, BatchFile, FileResult, Manifest, PersonRow
from fer_core.batches.columns import (
    INTEGER,
    NUMBER,
    TEXT,
    Column,
    describe_files,
    describe_frames,
    describe_markers,
    describe_summary,
)
from fer_core.batches.frames import read_frames
from fer_core.batches.marks import BatchMarks, read_marks
from fer_core.batches.media import safe_path, unique_paths
from fer_core.batches.summary import assign_people, minus_baseline
from fer_core.errors import FerError
from fer_core.markers import CHANGE, format_seconds, mean_columns
from fer_core.storage import export_csv, replacing, write_text

_MEASURED = ("frames", "seconds", "tracks", "width", "height", "damaged")  # of a file
FRONTAL_SUMMARY = "summary_frontal"
SUMMARY, FILES, FRAMES, MARKERS = "summary", "files", "frames", "markers"
DICTIONARY = "data_dictionary.csv"


@dataclass(frozen=True)
class BatchResults:
    """Holds what is known of a batch so far, also while it runs."""

    manifest: Manifest
    results: Mapping[int, FileResult]  # finished files, by number
    damaged: tuple[str, ...] = ()  # a sentence for each result that cannot be read
    marks: BatchMarks = BatchMarks()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Returns the expressions in label order."""
        return self.manifest.class_names

    @property
    def problems(self) -> tuple[str, ...]:
        """Returns a sentence for each file, row or archive without results."""
        files = (result.problem for result in self.results.values() if result.problem)
        return (*self.manifest.problems, *self.marks.problems, *files, *self.damaged)

    @property
    def notes(self) -> tuple[str, ...]:
        """Returns sentences about what was left out or is incomplete."""
        files = (note for result in self.results.values() for note in result.notes)
        return (*self.manifest.notes, *files)

    @property
    def summary(self) -> pd.DataFrame:
        """Returns a row per file and person; see `describe_summary`."""
        return self._summary(frontal=False)

    @property
    def frontal_summary(self) -> pd.DataFrame:
        """Returns `summary` of the frames with a frontal face; see `summary.is_frontal`."""
        return self._summary(frontal=True)

    def _summary(self, *, frontal: bool) -> pd.DataFrame:
        rows = [
            {
                "file": result.name,
                **self.clip_cells(file),
                **person,
                **self._minus_baseline(result, person),
            }
            for file, result in self._files()
            for person in (result.frontal_people if frontal else result.people)
        ]
        return _table(rows, self.columns)

    @property
    def markers(self) -> pd.DataFrame:
        """Means before and after each marker; see `describe_markers`."""
        rows = [
            {
                "file": result.name,
                **self.clip_cells(file),
                **row,
                **self._minus_baseline(result, row),
            }
            for file, result in self._files()
            for row in result.around
        ]
        return _table(rows, self.marker_columns)

    def _minus_baseline(self, result: FileResult, row: PersonRow) -> dict[str, Any]:
        if not self.marks.has_baseline:
            return {}
        means, said = self._baseline(result, str(row["person"]))
        if means is not None and row.get("period") == CHANGE:  # it does not depend on it
            means = np.zeros(len(self.class_names))
        return minus_baseline(row, self.class_names, means, said)

    def _baseline(self, result: FileResult, person: str) -> tuple[np.ndarray | None, str]:
        """Returns the baseline of a person, (classes,), if there is one, and what it is.

        If it is another file, it is the person of the same name there; else both main persons.
        """
        marks = self.marks.of(result.name)
        if marks.baseline is not None:
            start, end = map(format_seconds, (marks.baseline.start, marks.baseline.end))
            means = result.baselines.get(person)
            return None if means is None else np.array(means), f"mean from {start} to {end}"
        people = next(
            (each.people for each in self.results.values() if each.name == marks.baseline_file), ()
        )
        is_main = any(row["person"] == person and row["is_main"] for row in result.people)
        named = [row for row in people if row["person"] == person and not person.isdecimal()]
        main = [row for row in people if row["is_main"] and is_main]
        for row in (*named, *main):
            columns = mean_columns(self.class_names, minus_baseline=False)
            return np.array([row[name] for name in columns], float), marks.baseline_file
        return None, ""

    @property
    def columns(self) -> list[Column]:
        """Returns the columns of `summary`."""
        return describe_summary(
            self.class_names, self.manifest.columns, baseline=self.marks.has_baseline
        )

    @property
    def marker_columns(self) -> list[Column]:
        """Returns the columns of `markers`."""
        return describe_markers(
            self.class_names, self.manifest.columns, baseline=self.marks.has_baseline
        )

    @property
    def files(self) -> pd.DataFrame:
        """Returns a row per finished file, readable or not."""
        rows = [
            {
                "file": result.name,
                **self.clip_cells(file),
                "problem": result.problem,
                "notes": " ".join(result.notes),
                "start_seconds": file.start,
                "end_seconds": file.end,
                **{name: getattr(result, name) for name in _MEASURED},
            }
            for file, result in self._files()
        ]
        table = pd.DataFrame(rows, columns=[column.name for column in self.file_columns])
        return table.astype({"end_seconds": float})

    def clip_cells(self, file: BatchFile) -> dict[str, str]:
        """Returns what the table of clips has of a file; empty cells if it has no row for it."""
        return {name: file.columns.get(name, "") for name in self.manifest.columns}

    def dictionary(self) -> pd.DataFrame:
        """Returns a row per column of all tables: what it means, and its unit."""
        tables = {
            SUMMARY: self.columns,
            FRONTAL_SUMMARY: self.columns,
            **({MARKERS: self.marker_columns} if self.has_markers else {}),
            FILES: self.file_columns,
            FRAMES: self.frame_columns,
        }
        rows = [
            (table, column.name, column.meaning, column.unit)
            for table, columns in tables.items()
            for column in columns
        ]
        return pd.DataFrame(rows, columns=["table", "column", "meaning", "unit"])

    @property
    def has_markers(self) -> bool:
        """Tells whether a file has a marker."""
        return any(marks.markers for marks in self.marks.files.values())

    @property
    def file_columns(self) -> list[Column]:
        """Returns the columns of `files`."""
        return describe_files(self.manifest.columns)

    @property
    def frame_columns(self) -> list[Column]:
        """Returns the columns of the table of all frames."""
        return describe_frames(self.class_names, self.manifest.columns)

    def _files(self) -> Iterator[tuple[BatchFile, FileResult]]:
        for number, file in enumerate(self.manifest.files):
            if number in self.results:
                yield file, self.results[number]


def read_results(batch: Batch) -> BatchResults | None:
    """Reads what is known of a batch; None before it began.

    Raises:
        FerError: the list of its files is damaged.
    """
    manifest = batch.manifest
    if manifest is None:
        return None
    results, damaged = {}, []
    for number, file in enumerate(manifest.files):
        try:
            result = batch.result(number)
            _check_people(result, manifest.class_names)
        except FerError as error:
            damaged.append(f"The result of {file.name} is damaged: {error}")
            continue
        if result is not None:
            results[number] = result
    try:
        marks = read_marks(batch)
    except FerError as error:
        marks = BatchMarks(problems=(f"{error} Add the markers again.",))
    return BatchResults(manifest, results, tuple(damaged), marks)


def _check_people(result: FileResult | None, class_names: Sequence[str]) -> None:
    """Checks that the people of a result have what the summary needs; raises FerError if not."""
    if result is None:
        return
    summary, markers = describe_summary(class_names)[1:], describe_markers(class_names)[1:]
    people = (*result.people, *result.frontal_people)
    _check_rows(people, summary)
    _check_rows(result.around, markers)
    if any(len(means) != len(class_names) for means in result.baselines.values()):
        raise FerError("A baseline must have a mean of each expression.")
    if not all(track.isdecimal() for track in (*result.track_frames, *result.assigned)):
        raise FerError("Tracks must have numbers.")


def _check_rows(rows: Sequence[PersonRow], columns: Sequence[Column]) -> None:
    for row in rows:
        for column in columns:
            if not _fits(column, row.get(column.name)):
                raise FerError(f"{column.name} of a person must be of the kind {column.kind}.")


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[column.name for column in columns])
    kinds = {TEXT: object, INTEGER: int, NUMBER: float}
    return table.astype({column.name: kinds[column.kind] for column in columns})


def _fits(column: Column, value: float | str | None) -> bool:
    if column.kind == INTEGER:
        return isinstance(value, int | float) and value == int(value)
    return value is None or isinstance(value, str) == (column.kind == TEXT)


def frames_with_people(batch: Batch, results: BatchResults, number: int) -> pd.DataFrame:
    """Returns the table of a file's frames with its name, its people and the clip's columns.

    Raises:
        FerError: its table is missing or damaged.
    """
    result, file = results.results[number], results.manifest.files[number]
    frames = read_frames(batch.frames_file(number), results.class_names)
    names = {int(track): name for track, name in result.assigned.items()}
    people = assign_people(frames, names)["person"]
    is_ignored = frames["face"].notna() & ~frames.index.isin(people.index)
    frames = frames.assign(file=result.name, person=people, **results.clip_cells(file))[~is_ignored]
    return frames[[column.name for column in results.frame_columns]]


def export_results(batch: Batch, results: BatchResults, folder: Path) -> None:
    """Writes all tables to a folder: as CSV, as Parquet, and the data dictionary.

    `summary` has a row per file and person, `summary_frontal` the same of the frames in which the
    face is frontal, `markers` (if there are any) the means around them, `files` a row per file,
    `frames` a row per face and frame: in CSV a file each, in Parquet all in one. Cells that a
    spreadsheet would run are defused in CSV.

    Raises:
        FerError: a table is damaged, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = [
        (SUMMARY, results.summary, results.columns),
        (FRONTAL_SUMMARY, results.frontal_summary, results.columns),
        (FILES, results.files, results.file_columns),
    ]
    if results.has_markers:
        tables.append((MARKERS, results.markers, results.marker_columns))
    for name, table, columns in tables:
        write_text(folder / f"{name}.csv", export_csv(table))
        with _parquet(folder / f"{name}.parquet", columns) as write:
            write(table)
    write_text(folder / DICTIONARY, export_csv(results.dictionary()))
    readable = [number for number, result in results.results.items() if not result.problem]
    names = unique_paths([f"{safe_path(results.results[each].name)}.csv" for each in readable])
    shutil.rmtree(folder / FRAMES, ignore_errors=True)
    with _parquet(folder / f"{FRAMES}.parquet", results.frame_columns) as write:
        for number, name in zip(readable, names, strict=True):
            table = frames_with_people(batch, results, number)
            write(table)
            path = folder / FRAMES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, export_csv(table), durable=False)


def zip_results(batch: Batch, results: BatchResults) -> bytes:
    """Returns all tables as a .zip; see `export_results`."""
    buffer = io.BytesIO()
    with TemporaryDirectory() as folder:
        export_results(batch, results, Path(folder))
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def to_parquet(table: pd.DataFrame, columns: Sequence[Column]) -> bytes:
    """Returns a table as a Parquet file."""
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, _schema(columns)) as writer:
        writer.write_table(_arrow(table, columns))
    return buffer.getvalue()


@contextmanager
def _parquet(path: Path, columns: Sequence[Column]) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yields a function that appends a table to a Parquet file, which is replaced at the end."""
    with (
        replacing(path, durable=False) as temporary,
        pq.ParquetWriter(temporary, _schema(columns)) as writer,
    ):
        yield lambda table: writer.write_table(_arrow(table, columns))


def _arrow(table: pd.DataFrame, columns: Sequence[Column]) -> pa.Table:
    return pa.Table.from_pandas(table, schema=_schema(columns), preserve_index=False)


def _schema(columns: Sequence[Column]) -> pa.Schema:
    types = {TEXT: pa.string(), INTEGER: pa.int64(), NUMBER: pa.float64()}
    return pa.schema([(column.name, types[column.kind]) for column in columns])
