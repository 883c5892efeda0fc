"""Shows the result of a video: the annotated video and the table, or why there is none."""

from functools import partial
from pathlib import Path

import streamlit as st

from fer_core import inference
from fer_core.errors import FerError
from fer_core.inference import Summary, Video
from fer_core.runs import STOPPED
from fer_core.storage import defused_csv
from fer_core.tasks import TaskState
from fer_core.text import counted
from pages.components.predict.markers.marks import take_time
from pages.components.predict.markers.panel import show_marks
from pages.components.predict.task_list import offer_deletion
from pages.components.predict.video_faces import read_spells, show_faces
from pages.components.predict.video_player import KEYS_HELP, joined_video, show_moment
from pages.components.shared.access import writing
from pages.components.shared.downloads import offer_download
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import file_name, format_clock, plain


def show_video(video: Video) -> None:
    """Shows a video that is no longer queued or running."""
    try:
        summary = video.summary
    except FerError as error:
        st.error(plain(f"{error} Delete the video and process it again."))
    else:
        _show(video, summary)
    offer_deletion(video, "Delete the annotated video, the table and the portraits?")


def _show(video: Video, summary: Summary | None) -> None:
    if summary is None:
        _show_failure(video)
        return
    _show_facts(video, summary)
    if not summary.rows:
        st.video(str(video.annotated_file))
        _show_downloads(video)
        _show_no_face(video, summary)
        return
    with joined_video(video.id):
        film, charts = st.columns([2, 3])
        with film:
            st.video(str(video.annotated_file))
            marked = show_moment(video.id, summary, read_spells(video, summary))
            st.caption(KEYS_HELP)
        with charts:
            table = show_faces(video, summary)
    _show_downloads(video)
    if marked is not None:
        take_time(video, marked)
    if table is not None:
        show_marks(video, summary, table)


def _show_failure(video: Video) -> None:
    """Shows why there is no result, and a button to try again if that is possible."""
    if video.state is TaskState.INTERRUPTED:
        st.error(f"Processing {plain(video.name)} was interrupted. {plain(video.interruption)}")
        if video.can_restart:
            st.button(
                "Process again",
                icon=":material/replay:",
                key=f"again-{video.id}",
                on_click=partial(run_or_toast, partial(inference.restart_video, video)),
                **writing(),
            )
    else:
        st.error(
            plain(video.error) or "The video was not processed.", icon=":material/broken_image:"
        )
    if video.table_file.exists() and video.table_file.stat().st_size:
        st.caption("The table has the results so far.")
        _offer_file("Download table (CSV)", video.table_file, _file_name(video, "csv"), "text/csv")


def _show_facts(video: Video, summary: Summary) -> None:
    st.markdown(
        f"**{summary.frames:,} frames** of {format_clock(summary.seconds)}, {summary.width}×"
        f"{summary.height}, processed at {summary.rate:.0f} frames/s by {plain(video.model_name)}"
    )
    if summary.reason == STOPPED:
        st.info(
            f"Processing was stopped at {format_clock(summary.seconds)}; the results end there."
        )
    elif summary.is_truncated:
        st.warning(
            f"The file ends at {format_clock(summary.seconds)} instead of "
            f"{format_clock(summary.stated_seconds or 0)}: it is incomplete or damaged."
        )
    elif summary.damaged:
        parts = counted(summary.damaged, "damaged part")
        st.warning(f"{parts} of the file could not be read.")
    if summary.shortened:
        st.info(
            f"The annotated video is {format_clock(summary.shortened)} shorter than the file: "
            "pauses between frames of more than a minute are cut to a minute. The table and the "
            "charts have the times of the file."
        )


def _show_downloads(video: Video) -> None:
    with st.container(horizontal=True):
        name = _file_name(video, "mp4")
        _offer_file("Download annotated video", video.annotated_file, name, "video/mp4")
        _offer_file("Download table (CSV)", video.table_file, _file_name(video, "csv"), "text/csv")


def _show_no_face(video: Video, summary: Summary) -> None:
    st.info(
        f"No face was found in the {summary.frames:,} frames of {plain(video.name)}. Choose a "
        "smaller size under “Face detection” and process it again. The detector may miss faces in "
        "profile or partly covered.",
        icon=":material/search_off:",
    )


def _offer_file(label: str, file: Path, name: str, kind: str) -> None:
    read = partial(_table, file) if file.suffix == ".csv" else file.read_bytes
    offer_download(label, read, name, kind, key=f"{label}-{file.parent.name}")


def _file_name(video: Video, suffix: str) -> str:
    return file_name(Path(video.name).stem, f"-faces.{suffix}")


def _table(file: Path) -> str:
    return defused_csv(file.read_text(encoding="utf-8", errors="replace"))
