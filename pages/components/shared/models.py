"""Loads the face detector and classifiers, in the background, once for all sessions."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.components.shared.memory import freeze_garbage

if TYPE_CHECKING:
    from fer_core.inference import Classifier
    from fer_core.runs import Run
    from fer_core.vision import FaceDetector

_LOADER = ThreadPoolExecutor(1, thread_name_prefix="preload")


@dataclass(frozen=True)
class FaceSearch:
    """Settings of the face detector; None stands for its default."""

    smallest_face: int | None = None  # pixels of the image
    confidence: float | None = None  # minimum, in [0, 1]


def preload(run: "Run", tta: bool) -> None:
    """Starts loading the detector and the run's model, and returns at once."""
    detector_future()
    if run.model_file is not None:
        classifier_future(run.id, run.model_file.stat().st_mtime_ns, tta)


@st.cache_resource(max_entries=1, show_spinner="Loading TensorFlow and the face detector …")
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


def _load_detector() -> "FaceDetector":
    # Hides TensorFlow's messages to developers; errors still come as exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import numpy as np

    from fer_core.vision import FaceDetector

    disable_clear_session()
    detector = FaceDetector()
    detector.detect(np.zeros((96, 96, 3), np.uint8))  # the first call takes half a second more
    freeze_garbage()
    return detector


def _load_classifier(run_id: str, tta: bool) -> "Classifier":
    import numpy as np

    from fer_core.inference import Classifier
    from fer_core.runs import open_run

    classifier = Classifier.load(open_run(run_id), tta=tta)
    classifier.predict([np.zeros((48, 48, 3), np.uint8)])
    freeze_garbage()
    return classifier


def disable_clear_session() -> None:
    """Replaces `keras.backend.clear_session` by a function that does nothing.

    Streamlit (seen in 1.67, `script_runner._clean_problem_modules`) calls it after every rerun, as
    if each page built its own models. That discards the kernels TensorFlow compiled for the shared
    detector and models, and the next prediction takes 400 ms more. Can go when Streamlit no longer
    calls it.
    """
    import keras

    keras.backend.clear_session = _do_nothing


def _do_nothing(free_memory: bool = True) -> None:
    pass
