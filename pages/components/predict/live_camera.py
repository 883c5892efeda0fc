"""The camera's video in the page, its faces drawn by the session's recogniser.

Streamlit-webrtc brings the frames of the browser to threads of the server and back. What they and
the page share is the recogniser alone.
"""

import time
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.inference import LONGER_SIDE, LiveRecognizer
from pages.components.predict.srtp import load_srtp

if TYPE_CHECKING:
    from av import VideoFrame

_KEY, _OFFERED = "live-camera", "live-offered"
_SETTLING = 0.5  # seconds
_NO_SERVERS: dict[str, list] = {"iceServers": []}  # else a public server is asked for the way
_WANTED = {"width": {"ideal": LONGER_SIDE}, "height": {"ideal": 480}, "frameRate": {"ideal": 24}}


def is_filming() -> bool:
    """Whether the browser has a connection that frames can come by."""
    context = st.session_state.get(_KEY)
    return context is not None and context.state.playing


def is_opened() -> bool:
    """Whether there is a connection, or one that is about to be."""
    context = st.session_state.get(_KEY)
    return context is not None and (context.state.playing or context.state.signalling)


def _let_settle() -> None:
    """Waits until the browser has sent the last of its first offers.

    Its component may make two in a row, and connects by the last one; the first that is answered
    is the only one that is. While this waits, the newer one replaces it.
    """
    context = st.session_state.get(_KEY)
    if context is None or context.state.playing or not context.state.signalling:
        st.session_state.pop(_OFFERED, None)
        return
    waited = time.monotonic() - st.session_state.setdefault(_OFFERED, time.monotonic())
    time.sleep(max(0.0, _SETTLING - waited))


def film(live: LiveRecognizer, *, wanted: bool) -> None:
    """Shows the camera's video with its faces; ends it where it is not wanted any more."""
    # Only from here on its packages are needed, which take half a second to import.
    load_srtp()
    from streamlit_webrtc import webrtc_streamer

    def show(frame: "VideoFrame") -> "VideoFrame":
        return type(frame).from_ndarray(live.show(frame.to_ndarray(format="rgb24")), "rgb24")

    _let_settle()
    webrtc_streamer(
        _KEY,
        frontend_rtc_configuration=_NO_SERVERS,
        server_rtc_configuration=_NO_SERVERS,
        media_stream_constraints={"video": _WANTED, "audio": False},
        video_html_attrs={
            "autoPlay": True,
            "muted": True,
            "controls": False,
            "style": {"width": "100%", "borderRadius": "0.5rem"},
        },
        desired_playing_state=wanted,
        video_frame_callback=show,
        on_video_ended=live.end,
    )
