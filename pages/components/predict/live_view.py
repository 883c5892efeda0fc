"""The live camera on the page: on and off, and what to do where it does not come."""

import time

import streamlit as st

from fer_core.inference import LiveRecognizer
from fer_core.runs import Run
from pages.components.predict.camera_check import GRANTED, camera_check
from pages.components.predict.live_answers import show_answers, show_table
from pages.components.predict.live_cache import live_recognizer
from pages.components.predict.live_camera import film, is_filming, is_opened
from pages.components.predict.options import PredictOptions
from pages.components.shared.formatting import plain
from pages.components.shared.live_plot import load_plotly

PATIENCE = 40.0  # seconds for a connection; one that failed is tried again after fifteen
# Seconds for the video's place to be laid out before it shall connect. While it is, what the page
# says reaches it several times, and each time it would begin a connection of its own.
_LAID_OUT = 0.9
_REFUSALS = {
    "NotAllowedError": "The browser does not give its camera to this page. Allow it at the sign "
    "beside the address, or in the browser's settings, then switch the camera off and on again.",
    "NotFoundError": "No camera was found. Connect one, then switch the camera off and on again.",
    "NotReadableError": "The camera cannot be opened; another program may be using it. Close that "
    "one, then switch the camera off and on again.",
    "InsecureContext": "Browsers give their camera only to pages of their own machine, at "
    "`localhost`, or over https. Open the dashboard there.",
}


def show_live(asking: PredictOptions) -> None:
    """The switches, the video, and beside it what is recognised in it."""
    st.caption(
        "The camera's pictures go to the computer this dashboard runs on, and nowhere else. "
        "They are looked at and forgotten: none is stored."
    )
    with st.container(horizontal=True):
        on = st.toggle("Camera on", key="live-on", on_change=_begin)
        mirrored = st.toggle("Mirror", value=True, key="live-mirror", help="Only what is shown.")
    attempt = st.session_state.get("live-attempt", 0) if on else 0
    answer = camera_check(attempt, in_use=is_filming())
    if attempt and answer is None:
        st.info(
            "Waiting for the camera. The browser may ask whether this page may use it.",
            icon=":material/videocam:",
        )
    elif answer is not None and answer != GRANTED:
        refusal = _REFUSALS.get(answer, f"The camera cannot be started: {plain(answer)}.")
        st.error(refusal, icon=":material/videocam_off:")
    # While the browser asks, the networks are loaded. After that there may be a table to download.
    st.session_state["live-used"] = st.session_state.get("live-used", False) or answer == GRANTED
    asks = bool(attempt) and answer is None
    if not (asks or st.session_state["live-used"]):
        return
    try:
        live = live_recognizer(asking)
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        return
    live.mirrored, live.threshold = mirrored, asking.sureness.threshold
    if answer == GRANTED or is_opened():
        _show_camera(live, asking.run, wanted=answer == GRANTED)
    else:
        show_table(live, asking.run)


def _begin() -> None:
    """Counts how often the camera was switched on, and when it was last."""
    if st.session_state["live-on"]:
        st.session_state["live-attempt"] = st.session_state.get("live-attempt", 0) + 1
        for key in ("live-shown", "live-deadline", "live-late"):
            st.session_state.pop(key, None)


def _show_camera(live: LiveRecognizer, run: Run, *, wanted: bool) -> None:
    """The video, and beside it what is recognised, or why there is nothing yet."""
    shown = st.session_state.setdefault("live-shown", time.monotonic())
    laid_out = time.monotonic() - shown >= _LAID_OUT
    # Not by the clock: what the browser says of a connection is heard in `film` only.
    is_late = st.session_state.get("live-late", False) and not is_filming()
    load_plotly()
    video, answers = st.columns([3, 2], gap="medium")
    with video:
        film(live, wanted=wanted and laid_out and not is_late)
    with answers:
        if is_late:
            _say_no_connection()
        elif is_filming():
            for key in ("live-deadline", "live-late"):
                st.session_state.pop(key, None)
            show_answers(live, run)
        else:
            deadline = st.session_state.setdefault("live-deadline", time.monotonic() + PATIENCE)
            _wait(deadline, laid_out)


@st.fragment(run_every=1.0)
def _wait(deadline: float, laid_out: bool) -> None:
    shown = st.session_state["live-shown"]
    if is_filming() or not laid_out and time.monotonic() - shown >= _LAID_OUT:
        st.rerun()
    if time.monotonic() > deadline:
        st.session_state["live-late"] = True
        st.rerun()
    st.info("Connecting the camera …", icon=":material/videocam:")


def _say_no_connection() -> None:
    st.error(
        f"The camera's pictures did not arrive within {PATIENCE:.0f} seconds. They come over UDP, "
        "directly from the browser: a firewall or a VPN may stop them. Switch the camera off and "
        "on to try again; a single picture, under “Camera”, needs no such connection.",
        icon=":material/wifi_off:",
    )
