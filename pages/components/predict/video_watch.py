"""How far videos are that are looked at, and the way to stop one."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from fer_core.inference import Video
from fer_core.tasks import Progress, TaskState, queue
from pages.components.shared.errors import run_or_toast
from pages.components.shared.formatting import format_end_time, plain

_REFRESH_SECONDS = 1.0


def watch(active: Sequence[Video]) -> None:
    """A bar for each; the page is shown anew when one has ended."""
    if active:
        st.fragment(_watch, run_every=_REFRESH_SECONDS)(active)


def _watch(active: Sequence[Video]) -> None:
    for video in active:
        state = video.state
        if not state.is_active:
            st.rerun()
        if state is TaskState.QUEUED:
            queue.wake()  # whoever takes what waits may have ended meanwhile
        progress = video.progress
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(
                progress.fraction if progress else 0.0,
                text=f"**{plain(video.name)}** · {_words(state, progress)}",
            )
            st.button(
                "Stop here",
                icon=":material/stop_circle:",
                key=f"stop-{video.id}",
                on_click=partial(run_or_toast, partial(_stop, video)),
                disabled=state is TaskState.STOPPING,
                help="What was done until then is kept.",
                width="content",
            )


def _stop(video: Video) -> None:
    """Stops it; one that nobody had begun goes with all that was uploaded for it."""
    video.request_stop()
    if video.state is TaskState.CANCELLED:
        video.delete()


def _words(state: TaskState, progress: Progress | None) -> str:
    """For example "120 of 472 frames · 31 frames a second · until 21:05"."""
    if state is TaskState.STOPPING:
        return "it is being stopped …"
    if state is TaskState.QUEUED or progress is None:
        return "it waits for its turn …" if state is TaskState.QUEUED else "it begins …"
    said = [plain(progress.message)]
    if progress.rate:
        said.append(f"{progress.rate:.0f} frames a second")
    if progress.seconds_left is not None:
        said.append(f"until {format_end_time(progress.seconds_left)}")
    return " · ".join(said)
