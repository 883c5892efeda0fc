"""Shows the expression of a face in live video: now, over the last seconds, and in a table."""

import time

import streamlit as st

from fer_core.errors import FerError
from fer_core.evaluation import describe_answer
from fer_core.figures import RECENT_HEIGHT, recent_figure
from fer_core.inference import HISTORY_SECONDS, FrameResult, LiveRecognizer, TrackedFace
from fer_core.runs import Run
from fer_core.storage import export_csv
from pages.components.shared.downloads import offer_download
from pages.components.shared.formatting import file_name, plain
from pages.components.shared.live_plot import live_plot

REFRESH = 0.5  # seconds
MAX_SILENCE = 3.0  # seconds without a frame before a warning
LARGEST = "Largest"


def show_answers(live: LiveRecognizer, run: Run) -> None:
    """Shows the latest result, refreshed, and the switch that records a table."""
    st.fragment(_show_latest, run_every=REFRESH)(live)
    st.fragment(_record)(live, run)


def _show_latest(live: LiveRecognizer) -> None:
    result = live.latest()
    number = _choose_face(result)
    _show_answer(live, result, number)
    seconds, probabilities = live.history(number)
    names, now = live.class_names, time.monotonic()
    figure = recent_figure(seconds, probabilities, names, now=now, span=HISTORY_SECONDS)
    live_plot(figure.to_json(), "live-history", RECENT_HEIGHT, "Expressions over the last seconds")
    _show_pace(live)


def _record(live: LiveRecognizer, run: Run) -> None:
    """Shows the switch, and the download when it is off: refreshes break download buttons."""
    live.is_recording = st.toggle(
        "Record a table",
        key="live-record",
        help="A row for each face and frame: time, box and probabilities. Kept in memory; choosing "
        "another model or other detector settings starts a new table.",
    )
    if not live.is_recording:
        show_table(live, run)


def _choose_face(result: FrameResult | None) -> int:
    """Returns the number of the chosen face, by default the largest; 0 without a face."""
    faces = result.faces if result else ()
    chosen = st.session_state.get("live-face", LARGEST)
    numbers = {face.number for face in faces} | (set() if chosen == LARGEST else {chosen})
    if len(numbers) > 1 or chosen != LARGEST:
        options = [LARGEST, *sorted(numbers)]
        chosen = st.segmented_control(
            "Face", options, default=LARGEST, required=True, key="live-face"
        )
    if chosen != LARGEST:
        return int(chosen)
    largest = result.largest if result else None
    return largest.number if largest else 0


def _show_answer(live: LiveRecognizer, result: FrameResult | None, number: int) -> None:
    silence = live.seconds_since_frame()
    faces = result.faces if result else ()
    face = next((face for face in faces if face.number == number), None)
    if live.failure is not None:
        st.error(
            f"Recognition stopped: {plain(_describe_failure(live.failure))} Switch the camera off "
            "and on to try again.",
            icon=":material/error:",
        )
    elif silence is not None and silence > MAX_SILENCE:
        st.warning(
            f"No frame from the camera for {silence:.0f} seconds. Is it still connected?",
            icon=":material/videocam_off:",
        )
    elif face is not None:
        st.markdown(f"**{number} · {plain(_describe(live, face))}**")
    else:
        st.markdown(f":gray[{'Searching …' if result is None else 'No face'}]")


def _describe_failure(error: Exception) -> str:
    """Returns the sentence of an error the user can mend, else where to find the traceback."""
    if isinstance(error, FerError):
        return str(error)
    return "internal error; see the traceback in the server's log."


def _describe(live: LiveRecognizer, face: TrackedFace) -> str:
    answer = describe_answer(live.probabilities(face), live.threshold, is_weak=face.is_weak)
    sentence = answer if "(" in answer else f"{answer}, {100 * face.smoothed.max():.0f} %"
    flags = ["doubtful face"] * face.is_doubtful + ["blurred"] * face.is_blurred
    return " · ".join([sentence, *flags])


def _show_pace(live: LiveRecognizer) -> None:
    pace = live.pace()
    latency = "" if pace.age is None else f", latency {1000 * pace.age:.0f} ms"
    if live.log.is_full and live.is_recording:
        st.warning(
            f"The table is full ({len(live.log):,} rows). Stop recording, download and clear it.",
            icon=":material/table_rows:",
        )
    rows = f" · {len(live.log):,} rows recorded" if live.is_recording else ""
    st.caption(
        f"{pace.frames:.0f} frames/s received, {pace.results:.1f} processed{latency}{rows}",
        help="Frames that arrive while another one is processed are shown, but not processed.",
    )


def show_table(live: LiveRecognizer, run: Run) -> None:
    """Shows the download of the recorded table, and its length."""
    rows = len(live.log)
    if rows:
        with st.container(horizontal=True, vertical_alignment="center"):
            offer_download(
                "Download table (CSV)",
                lambda: export_csv(live.log.table(live.threshold)),
                file_name(f"camera-{run.id}", ".csv"),
                "text/csv",
                key="live-download",
            )
            st.button("Clear table", icon=":material/delete:", on_click=live.log.clear)
            st.caption(f"{rows:,} rows", width="content")
