"""Shows and changes the markers, excluded ranges, baseline and people of a video."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer_core import vision
from fer_core.errors import FerError
from fer_core.inference import Summary, Video
from fer_core.markers import (
    Annotations,
    Marker,
    mean_columns,
    parse_seconds,
    read_annotations,
    read_marker_table,
)
from fer_core.storage import export_csv
from fer_core.text import counted
from pages.components.predict.markers.baseline import show_baseline
from pages.components.predict.markers.edit import show_editors
from pages.components.predict.markers.marks import MarkedFaces, add_marks, change_marks, time_key
from pages.components.predict.markers.tables import LONGEST_WINDOW, show_rounded, upload_table
from pages.components.predict.people import Changes, Row, show_people
from pages.components.shared.access import writing
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast, show_reported_errors
from pages.components.shared.formatting import file_name, plain

_WINDOW = 2.0  # seconds
_HELP = (
    "A CSV table. Columns time and label for markers, or start, end and reason for ranges to "
    "exclude; a row of the kind baseline is the baseline. Times are seconds, or as 1:05.5."
)


def show_marks(video: Video, summary: Summary, table: pd.DataFrame) -> None:
    """Shows fields for a marker, tables of all marks, and the means before and after them."""
    show_reported_errors()
    try:
        annotations = read_annotations(video.annotations_file)
    except FerError as error:
        _show_damage(video, str(error))
        return
    faces = MarkedFaces(summary, table, annotations)
    _show_adding(video)
    marks = len(annotations.markers) + len(annotations.excluded)
    title = f"Markers and baseline ({marks:,})" if marks else "Markers and baseline"
    with st.expander(title, icon=":material/flag:", key=f"marks-{video.id}"):
        _show_upload(video)
        show_editors(video, annotations)
        show_baseline(video, faces)
    if annotations.markers:
        _show_means(video, faces)
    _show_people(video, faces)
    if annotations != Annotations():
        _show_summary(video, faces)


def _show_damage(video: Video, message: str) -> None:
    st.error(plain(f"The markers of this video cannot be read: {message}"))
    st.button(
        "Delete the markers, the baseline and the names",
        key=f"no-marks-{video.id}",
        on_click=partial(run_or_toast, partial(_delete, video)),
        **writing(),
    )


def _delete(video: Video) -> None:
    video.annotations_file.unlink(missing_ok=True)


def _show_adding(video: Video) -> None:
    """Shows fields for a marker; "Mark this moment" below the video fills in the time."""
    label_key = f"marker-label-{video.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Time",
            key=time_key(video),
            width=120,
            placeholder="0:05.2",
            help="Seconds, or minutes and seconds. “Mark this moment” takes the video's time.",
        )
        st.text_input("Label", key=label_key, width=240, placeholder="picture shown")
        st.button(
            "Add marker",
            icon=":material/flag:",
            key=f"add-marker-{video.id}",
            on_click=_add,
            args=(video, label_key),
            **writing(),
        )


def _add(video: Video, label_key: str) -> None:
    def change(annotations: Annotations) -> Annotations:
        seconds = parse_seconds(st.session_state[time_key(video)])
        if seconds is None:
            raise FerError("A marker must have a time. Enter one, or mark a moment of the video.")
        return add_marks(annotations, (Marker(seconds, st.session_state[label_key].strip()),))

    if change_marks(video, change):
        st.session_state[time_key(video)] = st.session_state[label_key] = ""


def _show_upload(video: Video) -> None:
    number_key = f"marker-uploads-{video.id}"
    number = st.session_state.setdefault(number_key, 0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = upload_table(
            "Markers or excluded ranges (CSV)", f"marker-table-{video.id}-{number}", _HELP
        )
        st.button(
            "Add from CSV",
            icon=":material/upload:",
            key=f"add-table-{video.id}",
            on_click=_add_table,
            args=(video, file.getvalue() if file else b"", number_key),
            **writing(disabled=file is None),
        )


def _add_table(video: Video, data: bytes, number_key: str) -> None:
    def change(annotations: Annotations) -> Annotations:
        by_file = read_marker_table(data)
        wanted = {name: marks for name, marks in by_file.items() if name in ("", video.name)}
        if not wanted:
            raise FerError(
                f"The table of markers must have a row for {video.name}. It has rows for "
                f"{counted(len(by_file), 'other file')}."
            )
        for marks in wanted.values():
            annotations = add_marks(annotations, marks.markers, marks.excluded, marks.baseline)
        return annotations

    if change_marks(video, change):
        st.session_state[number_key] += 1  # a new, empty field


def _show_means(video: Video, faces: MarkedFaces) -> None:
    st.subheader("Before and after markers", anchor=False)
    window = st.number_input(
        "Window (seconds)",
        0.1,
        LONGEST_WINDOW,
        _WINDOW,
        0.5,
        width=160,
        key=f"window-{video.id}",
        help="Averages the frames within this time before and after each marker. The frame at "
        "the marker's time counts as after.",
    )
    means = faces.means(float(window))
    _show_means_table(means, faces)
    said = "Mean probabilities of the single frames, not smoothed, of each person."
    if faces.annotations.excluded:
        said += " Excluded ranges do not count."
    if faces.baselines is not None:
        said += (
            " **A baseline is subtracted**; changes do not depend on it. The download has the "
            "means with and without it."
        )
    st.caption(said)
    _offer(video, faces, "Download means (CSV)", means, "markers")


def _show_means_table(means: pd.DataFrame, faces: MarkedFaces) -> None:
    """Shows the means; those minus the baseline, if there is one."""
    has_baseline = faces.baselines is not None
    names = faces.summary.class_names
    columns = dict(zip(mean_columns(names, minus_baseline=has_baseline), names, strict=True))
    shown = ["marker", "marker_seconds", "person", "period", "frames", *columns]
    if has_baseline:
        shown.append("baseline")
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(plain(label), format="%.3f")
        for name, label in columns.items()
    }
    config["marker_seconds"] = st.column_config.NumberColumn("time (s)")
    config["baseline"] = st.column_config.TextColumn("subtracted")
    st.dataframe(means, hide_index=True, placeholder="–", column_order=shown, column_config=config)


def _show_summary(video: Video, faces: MarkedFaces) -> None:
    """Shows a row per person, without what is excluded."""
    summaries = faces.summaries()
    with st.expander("Summary of each person", icon=":material/table:", key=f"summary-{video.id}"):
        show_rounded(summaries)
        said = "Shares, means, transitions and spells of each person"
        said += ", without excluded ranges." if faces.annotations.excluded else "."
        if faces.baselines is not None:
            said += " In the last columns **a baseline is subtracted**."
        st.caption(said)
        with st.container(horizontal=True):
            _offer(video, faces, "Download summary (CSV)", summaries, "summary")
            _offer(video, faces, "Download frames with people (CSV)", faces.frames(), "frames")


def _offer(video: Video, faces: MarkedFaces, label: str, table: pd.DataFrame, what: str) -> None:
    ending = "-minus-baseline" if faces.baselines is not None else ""
    offer_download(
        label,
        partial(export_csv, table),
        file_name(Path(video.name).stem, f"-{what}{ending}.csv"),
        "text/csv",
        key=f"download-{what}-{video.id}",
    )


def _show_people(video: Video, faces: MarkedFaces) -> None:
    frames = faces.table["face"].value_counts()
    rows = [
        {
            "number": 0,
            "file": video.name,
            "track": int(track),
            "frames": int(count),
            "person": faces.name(int(track)) or "",
            "is_ignored": faces.name(int(track)) is None,
        }
        for track, count in frames.items()
    ]
    show_people(video.id, pd.DataFrame(rows), partial(_portrait, video), partial(_name, video))


def _portrait(video: Video, row: Row) -> np.ndarray | None:
    file = video.portrait_file(int(row["track"]))
    try:
        return vision.decode(file) if file.is_file() else None
    except FerError:  # damaged
        return None


def _name(video: Video, changes: Changes) -> None:
    def change(annotations: Annotations) -> Annotations:
        people = dict(annotations.people)
        for track, name in changes[0].items():
            people[str(track)] = name
        kept = {track: name for track, name in people.items() if name not in ("", track)}
        return Annotations(
            annotations.markers,
            annotations.excluded,
            annotations.baseline,
            annotations.photos,
            kept,
        )

    change_marks(video, change)
