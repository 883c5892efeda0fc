"""The Live tab: turns the camera on and off, and explains why it does not start."""

import time

import streamlit as st

from fer_core.errors import FerError
from fer_core.inference import MAX_RUNNING, LiveRecognizer, running_recognizers
from fer_core.runs import Run
from pages.components.predict.camera_check import GRANTED, camera_check
from pages.components.predict.live_answers import show_answers, show_table
from pages.components.predict.live_camera import is_connected, is_opened, live_recognizer, stream
from pages.components.predict.options import PredictOptions
from pages.components.shared.formatting import plain

PATIENCE = 40.0  # seconds for a connection; browsers retry a failed one after fifteen
# Seconds between showing the video component and connecting. While the browser lays the component
# out, streamlit-webrtc (seen in 0.79) gets its settings several times, and would start a connection
# each time. Can go when it connects once.
_LAYOUT_DELAY = 0.9
_REFUSALS = {
    "NotAllowedError": "The browser denies this page access to the camera. Allow it by the icon in "
    "the address bar, or in the browser's settings, then switch the camera off and on again.",
    "NotFoundError": "No camera was found. Connect one, then switch the camera off and on again.",
    "NotReadableError": "The camera cannot be opened; another program may be using it. Close that "
    "program, then switch the camera off and on again.",
    "InsecureContext": "Browsers allow camera access only on `localhost` or over https. Open the "
    "dashboard at such an address.",
}


def show_live(options: PredictOptions) -> None:
    """Shows the switches, the video and its results."""
    st.caption(
        "Frames are sent only to the computer that runs this dashboard, processed in memory, and "
        "not stored."
    )
    with st.container(horizontal=True):
        on = st.toggle("Camera on", key="live-on", on_change=_count_attempt)
        mirrored = st.toggle(
            "Mirror", value=True, key="live-mirror", help="Mirrors the picture on the screen only."
        )
    attempt = st.session_state.get("live-attempt", 0) if on else 0
    answer = camera_check(attempt, in_use=is_connected())
    if attempt and answer is None:
        st.info(
            "Waiting for the camera. The browser may ask for permission.",
            icon=":material/videocam:",
        )
    elif answer is not None and answer != GRANTED:
        refusal = _REFUSALS.get(answer, f"The camera cannot be started: {plain(answer)}.")
        st.error(refusal, icon=":material/videocam_off:")
    # The models load while the browser asks. Afterwards there may be a table to download.
    st.session_state["live-used"] = st.session_state.get("live-used", False) or answer == GRANTED
    asks = bool(attempt) and answer is None
    if not (asks or st.session_state["live-used"]):
        return
    try:
        live = live_recognizer(options)
    except FerError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        return
    if not (live.is_running or is_opened()) and running_recognizers() >= MAX_RUNNING:
        st.warning(
            f"{MAX_RUNNING} cameras are already in use, which is all that this computer can "
            "process. Try again when one of them is switched off.",
            icon=":material/group:",
        )
        return
    live.mirrored, live.threshold = mirrored, options.abstention.threshold
    if answer == GRANTED or is_opened():
        _show_camera(live, options.run, wanted=answer == GRANTED)
    else:
        show_table(live, options.run)


def _count_attempt() -> None:
    """Counts how often the camera was switched on."""
    if st.session_state["live-on"]:
        st.session_state["live-attempt"] = st.session_state.get("live-attempt", 0) + 1
        for key in ("live-shown", "live-deadline", "live-late"):
            st.session_state.pop(key, None)


def _show_camera(live: LiveRecognizer, run: Run, *, wanted: bool) -> None:
    """Shows the video and, beside it, the results or why there are none yet."""
    shown = st.session_state.setdefault("live-shown", time.monotonic())
    laid_out = time.monotonic() - shown >= _LAYOUT_DELAY
    # Set by `_wait` and not computed here: the connection's state changes only in `stream`.
    is_late = st.session_state.get("live-late", False) and not is_connected()
    video, answers = st.columns([3, 2], gap="medium")
    with video:
        stream(live, wanted=wanted and laid_out and not is_late)
    with answers:
        if is_late:
            _show_no_connection()
        elif is_connected():
            for key in ("live-deadline", "live-late"):
                st.session_state.pop(key, None)
            show_answers(live, run)
        else:
            deadline = st.session_state.setdefault("live-deadline", time.monotonic() + PATIENCE)
            _wait(deadline, laid_out)


@st.fragment(run_every=1.0)
def _wait(deadline: float, laid_out: bool) -> None:
    shown = st.session_state["live-shown"]
    if is_connected() or not laid_out and time.monotonic() - shown >= _LAYOUT_DELAY:
        st.rerun()
    if time.monotonic() > deadline:
        st.session_state["live-late"] = True
        st.rerun()
    st.info("Connecting the camera …", icon=":material/videocam:")


def _show_no_connection() -> None:
    st.error(
        f"No video arrived within {PATIENCE:.0f} seconds. The browser sends it directly over UDP, "
        "which a firewall or a VPN may block. Switch the camera off and on to try again, or take "
        "single photos under “Camera”, which need no such connection.",
        icon=":material/wifi_off:",
    )
