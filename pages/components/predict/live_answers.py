"""What the camera's faces look like at this moment, over the last seconds, and in a table."""

import time

import streamlit as st

from fer_core.evaluation import describe_answer
from fer_core.figures import RECENT_HEIGHT, recent_figure
from fer_core.inference import SPAN, LiveRecognizer, Moment, Tracked
from fer_core.runs import Run
from pages.components.shared.formatting import plain
from pages.components.shared.live_plot import live_plot

REFRESH = 0.5  # seconds
SILENCE = 3.0  # seconds without a frame after which something is wrong
LARGEST = "Largest"


def show_answers(live: LiveRecognizer, run: Run) -> None:
    """Again and again what was made of the latest frame, and the switch that records it."""
    st.fragment(_look, run_every=REFRESH)(live)
    st.fragment(_record)(live, run)


def _look(live: LiveRecognizer) -> None:
    moment = live.latest()
    number = _choose(moment)
    _say_answer(live, moment, number)
    seconds, probabilities = live.history(number)
    names, now = live.class_names, time.monotonic()
    figure = recent_figure(seconds, probabilities, names, now=now, span=SPAN)
    live_plot(figure.to_json(), "live-history", RECENT_HEIGHT, "Expressions over the last seconds")
    _say_pace(live)


def _record(live: LiveRecognizer, run: Run) -> None:
    """The switch, and the table once it is off: a button that is refreshed gives no file."""
    live.records = st.toggle(
        "Record the table",
        key="live-record",
        help="A row for each face that is recognised: when, where, and all probabilities. It is "
        "kept in memory, and begins anew with another network or another search for faces.",
    )
    if not live.records:
        show_table(live, run)


def _choose(moment: Moment | None) -> int:
    """The number of the face that is told of: the largest one's, or one that was chosen; or 0."""
    faces = moment.faces if moment else ()
    chosen = st.session_state.get("live-face", LARGEST)
    numbers = {face.number for face in faces} | (set() if chosen == LARGEST else {chosen})
    if len(numbers) > 1 or chosen != LARGEST:
        options = [LARGEST, *sorted(numbers)]
        chosen = st.segmented_control(
            "Face", options, default=LARGEST, required=True, key="live-face"
        )
    if chosen != LARGEST:
        return int(chosen)
    largest = moment.largest if moment else None
    return largest.number if largest else 0


def _say_answer(live: LiveRecognizer, moment: Moment | None, number: int) -> None:
    silence = live.silence()
    face = next((face for face in (moment.faces if moment else ()) if face.number == number), None)
    if live.failure is not None:
        st.error(
            f"Faces are not recognised any more: {plain(str(live.failure))}. Switch the camera "
            "off and on to try again.",
            icon=":material/error:",
        )
    elif silence is not None and silence > SILENCE:
        st.warning(
            f"The camera has given no picture for {silence:.0f} seconds. Is it still connected?",
            icon=":material/videocam_off:",
        )
    elif face is not None:
        st.markdown(f"**{number} · {plain(_spoken(live, face))}**")
    else:
        st.markdown(f":gray[{'Looking …' if moment is None else 'No face'}]")


def _spoken(live: LiveRecognizer, face: Tracked) -> str:
    said = describe_answer(live.probabilities(face), live.threshold)
    return said if "(" in said else f"{said}, {100 * face.smoothed.max():.0f} %"


def _say_pace(live: LiveRecognizer) -> None:
    pace = live.pace()
    age = "" if pace.age is None else f", answers {1000 * pace.age:.0f} ms old"
    if live.log.is_full and live.records:
        st.warning(
            f"The table is full: {len(live.log):,} rows. Stop recording, download it, clear it.",
            icon=":material/table_rows:",
        )
    rows = f" · {len(live.log):,} rows recorded" if live.records else ""
    st.caption(
        f"{pace.frames:.0f} pictures a second, {pace.answers:.1f} of them recognised{age}{rows}",
        help="A picture that comes while another is being recognised is shown, and left out.",
    )


def show_table(live: LiveRecognizer, run: Run) -> None:
    """How long the recorded table is, and its download."""
    rows = len(live.log)
    if rows:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.download_button(
                "Download table",
                lambda: live.log.table(live.threshold).to_csv(index=False),
                file_name=f"camera-{run.id}.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                key="live-download",
            )
            st.button("Clear table", icon=":material/delete:", on_click=live.log.clear)
            st.caption(f"{rows:,} rows", width="content")
