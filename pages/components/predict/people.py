"""Names people by hand: pictures of each track, to merge, name or ignore."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.text import counted
from pages.components.shared.access import writing
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain

SAME, IGNORE, UNDO = "Same person", "Ignore", "Undo"
Row = Mapping[str, Any]  # of a track; see `batches.list_tracks`
Changes = dict[int, dict[int, str | None]]  # names by file and track; see `batches.assign_tracks`
_ROWS, _COLUMNS = 12, 3  # tracks on a page, and side by side
_ALL = "All files"
_HELP = {
    SAME: "Gives the selected tracks the name that you enter, or that of the first of them.",
    IGNORE: "Leaves the selected tracks out of all tables, such as passers-by and posters.",
    UNDO: "Treats each selected track as a separate person again.",
}


def show_people(
    key: str,
    tracks: pd.DataFrame,
    picture: Callable[[Row], np.ndarray | None],
    assign: Callable[[Changes], None],
) -> None:
    """Shows a page of tracks with their pictures, and buttons that name, merge and ignore them.

    Args:
        key: of the batch or video.
        tracks: as `batches.list_tracks` returns them.
        picture: returns the pictures of a track side by side, uint8 RGB; None without any.
        assign: applies changes.
    """
    if tracks.empty:
        return
    with st.expander("People", icon=":material/person_edit:", key=f"people-{key}"):
        files = [_ALL, *tracks["file"].drop_duplicates().sort_values()]
        is_one = len(files) == 2
        st.caption(
            "A track is a face that was followed through a file. Select tracks of one person and "
            "give them a name: tracks of the same name are one person, in all files. Ignored "
            "tracks are left out of all tables."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = _ALL
            if not is_one:
                chosen = st.selectbox("File", files, key=f"people-file-{key}", width=320)
            shown = tracks if chosen == _ALL else tracks[tracks["file"] == chosen]
            pages, page = -(-len(shown) // _ROWS), 1
            if pages > 1:
                page = st.pagination(pages, key=f"people-page-{key}-{chosen}")
        _show_tracks(key, shown.iloc[(page - 1) * _ROWS : page * _ROWS], picture, assign)


def _show_tracks(
    key: str,
    tracks: pd.DataFrame,
    picture: Callable[[Row], np.ndarray | None],
    assign: Callable[[Changes], None],
) -> None:
    selected: list[Row] = []
    columns: list[DeltaGenerator] = []
    for position, row in enumerate(tracks.to_dict("records")):
        if position % _COLUMNS == 0:
            columns = st.columns(_COLUMNS)
        with columns[position % _COLUMNS]:
            image = picture(row)
            if image is not None:
                st.image(image, alt=f"Track {row['track']} of {row['file']}")
            if st.checkbox(plain(_describe(row)), key=_checkbox(key, row)):
                selected.append(row)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name_key = f"people-name-{key}"
        st.text_input("Name", key=name_key, width=240, placeholder="of the selected tracks")
        for action in (SAME, IGNORE, UNDO):
            st.button(
                action,
                key=f"people-{action}-{key}",
                on_click=partial(_assign, key, assign, selected, action),
                **writing(disabled=not selected, help=_HELP[action]),
            )


def _describe(row: Row) -> str:
    frames = counted(row["frames"], "frame")
    track = f"{row['file']}, track {row['track']}, {frames}"
    if row["is_ignored"]:
        return f"Ignored: {track}"
    return track if row["person"] == str(row["track"]) else f"{row['person']} · {track}"


def _checkbox(key: str, row: Row) -> str:
    return f"people-{key}-{row['number']}-{row['track']}"


def _assign(
    key: str, assign: Callable[[Changes], None], selected: Sequence[Row], action: str
) -> None:
    name_key = f"people-name-{key}"
    name: str | None = {SAME: _chosen_name(selected, name_key), IGNORE: None, UNDO: ""}[action]
    changes: Changes = {}
    for row in selected:
        changes.setdefault(int(row["number"]), {})[int(row["track"])] = name
        st.session_state[_checkbox(key, row)] = False
    run_or_toast(partial(assign, changes))
    st.session_state[name_key] = ""


def _chosen_name(selected: Sequence[Row], name_key: str) -> str:
    """Returns what was entered, or the first name of the selected tracks, or a new one."""
    entered = st.session_state.get(name_key, "").strip()
    names = [row["person"] for row in selected if row["person"] not in ("", str(row["track"]))]
    first = selected[0]
    return entered or (names[0] if names else f"{first['file']} {first['track']}")
