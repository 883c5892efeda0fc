"""Shows the faces of a video with portraits and probabilities over time."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from fer_core.errors import FerError
from fer_core.figures import timeline_figure
from fer_core.inference import (
    BRIEF_SECONDS,
    AnswerSpell,
    FaceSummary,
    Summary,
    Video,
    answer_spells,
    probability_curve,
    read_video_table,
    summarize_faces,
)
from pages.components.shared.formatting import format_clock, plain

_FACES_PER_PAGE = 4
_MAX_ANSWERS = 3  # listed for a face
_Table = tuple[pd.DataFrame, Sequence[FaceSummary], Sequence[AnswerSpell]]


def show_faces(video: Video, summary: Summary) -> None:
    """Shows a row per face: portrait, time span, and probabilities over time."""
    try:
        table, faces, _ = _read_table(video, summary)
    except (FerError, OSError) as error:
        st.error(plain(str(error)))
        return
    lasting = [face for face in faces if not face.is_brief] or list(faces)
    pages, page = -(-len(lasting) // _FACES_PER_PAGE), 1
    if pages > 1:
        page = st.pagination(pages, key=f"faces-of-{video.id}")
    first = (page - 1) * _FACES_PER_PAGE
    for position, face in enumerate(lasting[first : first + _FACES_PER_PAGE]):
        _show_face(video, summary, table, face, legend=position == 0)
    brief = len(faces) - len(lasting)
    if brief:
        more = "1 more face appears" if brief == 1 else f"{brief:,} more faces appear"
        st.caption(f"{more} for less than {BRIEF_SECONDS:g} seconds; see the table.")


def _show_face(
    video: Video, summary: Summary, table: pd.DataFrame, face: FaceSummary, *, legend: bool
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        portrait = video.portrait_file(face.number)
        if portrait.exists():
            st.image(str(portrait), width=56, alt=f"Face {face.number} of {video.name}")
        st.markdown(
            f"**Face {face.number}**, {format_clock(face.first)} to {format_clock(face.last)}  \n"
            f":gray[:small[{_shares(face)}]]"
        )
    seconds, probabilities = probability_curve(table, face.number, summary.class_names)
    st.plotly_chart(
        timeline_figure(
            seconds, probabilities, summary.class_names, whole=summary.seconds, legend=legend
        ),
        key=f"course-{video.id}-{face.number}",
        config={"displayModeBar": False},
    )


def read_spells(video: Video, summary: Summary) -> Sequence[AnswerSpell]:
    """Returns the spells of all faces; none if the table is missing or damaged."""
    try:
        return _read_table(video, summary)[2]
    except (FerError, OSError):  # said by `show_faces`
        return ()


def _read_table(video: Video, summary: Summary) -> _Table:
    changed = video.table_file.stat().st_mtime_ns
    return _read(video.table_file, changed, summary.class_names, video.settings.every)


@st.cache_data(max_entries=4, ttl="1h", show_spinner="Reading the table …")
def _read(file: Path, changed: int, class_names: tuple[str, ...], every: int) -> _Table:
    table = read_video_table(file, class_names)
    if table is None:
        raise FerError(f"The table {file.name} is missing. Process the video again.")
    return table, summarize_faces(table), answer_spells(table, every)


def _shares(face: FaceSummary) -> str:
    """Returns the most frequent answers with their shares of the frames."""
    shares = list(face.answers.items())[:_MAX_ANSWERS]
    return ", ".join(f"{plain(name)} {share:.0%}" for name, share in shares)
