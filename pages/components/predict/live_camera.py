"""Streams the camera's video through the session's recognizer and shows it.

streamlit-webrtc passes frames from the browser to server threads and back. These threads and the
page share only the recognizer.
"""

import time
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.inference import FRAME_SIDE, LiveRecognizer
from pages.components.predict.options import PredictOptions
from pages.components.predict.srtp import load_srtp
from pages.components.predict.webrtc_limits import limit_decoders
from pages.components.shared.models import FaceSearch, classifier, detector

if TYPE_CHECKING:
    from av import VideoFrame

_KEY, _OFFERED = "live-camera", "live-offered"
_OFFER_DELAY = 0.5  # seconds
_NO_SERVERS: dict[str, list] = {"iceServers": []}  # by default a public STUN server is used
_CONSTRAINTS = {
    "width": {"ideal": FRAME_SIDE},
    "height": {"ideal": 480},
    "frameRate": {"ideal": 24},
}


def live_recognizer(options: PredictOptions) -> LiveRecognizer:
    """Returns the session's recognizer; another model or face detection makes a new one.

    Raises:
        FerError: the run's model is damaged.
    """
    run = options.run
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return _live_recognizer(run.id, model_time, options.tta, options.search)


@st.cache_resource(
    max_entries=1, scope="session", show_spinner=False, on_release=LiveRecognizer.end
)
def _live_recognizer(run_id: str, model_time: int, tta: bool, search: FaceSearch) -> LiveRecognizer:
    model, finder = classifier(run_id, model_time, tta), detector()
    from fer_core.inference import FramePipeline, LivePipeline

    pipeline = FramePipeline(finder, model, search.smallest_face, search.confidence)
    return LiveRecognizer(LivePipeline(pipeline), model.class_names)


def is_connected() -> bool:
    """Tells whether the browser has a connection for frames."""
    context = st.session_state.get(_KEY)
    return context is not None and context.state.playing


def is_opened() -> bool:
    """Tells whether there is a connection, or one being made."""
    context = st.session_state.get(_KEY)
    return context is not None and (context.state.playing or context.state.signalling)


def _await_last_offer() -> None:
    """Sleeps until the browser has sent its last offer for a connection.

    The browser's component of streamlit-webrtc (seen in 0.79) may send two offers in a row and
    connects with the second, but the server answers only the first it sees. During the sleep the
    newer offer replaces the older one. Can go when streamlit-webrtc answers the latest offer.
    """
    context = st.session_state.get(_KEY)
    if context is None or context.state.playing or not context.state.signalling:
        st.session_state.pop(_OFFERED, None)
        return
    waited = time.monotonic() - st.session_state.setdefault(_OFFERED, time.monotonic())
    time.sleep(max(0.0, _OFFER_DELAY - waited))


def stream(live: LiveRecognizer, *, wanted: bool) -> None:
    """Shows the camera's video with its faces; ends the connection if it is not wanted."""
    # Imported here: these packages take half a second, and other tabs do not need them.
    load_srtp()
    from streamlit_webrtc import webrtc_streamer

    limit_decoders()

    def show(frame: "VideoFrame") -> "VideoFrame":
        return type(frame).from_ndarray(live.show(frame.to_ndarray(format="rgb24")), "rgb24")

    _await_last_offer()
    webrtc_streamer(
        _KEY,
        frontend_rtc_configuration=_NO_SERVERS,
        server_rtc_configuration=_NO_SERVERS,
        media_stream_constraints={"video": _CONSTRAINTS, "audio": False},
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
