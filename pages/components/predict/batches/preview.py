"""Shows which files a batch will have, and which rows of its table belong to them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from fer_core import batches
from fer_core.batches import BatchMarks, BatchSettings, ClipTable, Matching, Media
from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.text import counted
from pages.components.shared.formatting import plain

_MAX_ROWS = 1000  # shown
_MAX_SENTENCES = 5


def show_preview(
    run: Run,
    folder: Path | None,
    uploads: Sequence[str],
    settings: BatchSettings,
    tables: tuple[bytes | None, bytes | None],
) -> bool:
    """Shows what a batch would process; returns whether it can be started.

    Args:
        tables: of clips and of markers.
    """
    table, markers = tables
    try:
        media = _media(folder, uploads, settings.patterns)
        clips = batches.read_clip_table(table, reserved(run)) if table is not None else None
        matching = batches.match_clips(clips, media.names) if clips else None
        found = matching.clips if matching else {}
        has_archives = bool(media.archives)
        # Of files in archives nothing is known yet.
        baseline = "" if has_archives else settings.baseline
        marks = batches.make_marks(media.names, found, markers, baseline=baseline)
    except FerError as error:
        st.error(plain(str(error)))
        return False
    _show_media(media)
    is_valid = True
    if clips is not None and matching is not None:
        _show_table(clips, matching, has_archives=has_archives)
        is_valid = bool(matching.clips or not settings.only_listed or has_archives)
    _show_marks(marks, has_archives=has_archives)
    return is_valid


def reserved(run: Run) -> set[str]:
    """Returns the names of columns that a table of clips must not have."""
    return batches.reserved_columns(run.class_names)


def _media(folder: Path | None, uploads: Sequence[str], patterns: tuple[str, ...]) -> Media:
    if folder is not None:
        return _find(str(folder), patterns)
    names = [batches.safe_path(name) for name in uploads]
    found = [name for name in names if batches.is_media(name) and batches.matches(name, patterns)]
    archives = tuple(name for name in names if _is_archive(name))
    if not found and not archives:
        raise FerError("No upload is a photo or video that the patterns let through.")
    return Media(tuple(found), archives=archives)


@st.cache_data(max_entries=4, ttl=20, show_spinner="Looking for photos and videos …")
def _find(folder: str, patterns: tuple[str, ...]) -> Media:
    return batches.find_media(Path(folder), patterns)


def _show_media(media: Media) -> None:
    videos = sum(map(batches.is_video, media.names))
    parts = [counted(videos, "video"), counted(len(media.names) - videos, "photo")]
    if media.archives:
        parts.append(f"the files in {counted(len(media.archives), 'archive')}")
    st.markdown(f"**To process:** {', '.join(parts)}")
    for note in media.notes:
        st.caption(plain(note))


def _show_table(clips: ClipTable, matching: Matching, *, has_archives: bool) -> None:
    st.markdown(
        f"**Table:** {counted(len(matching.clips), 'row')} of {len(clips.clips):,} with a file; "
        f"{counted(len(matching.unlisted), 'file')} without a row"
    )
    if has_archives and matching.problems:
        st.caption("Rows for files in archives are matched when the batch begins.")
    elif matching.problems:
        shown = matching.problems[:_MAX_SENTENCES]
        more = len(matching.problems) - len(shown)
        sentences = [plain(sentence) for sentence in shown] + [f"{more:,} more."] * bool(more)
        st.warning("  \n".join(sentences))
    files = {clip.line: name for name, clip in matching.clips.items()}
    rows = [
        {
            "row": clip.line,
            "file": files.get(clip.line, clip.file),
            "found": clip.line in files,
            "start": clip.start,
            "end": clip.end,
            **clip.columns,
        }
        for clip in clips.clips[:_MAX_ROWS]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=min(38 + 35 * len(rows), 248),
        column_config={
            "found": st.column_config.CheckboxColumn("Found"),
            "row": "Line",
            "file": "File",
            "start": st.column_config.NumberColumn("Start (s)"),
            "end": st.column_config.NumberColumn("End (s)"),
        },
    )


def _show_marks(marks: BatchMarks, *, has_archives: bool) -> None:
    if marks.problems and not has_archives:
        st.warning("  \n".join(map(plain, marks.problems[:_MAX_SENTENCES])))
    if marks.files:
        markers = sum(len(each.markers) for each in marks.files.values())
        ranges = sum(len(each.excluded) for each in marks.files.values())
        files = sum(each.has_baseline for each in marks.files.values())
        st.markdown(
            f"**Marked:** {counted(markers, 'marker')}, {counted(ranges, 'excluded range')}; a "
            f"baseline in {counted(files, 'file')}"
        )


def _is_archive(name: str) -> bool:
    return name.lower().endswith(".zip")
