"""What a session keeps in memory while it looks through its camera."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import streamlit as st

from fer_core.inference import FrameFunction, LiveRecognizer
from fer_core.vision import Box
from pages.components.predict.options import PredictOptions
from pages.components.shared.memory import freeze_garbage
from pages.components.shared.models import FaceSearch, classifier, detector

_SETTLED = (1, 20)  # frames after which all that is built once is there


def live_recognizer(asking: PredictOptions) -> LiveRecognizer:
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
    from fer_core.inference import FramePipeline

    looker = FramePipeline(finder, network, search.smallest_face, search.confidence)
    return LiveRecognizer(_settling(looker), network.class_names)


def _settling(look: FrameFunction) -> FrameFunction:
    """The same; what TensorFlow builds for the first frames is spared the collections to come.

    Streamlit collects after every refresh, and would stop all threads half a second for it.
    """
    frames = count(1)

    def settling(image: np.ndarray, seconds: float) -> tuple[Sequence[Box], np.ndarray]:
        seen = look(image, seconds)
        if next(frames) in _SETTLED:
            freeze_garbage()
        return seen

    return settling
