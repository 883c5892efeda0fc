"""What came of a video: the annotated film and the table, or why there is none."""

from functools import partial
from pathlib import Path

import streamlit as st

from fer_core import inference
from fer_core.inference import Summary, Video
from fer_core.runs import STOPPED
from fer_core.tasks import TaskState
from pages.components.predict.video_faces import show_faces
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import plain, spoken_clock


def show_video(video: Video) -> None:
    """A video that is not in work any more."""
    summary = video.summary
    with st.container(border=True):
        if summary is None:
            _say_why_not(video)
        else:
            _say_what_came(video, summary)
            if summary.rows:
                show_faces(video, summary)
            else:
                _say_no_face(video, summary)
        with st.popover("Delete …", icon=":material/delete:", key=f"deletion-{video.id}"):
            st.markdown("Delete the annotated film, the table and the pictures of the faces?")
            st.button(
                "Delete for good",
                type="primary",
                icon=":material/delete_forever:",
                key=f"delete-{video.id}",
                on_click=partial(run_or_toast, video.delete),
            )


def _say_why_not(video: Video) -> None:
    """A sentence, and the way to another try where there is one."""
    if video.state is TaskState.INTERRUPTED:
        st.error(f"{plain(video.name)} was not looked at to its end. {plain(video.interruption)}")
        if video.source.exists():
            st.button(
                "Look at it again",
                icon=":material/replay:",
                key=f"again-{video.id}",
                on_click=partial(run_or_toast, partial(inference.begin_again, video)),
            )
    else:
        st.error(plain(video.error) or "It was not looked at.", icon=":material/broken_image:")
    if video.table_file.exists() and video.table_file.stat().st_size:
        st.caption("The table has what was done until then.")
        _offer_file("Download table", video.table_file, _file_name(video, "csv"), "text/csv")


def _say_what_came(video: Video, summary: Summary) -> None:
    st.markdown(
        f"**{summary.frames:,} frames** of {spoken_clock(summary.seconds)}, {summary.width}×"
        f"{summary.height}, at {summary.rate:.0f} frames a second · by {plain(video.network)}"
    )
    if summary.reason == STOPPED:
        st.info(f"It was stopped: this is the video until {spoken_clock(summary.seconds)}.")
    elif summary.is_short:
        st.warning(
            f"The file ends at {spoken_clock(summary.seconds)}, but says that it takes "
            f"{spoken_clock(summary.film_seconds or 0)}: it was cut off while it was copied, or is "
            "damaged."
        )
    elif summary.damaged:
        st.warning(f"{summary.damaged:,} pieces of the file are damaged and were left out.")
    st.video(str(video.annotated_file))
    with st.container(horizontal=True):
        name = _file_name(video, "mp4")
        _offer_file("Download annotated film", video.annotated_file, name, "video/mp4")
        _offer_file("Download table", video.table_file, _file_name(video, "csv"), "text/csv")


def _say_no_face(video: Video, summary: Summary) -> None:
    st.info(
        f"No face was found in any of {summary.frames:,} frames of {plain(video.name)}. A smaller "
        "size can be chosen under “Face search”. Faces seen from the side or half hidden are "
        "missed.",
        icon=":material/search_off:",
    )


def _offer_file(label: str, file: Path, name: str, kind: str) -> None:
    st.download_button(
        label,
        file.read_bytes,  # only when it is pressed
        file_name=name,
        mime=kind,
        icon=":material/download:",
        on_click="ignore",
        key=f"{label}-{file.parent.name}",
    )


def _file_name(video: Video, suffix: str) -> str:
    return f"{Path(video.name).stem}-faces.{suffix}"
