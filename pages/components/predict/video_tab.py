"""Videos that a network looks at: one is given, how far it is, and those that were looked at."""

import streamlit as st

from fer_core import inference
from fer_core.inference import MOST_EVERY, VIDEO_SUFFIXES, Video, VideoSettings
from fer_core.runs import Run
from pages.components.predict.options import PredictOptions
from pages.components.predict.video_result import show_video
from pages.components.predict.video_watch import watch
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.formatting import format_run

_LARGEST_FILE = 1024  # MB
_UPLOADS = "video-uploads"  # how many were taken: the field is empty again after each


def show_videos(asking: PredictOptions) -> None:
    """A field for a video, the progress of those in work, and what came of the others."""
    _offer(asking)
    show_reported_errors()
    found = inference.list_videos()
    active = [video for video in found if video.state.is_active]
    watch(active)
    ended = [video for video in found if video not in active]
    if not ended:
        return
    st.subheader("Looked at", anchor=False)
    by_id = {video.id: video for video in ended}
    # Where another one has ended, that one is shown.
    chosen = st.selectbox(
        "Video", list(by_id), format_func=lambda one: _spoken(by_id[one]), key=f"of-{ended[0].id}"
    )
    show_video(by_id[chosen])


def _offer(asking: PredictOptions) -> None:
    """A file and how it is looked at. It is copied at once, and not kept in memory."""
    number = st.session_state.setdefault(_UPLOADS, 0)
    file = st.file_uploader(
        "A video with faces",
        type=[suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES],
        max_upload_size=_LARGEST_FILE,
        key=f"video-{number}",
        help="It is copied to the computer this dashboard runs on, and nowhere else.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        every = st.number_input(
            "Look at one frame of", 1, MOST_EVERY, 1, width=180, help="2 takes half as long."
        )
        smoothing = st.number_input(
            "Smoothing, in seconds",
            0.0,
            10.0,
            VideoSettings.time_constant,
            0.1,
            width=180,
            help="After so long 63 % of a change in a face shows in its answer; 0 takes every "
            "frame by itself. The table has both.",
        )
        settings = VideoSettings(
            every=int(every),
            time_constant=float(smoothing),
            smallest_face=asking.search.smallest_face,
            confidence=asking.search.confidence,
            threshold=asking.sureness.threshold,
            averaged=asking.averaged,
        )
        st.button(
            "Look for faces",
            type="primary",
            icon=":material/play_arrow:",
            disabled=file is None,
            on_click=_submit,
            args=(asking.run, f"video-{number}", settings),
        )
    st.caption(
        "The video itself is removed when it was looked at; the annotated film, without sound, and "
        "the table stay on this computer until you delete them."
    )


def _submit(run: Run, key: str, settings: VideoSettings) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    network = format_run(run)
    if run_or_report(lambda: inference.submit_video(run, file, file.name, settings, network)):
        st.session_state[_UPLOADS] += 1  # a new field: what was uploaded is forgotten


def _spoken(video: Video) -> str:
    """The name, when it was asked for, and what came of it."""
    asked, summary = video.asked, video.summary
    said = [video.name, f"{asked:%d %b, %H:%M}" if asked else ""]
    if summary is None:
        said.append(str(video.state))
    else:
        faces = "1 face" if summary.faces == 1 else f"{summary.faces:,} faces"
        said.append(f"{summary.frames:,} frames, {faces}")
    return " · ".join(part for part in said if part)
