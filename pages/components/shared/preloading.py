"""Loads behind a page what its first answer needs, so that nobody waits for TensorFlow."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core import runs
from fer_core.runs import Run
from pages.components.shared.memory import freeze_garbage

if TYPE_CHECKING:
    from fer_core.inference import Classifier
    from fer_core.vision import FaceDetector

_LOADER = ThreadPoolExecutor(1, thread_name_prefix="preload")


def preload(run: Run, averaged: bool) -> None:
    """Begins to load the detector and the run's network, unless that was done; returns at once."""
    coming_detector()
    if run.model_file is not None:
        coming_classifier(run.id, run.model_file.stat().st_mtime_ns, averaged)


@cache
def coming_detector() -> "Future[FaceDetector]":
    """The detector, ready or soon to be; the same for all sessions."""
    return _LOADER.submit(_load_detector)


@st.cache_resource(max_entries=4, show_spinner=False)
def coming_classifier(run_id: str, model_time: int, averaged: bool) -> "Future[Classifier]":
    """The run's network, ready or soon to be; loaded anew when its file has another time."""
    return _LOADER.submit(_load_classifier, run_id, averaged)


def _load_detector() -> "FaceDetector":
    # TensorFlow's remarks to those who develop it; its errors come as exceptions, too.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from fer_core.vision import FaceDetector
    from pages.components.shared.prepared import disable_clear_session

    disable_clear_session()
    detector = FaceDetector()
    detector.detect(np.zeros((96, 96, 3), np.uint8))  # the first time takes half a second more
    freeze_garbage()
    return detector


def _load_classifier(run_id: str, averaged: bool) -> "Classifier":
    from fer_core.inference import Classifier

    classifier = Classifier.load(runs.open_run(run_id), averaged=averaged)
    classifier.predict([np.zeros((48, 48, 3), np.uint8)])
    freeze_garbage()
    return classifier
