"""Reads what is marked on a video, changes it, and computes tables of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import batches
from fer_core.inference import Summary, Video
from fer_core.markers import (
    Annotations,
    Marker,
    TimeRange,
    baseline_means,
    format_seconds,
    means_around,
    read_annotations,
    save_annotations,
    without_ranges,
)
from pages.components.shared.errors import run_or_report

_POSE = ("yaw", "pitch", "roll")  # missing in tables of earlier versions


@dataclass(frozen=True)
class MarkedFaces:
    """Holds the faces of a video with what is marked on it."""

    summary: Summary
    table: pd.DataFrame  # of all faces; see `inference.table_columns`
    annotations: Annotations

    @cached_property
    def people(self) -> pd.DataFrame:
        """Returns the rows of people who are not ignored, with `person`, all ranges included."""
        return batches.assign_people(self.table, self.annotations.assigned)

    @cached_property
    def counted(self) -> pd.DataFrame:
        """Returns the rows of people outside excluded ranges."""
        return without_ranges(self.people, self.annotations.excluded)

    @cached_property
    def baselines(self) -> dict[str, np.ndarray] | None:
        """Returns the baseline, (classes,), of each person that has one; None without any."""
        marks, names = self.annotations, self.summary.class_names
        if marks.baseline is not None:
            return baseline_means(self.counted, names, marks.baseline)
        if marks.photos:
            return {
                person: np.array([photo.probabilities.get(name, 0.0) for name in names])
                for person, photo in marks.photos.items()
            }
        return None

    def describe_baseline(self, person: str) -> str:
        """Returns what the baseline of a person is, as tables say it."""
        marks = self.annotations
        if marks.baseline is not None:
            start, end = marks.baseline.start, marks.baseline.end
            return f"mean from {format_seconds(start)} to {format_seconds(end)}"
        return f"photo {marks.photos[person].name}" if person in marks.photos else ""

    def name(self, face: int) -> str | None:
        """Returns the person that a face is; None if it is ignored."""
        return self.annotations.assigned.get(face, str(face))

    def means(self, window: float) -> pd.DataFrame:
        """Returns the means around markers, with the columns of `batches.describe_markers`."""
        baselines, names = self.baselines, self.summary.class_names
        found = means_around(self.counted, names, self.annotations.markers, window, baselines)
        found = found.rename(columns={"seconds": "marker_seconds"}).assign(window_seconds=window)
        if baselines is not None:
            found["baseline"] = self._descriptions(found["person"], baselines)
        columns = batches.describe_markers(names, baseline=baselines is not None)
        return found[[column.name for column in columns if column.name != "file"]]

    def summaries(self) -> pd.DataFrame:
        """Returns a row per person, with the columns of `batches.describe_summary`."""
        baselines, names = self.baselines, self.summary.class_names
        table = self.table.assign(**{name: np.nan for name in _POSE if name not in self.table})
        marks = self.annotations
        rows = batches.summarize_people(table, names, marks.assigned, excluded=marks.excluded)
        if baselines is not None:
            for row in rows:
                said = self.describe_baseline(row["person"])
                row |= batches.minus_baseline(row, names, baselines.get(row["person"]), said)
        columns = batches.describe_summary(names, baseline=baselines is not None)
        return pd.DataFrame(rows, columns=[column.name for column in columns[1:]])

    def frames(self) -> pd.DataFrame:
        """Returns the table of faces with the person, what is excluded, and differences."""
        baselines, names = self.baselines, self.summary.class_names
        people = self.people
        is_counted = people.index.isin(self.counted.index)
        people = people.assign(excluded=(~is_counted).astype(int))
        if baselines is not None:
            missing = np.full(len(names), np.nan)
            base = np.array([baselines.get(name, missing) for name in people["person"]])
            values = people[[f"p_{name}" for name in names]].to_numpy(float)
            values = (values - base.reshape(values.shape)).round(4)
            people["baseline"] = self._descriptions(people["person"], baselines)
            people[[f"p_{name}_minus_baseline" for name in names]] = values
        return people

    def _descriptions(self, people: pd.Series, baselines: dict[str, np.ndarray]) -> list[str]:
        said = {name: self.describe_baseline(name) for name in people.unique() if name in baselines}
        return [said.get(name, "") for name in people]


def add_marks(
    annotations: Annotations,
    markers: tuple[Marker, ...] = (),
    excluded: tuple[TimeRange, ...] = (),
    baseline: TimeRange | None = None,
) -> Annotations:
    """Returns annotations with more marks, in order; a baseline replaces the other one."""
    added = replace(
        annotations,
        markers=tuple(sorted({*annotations.markers, *markers})),
        excluded=tuple(sorted({*annotations.excluded, *excluded})),
    )
    return replace(added, baseline=baseline, photos={}) if baseline else added


def change_marks(video: Video, change: Callable[[Annotations], Annotations]) -> bool:
    """Changes what is marked on a video; returns whether it was done, and reports why not."""
    return run_or_report(partial(_change, video, change))


def _change(video: Video, change: Callable[[Annotations], Annotations]) -> None:
    # Of what is there now: another session may have added something.
    save_annotations(video.annotations_file, change(read_annotations(video.annotations_file)))


def time_key(video: Video) -> str:
    """Returns the key of the field for the time of the next marker."""
    return f"marker-time-{video.id}"


def take_time(video: Video, seconds: float) -> None:
    """Puts a time into the field for the next marker, which must not be shown before."""
    st.session_state[time_key(video)] = format_seconds(max(0.0, seconds))
