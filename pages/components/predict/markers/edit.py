"""Shows the markers and excluded ranges of a video in tables that can be edited."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.errors import FerError
from fer_core.inference import Video
from fer_core.markers import Annotations, Marker, TimeRange, format_seconds, parse_seconds
from fer_core.storage import stamp
from pages.components.predict.markers.marks import change_marks
from pages.components.shared.access import writing


def show_editors(video: Video, annotations: Annotations) -> None:
    """Shows both tables, and a button that saves what was edited."""
    markers = pd.DataFrame(
        [(format_seconds(each.seconds), each.label) for each in annotations.markers],
        columns=["Time", "Label"],
        dtype="str",
    )
    excluded = pd.DataFrame(
        [
            (format_seconds(each.start), format_seconds(each.end), each.reason)
            for each in annotations.excluded
        ],
        columns=["Start", "End", "Reason"],
        dtype="str",
    )
    one, other = st.columns(2)
    with one:
        edited = _edit("Markers", video, markers)
    with other:
        ranges = _edit("Excluded ranges", video, excluded)
    if not (edited.equals(markers) and ranges.equals(excluded)):
        st.button(
            "Save changes",
            icon=":material/save:",
            type="primary",
            key=f"save-marks-{video.id}",
            on_click=partial(_save, video, edited, ranges),
            **writing(),
        )


def _edit(title: str, video: Video, table: pd.DataFrame) -> pd.DataFrame:
    st.markdown(f"**{title}**")
    # The key changes with the saved file, so that edits already saved are not applied again.
    return st.data_editor(
        table,
        num_rows="dynamic",
        hide_index=True,
        key=f"edit-{title}-{video.id}-{stamp(video.annotations_file)}",
        disabled=bool(writing()["disabled"]),
        height=min(38 + 35 * (len(table) + 1), 248),
    )


def _save(video: Video, markers: pd.DataFrame, ranges: pd.DataFrame) -> None:
    def change(annotations: Annotations) -> Annotations:
        return replace(
            annotations,
            markers=tuple(sorted(set(map(_marker, _rows(markers))))),
            excluded=tuple(sorted(set(map(_range, _rows(ranges))))),
        )

    change_marks(video, change)


def _rows(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yields the rows that are not empty."""
    records: list[dict[Any, Any]] = table.fillna("").astype("str").to_dict("records")
    for record in records:
        row = {str(name): str(value).strip() for name, value in record.items()}
        if any(row.values()):
            yield row


def _marker(row: dict[str, str]) -> Marker:
    return Marker(_time(row["Time"]), row["Label"])


def _range(row: dict[str, str]) -> TimeRange:
    return TimeRange(_time(row["Start"]), _time(row["End"]), row["Reason"])


def _time(text: str) -> float:
    seconds = parse_seconds(text)
    if seconds is None:
        raise FerError(
            "A time must be seconds, or minutes and seconds as in 1:05. A cell is empty."
        )
    return seconds
