"""Loads the face detector and classifiers, in the background, once for all sessions.

They run on onnxruntime. TensorFlow is loaded only for Grad-CAM, and for a model that onnxruntime
cannot run.
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.shared.memory import release_free_memory

if TYPE_CHECKING:
    from fer_core.inference import Classifier
    from fer_core.runs import Run
    from fer_core.vision import FaceDetector

_LOADER = ThreadPoolExecutor(1, thread_name_prefix="preload")


@dataclass(frozen=True)
class FaceSearch:
    """Holds the settings of the face detector; None stands for its default."""

    smallest_face: int | None = None  # pixels of the image
    confidence: float | None = None  # minimum, in [0, 1]
    whole: bool = False  # take each whole photo as a face that was cropped already


def preload(run: "Run", tta: bool) -> None:
    """Starts loading the detector and the run's model, and returns at once."""
    detector_future()
    if run.model_file is not None:
        classifier_future(run.id, run.model_file.stat().st_mtime_ns, tta)


def slow_model_reason(run: "Run", tta: bool) -> str:
    """Returns why TensorFlow predicts with a run's model; empty if it does not, or is not loaded.

    It waits for nothing.
    """
    if run.model_file is None:
        return ""
    future = classifier_future(run.id, run.model_file.stat().st_mtime_ns, tta)
    if not future.done() or future.exception() is not None:
        return ""
    from fer_core.models import reason_for_keras

    return reason_for_keras(future.result().model)


@st.cache_resource(max_entries=1, show_spinner="Loading the face detector …")
def detector() -> "FaceDetector":
    """Returns the face detector; waits until it is loaded."""
    return detector_future().result()


@st.cache_resource(max_entries=4, show_spinner="Loading the model …")
def classifier(run_id: str, model_time: int, tta: bool = False) -> "Classifier":
    """Returns a run's classifier; waits until it is loaded.

    Args:
        model_time: of the model's file, in ns; a newer file is loaded again.
        tta: use test-time augmentation.

    Raises:
        FerError: the run has no usable model; it is loaded again when it is asked for again.
    """
    future = classifier_future(run_id, model_time, tta)
    try:
        return future.result()
    except BaseException:
        classifier_future.clear(run_id, model_time, tta)
        raise


@cache
def detector_future() -> "Future[FaceDetector]":
    """Returns the detector's future; starts loading on the first call."""
    return _LOADER.submit(_load_detector)


@st.cache_resource(max_entries=4, show_spinner=False)
def classifier_future(run_id: str, model_time: int, tta: bool) -> "Future[Classifier]":
    """Returns a classifier's future; starts loading on the first call. See `classifier`."""
    return _LOADER.submit(_load_classifier, run_id, tta)


@st.cache_resource(max_entries=2, show_spinner="Loading TensorFlow …")
def keras_model(run_id: str, model_time: int) -> Any:
    """Returns a run's model as a Keras model, which Grad-CAM needs; see `classifier`."""
    from fer_core.inference import Classifier
    from fer_core.runs import open_run

    _quieten_tensorflow()
    return Classifier.load(open_run(run_id), keras=True).model


def _load_detector() -> "FaceDetector":
    from fer_core.vision import FaceDetector

    detector = FaceDetector()
    release_free_memory()
    return detector


def _load_classifier(run_id: str, tta: bool) -> "Classifier":
    from fer_core.inference import Classifier
    from fer_core.runs import open_run

    _quieten_tensorflow()
    classifier = Classifier.load(open_run(run_id), tta=tta)
    release_free_memory()
    return classifier


def _quieten_tensorflow() -> None:
    """Hides TensorFlow's messages to developers; errors still come as exceptions."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
