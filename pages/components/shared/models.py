"""What sessions share in memory: networks, answers about pictures, and the runs they watch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.tasks import queue
from pages.components.shared.preloading import coming_classifier, coming_detector

if TYPE_CHECKING:
    from fer_core.inference import Classifier
    from fer_core.vision import FaceDetector


@dataclass(frozen=True)
class FaceSearch:
    """How faces are looked for; None leaves it to the detector."""

    smallest_face: int | None = None  # pixels of the picture
    confidence: float | None = None  # least confidence of the detector, in [0, 1]


def wake_queue() -> None:
    """Lets what was left in the queue go on, as after a restart or when a supervisor was killed."""
    queue.wake()


@st.cache_resource(max_entries=1, show_spinner="Loading TensorFlow and the face detector …")
def detector() -> "FaceDetector":
    """What finds faces; the same for all sessions."""
    return coming_detector().result()


@st.cache_resource(max_entries=4, show_spinner="Loading the run's model …")
def classifier(run_id: str, model_time: int, averaged: bool = False) -> "Classifier":
    """The run's model with its class names; loaded anew when its file has another time.

    Args:
        averaged: over ten views of each face.
    """
    return coming_classifier(run_id, model_time, averaged).result()
