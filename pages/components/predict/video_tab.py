"""The Video tab: uploads a video, shows the progress, and lists processed videos."""

import streamlit as st

from fer_core import inference
from fer_core.inference import MAX_FRAME_STEP, VIDEO_SUFFIXES, Video, VideoSettings
from fer_core.runs import Run
from pages.components.predict.options import PredictOptions
from pages.components.predict.task_list import ListLabels, show_tasks
from pages.components.predict.video_result import show_video
from pages.components.shared.access import upload_limit, writing
from pages.components.shared.errors import run_or_report, show_reported_errors
from pages.components.shared.formatting import format_run

_MAX_FILE_MB = 1024
_UPLOADS = "video-uploads"  # uploads so far: each gets a new, empty field
_LABELS = ListLabels("Processed videos", "Video", "Stop processing", "The video was not processed.")


def show_videos(options: PredictOptions) -> None:
    """Shows the upload form, running videos and the chosen processed one."""
    _show_form(options)
    with st.container():
        show_reported_errors()
    show_tasks(inference.list_videos(), _LABELS, _result, show_video)


def _show_form(options: PredictOptions) -> None:
    """Shows the fields for a video. The file is copied to disk, and not kept in memory."""
    number = st.session_state.setdefault(_UPLOADS, 0)
    file = st.file_uploader(
        "Video with faces",
        type=[suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES],
        max_upload_size=upload_limit(_MAX_FILE_MB),
        key=f"video-{number}",
        **writing(help="Copied only to the computer that runs this dashboard."),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        every = st.number_input(
            "Process every Nth frame", 1, MAX_FRAME_STEP, 1, width=200, help="2 takes half as long."
        )
        smoothing = st.number_input(
            "Smoothing (seconds)",
            0.0,
            10.0,
            VideoSettings.time_constant,
            0.1,
            width=200,
            help="Time constant of the exponential smoothing of probabilities: after this time the "
            "answer shows 63 % of a change. 0 turns smoothing off. The table has smoothed and "
            "unsmoothed probabilities.",
        )
        settings = options.video_settings(int(every), float(smoothing))
        st.button(
            "Process video",
            type="primary",
            icon=":material/play_arrow:",
            **writing(disabled=file is None),
            on_click=_submit,
            args=(options.run, f"video-{number}", settings),
        )
    st.caption(
        "The uploaded video is deleted after processing, and results so far are kept if you stop "
        "it. The annotated video, without sound, and the table stay on this computer until you "
        "delete them."
    )


def _submit(run: Run, key: str, settings: VideoSettings) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    name = format_run(run)
    if run_or_report(lambda: inference.submit_video(run, file, file.name, settings, name)):
        st.session_state[_UPLOADS] += 1  # a new field, which drops the upload


def _result(video: Video) -> str | None:
    summary = video.summary
    if summary is None:
        return None
    faces = "1 face" if summary.faces == 1 else f"{summary.faces:,} faces"
    return f"{summary.frames:,} frames, {faces}"
