"""What the camera's faces look like at this moment, over the last seconds, and in a table."""

import time

import streamlit as st

from fer_core.live import SPAN, LiveRecognizer, Moment
from fer_core.recent_figure import RECENT_HEIGHT, recent_figure
from fer_core.runs import Run
from fer_core.tracking import Tracked
from pages.components.live_plot import live_plot
from pages.components.words import plain

REFRESH = 0.5  # seconds
SILENCE = 3.0  # seconds without a frame after which something is wrong
LARGEST = "Largest"


def show_answers(live: LiveRecognizer, run: Run) -> None:
    """Again and again what was made of the latest frame."""
    st.fragment(_look, run_every=REFRESH)(live, run)


def _look(live: LiveRecognizer, run: Run) -> None:
    moment = live.latest()
    face = _choose(moment)
    _say_answer(live, face)
    _show_pace(live)
    _show_history(live, face)
    _show_log(live, run)


def _choose(moment: Moment | None) -> Tracked | None:
    """The face that is told of: the largest one, or the one that was chosen."""
    faces = {face.number: face for face in moment.faces} if moment else {}
    chosen = st.session_state.get("live-face", LARGEST)
    numbers = sorted({*faces, *([chosen] if chosen != LARGEST else [])})
    if len(numbers) > 1 or chosen != LARGEST:
        options = [LARGEST, *numbers]
        chosen = st.segmented_control("Face", options, default=LARGEST, required=True, key="live-face")
    if chosen == LARGEST:
        return moment.largest if moment else None
    return faces.get(chosen)


def _say_answer(live: LiveRecognizer, face: Tracked | None) -> None:
    silence = live.silence()
    if live.failure is not None:
        st.error(f"Faces are not recognised any more: {plain(str(live.failure))}")
    elif silence is not None and silence > SILENCE:
        st.warning(f"The camera has given no picture for {silence:.0f} seconds.")
    elif face is None:
        st.markdown(":gray[No face]")
    else:
        st.markdown(f"**{face.number} · {plain(live.answer(face))}**")


def _show_pace(live: LiveRecognizer) -> None:
    pace = live.pace()
    with st.container(horizontal=True, gap="medium"):
        st.metric("Pictures per second", f"{pace.frames:.0f}", width="content")
        st.metric("recognised", f"{pace.answers:.1f}", width="content")
        age = "–" if pace.age is None else f"{1000 * pace.age:.0f} ms"
        st.metric("Age of the answer", age, width="content")


def _show_history(live: LiveRecognizer, face: Tracked | None) -> None:
    number = face.number if face else 0
    seconds, probabilities = live.history(number)
    figure = recent_figure(
        seconds, probabilities, live.class_names, now=time.monotonic(), span=SPAN
    )
    live_plot(figure.to_json(), "live-history", RECENT_HEIGHT, "Expressions of the last seconds")


def _show_log(live: LiveRecognizer, run: Run) -> None:
    live.records = st.toggle("Record the table", key="live-record")
    st.caption(f"{len(live.log):,} rows")
