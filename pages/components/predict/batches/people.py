"""Names the people of a batch by hand: pictures of each track, to merge, name or ignore."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core import batches, vision
from fer_core.batches import Batch, BatchResults
from fer_core.errors import FerError
from fer_core.text import counted
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain

SAME, IGNORE, UNDO = "Same person", "Ignore", "Undo"
Row = Mapping[str, Any]  # of a track; see `batches.list_tracks`
_ROWS, _COLUMNS = 12, 3  # tracks on a page, and side by side
_ALL = "All files"
_HELP = {
    SAME: "Gives the selected tracks the name that you enter, or that of the first of them.",
    IGNORE: "Leaves the selected tracks out of all tables, such as passers-by and posters.",
    UNDO: "Makes each selected track a person of its own again.",
}


def show_people(batch: Batch, results: BatchResults) -> None:
    """Shows a page of tracks with their pictures; what is changed is applied to all tables."""
    tracks = batches.list_tracks(results)
    if tracks.empty:
        return
    with st.expander("People", icon=":material/person_edit:", key=f"people-{batch.id}"):
        st.caption(
            "A track is a face that was followed through a file. Select tracks of one person and "
            "give them a name: tracks of the same name are one person, in all files. Ignored "
            "tracks are left out of all tables."
        )
        files = [_ALL, *tracks["file"].drop_duplicates().sort_values()]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox("File", files, key=f"people-file-{batch.id}", width=320)
            shown = tracks if chosen == _ALL else tracks[tracks["file"] == chosen]
            pages, page = -(-len(shown) // _ROWS), 1
            if pages > 1:
                page = st.pagination(pages, key=f"people-page-{batch.id}-{chosen}")
        _show_tracks(batch, results, shown.iloc[(page - 1) * _ROWS : page * _ROWS])


def _show_tracks(batch: Batch, results: BatchResults, tracks: pd.DataFrame) -> None:
    selected: list[Row] = []
    columns: list[DeltaGenerator] = []
    for position, row in enumerate(tracks.to_dict("records")):
        if position % _COLUMNS == 0:
            columns = st.columns(_COLUMNS)
        with columns[position % _COLUMNS]:
            picture = _picture(batch, int(row["number"]), int(row["track"]))
            if picture is not None:
                st.image(picture, alt=f"Track {row['track']} of {row['file']}")
            if st.checkbox(plain(_describe(row)), key=_checkbox(batch, row)):
                selected.append(row)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name_key = f"people-name-{batch.id}"
        st.text_input("Name", key=name_key, width=240, placeholder="of the selected tracks")
        for action in (SAME, IGNORE, UNDO):
            st.button(
                action,
                key=f"people-{action}-{batch.id}",
                on_click=partial(_assign, batch, results, selected, action, name_key),
                **writing(disabled=not selected, help=_HELP[action]),
            )


def _describe(row: Row) -> str:
    frames = counted(row["frames"], "frame")
    track = f"{row['file']}, track {row['track']}, {frames}"
    if row["is_ignored"]:
        return f"Ignored: {track}"
    return track if row["person"] == str(row["track"]) else f"{row['person']} · {track}"


def _checkbox(batch: Batch, row: Row) -> str:
    return f"people-{batch.id}-{row['number']}-{row['track']}"


def _assign(
    batch: Batch, results: BatchResults, selected: Sequence[Row], action: str, name_key: str
) -> None:
    name: str | None = {SAME: _chosen_name(selected, name_key), IGNORE: None, UNDO: ""}[action]
    changes: dict[int, dict[int, str | None]] = {}
    for row in selected:
        changes.setdefault(int(row["number"]), {})[int(row["track"])] = name
        st.session_state[_checkbox(batch, row)] = False
    run_or_toast(partial(batches.assign_tracks, batch, results, changes))
    st.session_state[name_key] = ""


def _chosen_name(selected: Sequence[Row], name_key: str) -> str:
    """Returns what was entered, or the first name of the selected tracks, or a new one."""
    entered = st.session_state.get(name_key, "").strip()
    names = [row["person"] for row in selected if row["person"] not in ("", str(row["track"]))]
    first = selected[0]
    return entered or (names[0] if names else f"{first['file']} {first['track']}")


def _picture(batch: Batch, number: int, track: int) -> np.ndarray | None:
    """Returns the pictures of a track side by side, uint8 RGB; None without any."""
    images = []
    for position in range(batches.MAX_CROPS):
        file = batch.crop_file(number, track, position)
        try:
            if file.is_file():
                images.append(vision.decode(file))
        except FerError:  # damaged
            continue
    images = [image for image in images if image.shape == images[0].shape]
    return np.hstack(images) if images else None
