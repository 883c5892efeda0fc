"""What a session keeps in memory while it looks through its camera."""

import streamlit as st

from fer_core.live import LiveRecognizer
from pages.components.answering import Asking
from pages.components.resources import FaceSearch, classifier, detector


def live_recognizer(asking: Asking) -> LiveRecognizer:
    """The session's recogniser; another network or another search for faces begins another one.

    Raises:
        ValueError: the run's model is damaged.
    """
    run = asking.run
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return _live_recognizer(run.id, model_time, asking.averaged, asking.search)


@st.cache_resource(
    max_entries=1, scope="session", show_spinner=False, on_release=LiveRecognizer.end
)
def _live_recognizer(
    run_id: str, model_time: int, averaged: bool, search: FaceSearch
) -> LiveRecognizer:
    network, finder = classifier(run_id, model_time, averaged), detector()
    from fer_core.looking import Looker

    looker = Looker(finder, network, search.smallest_face, search.confidence)
    return LiveRecognizer(looker, network.class_names)
