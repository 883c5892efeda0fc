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
from fer_core.markers import Annotations, read_annotations
from pages.components.predict.markers.marks import MarkedFaces
from pages.components.shared.formatting import format_clock, plain

_FACES_PER_PAGE = 4
_MAX_ANSWERS = 3  # listed for a face
_Table = tuple[pd.DataFrame, Sequence[FaceSummary], Sequence[AnswerSpell]]


def show_faces(video: Video, summary: Summary) -> pd.DataFrame | None:
    """Shows a row per face: portrait, time span, and probabilities over time.

    Returns:
        The table of all faces; None if it is missing or damaged.
    """
    try:
        table, faces, _ = _read_table(video, summary)
    except (FerError, OSError) as error:
        st.error(plain(str(error)))
        return None
    marks = _read_marks(video, summary, table)
    lasting = [face for face in faces if not face.is_brief] or list(faces)
    pages, page = -(-len(lasting) // _FACES_PER_PAGE), 1
    if pages > 1:
        page = st.pagination(pages, key=f"faces-of-{video.id}")
    first = (page - 1) * _FACES_PER_PAGE
    for position, face in enumerate(lasting[first : first + _FACES_PER_PAGE]):
        _show_face(video, marks, face, legend=position == 0)
    if marks.annotations.has_baseline:
        st.caption(
            "Lines are probabilities **minus the baseline** of the person; areas, those of a "
            "person without one."
        )
    brief = len(faces) - len(lasting)
    if brief:
        more = "1 more face appears" if brief == 1 else f"{brief:,} more faces appear"
        st.caption(f"{more} for less than {BRIEF_SECONDS:g} seconds; see the table.")
    return table


def _show_face(video: Video, marks: MarkedFaces, face: FaceSummary, *, legend: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        portrait = video.portrait_file(face.number)
        if portrait.exists():
            st.image(str(portrait), width=56, alt=f"Face {face.number} of {video.name}")
        st.markdown(
            f"**{plain(_name(marks, face))}**, {format_clock(face.first)} to "
            f"{format_clock(face.last)}  \n:gray[:small[{_shares(face)}]]"
        )
    names = marks.summary.class_names
    seconds, probabilities = probability_curve(marks.table, face.number, names)
    person = marks.name(face.number)
    figure = timeline_figure(
        seconds,
        probabilities,
        names,
        whole=marks.summary.seconds,
        legend=legend,
        baseline=(marks.baselines or {}).get(person or ""),
        markers=marks.annotations.markers,
        excluded=marks.annotations.excluded,
    )
    st.plotly_chart(
        figure, key=f"course-{video.id}-{face.number}", config={"displayModeBar": False}
    )


def _name(marks: MarkedFaces, face: FaceSummary) -> str:
    """Returns the number of a face, and the person if it has a name."""
    person, number = marks.name(face.number), f"Face {face.number}"
    if person is None:
        return f"{number}, ignored"
    return number if person == str(face.number) else f"{person} · {number}"


def _read_marks(video: Video, summary: Summary, table: pd.DataFrame) -> MarkedFaces:
    """Returns the faces with what is marked; nothing, if it cannot be read."""
    try:
        return MarkedFaces(summary, table, read_annotations(video.annotations_file))
    except FerError:  # said by `show_marks`
        return MarkedFaces(summary, table, Annotations())


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
