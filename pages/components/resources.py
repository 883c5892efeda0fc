"""What sessions share in memory: networks, answers about pictures, and the runs they watch."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fer_core import queue
from fer_core.runs import Run
from fer_core.watching import Watched
from pages.components.garbage import freeze_garbage
from pages.components.preloading import coming_classifier, coming_detector

if TYPE_CHECKING:
    from fer_core.detection import FaceDetector
    from fer_core.recognition import Classifier


@dataclass(frozen=True)
class FaceSearch:
    """How faces are looked for; None leaves it to the detector."""

    smallest_face: int | None = None  # pixels of the picture
    confidence: float | None = None  # least confidence of the detector, in [0, 1]


def wake_queue() -> None:
    """Lets what was left in the queue go on, as after a restart or when a supervisor was killed."""
    queue.wake()


def freeze_imports() -> None:
    """Keeps Streamlit's collection after every run from walking through all that was imported.

    To be called after a page ran, since pages import more.
    """
    _freeze_imports(len(sys.modules) // 100)


@st.cache_resource(max_entries=1, show_spinner=False)
def _freeze_imports(hundreds: int) -> None:
    freeze_garbage()


def watched(run: Run) -> Watched:
    """The run's tables and curves, the same for all sessions; forgotten when it is deleted."""
    return _watched(str(run.directory))


@st.cache_resource(max_entries=64, show_spinner=False, validate=lambda run: run.is_there)
def _watched(directory: str) -> Watched:
    return Watched(Run(Path(directory)))


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
