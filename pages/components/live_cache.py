"""What a session keeps in memory while it looks through its camera."""

import streamlit as st

from fer_core.live import LiveRecognizer
from fer_core.runs import Run
from pages.components.resources import classifier, face_detector


def live_recognizer(run: Run) -> LiveRecognizer:
    """The session's recogniser with the run's network; another network begins another one.

    Raises:
        ValueError: the run's model is damaged.
    """
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return _live_recognizer(run.id, model_time)


@st.cache_resource(
    max_entries=1, scope="session", show_spinner=False, on_release=LiveRecognizer.end
)
def _live_recognizer(run_id: str, model_time: int) -> LiveRecognizer:
    network, detector = classifier(run_id, model_time), face_detector()
    from fer_core.looking import Looker

    return LiveRecognizer(Looker(detector, network), network.class_names)
