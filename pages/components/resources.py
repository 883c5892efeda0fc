"""What sessions share in memory: networks, answers about pictures, and the runs they watch."""

import gc
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from fer_core import images, queue, runs
from fer_core.runs import Run
from fer_core.watching import Watched

if TYPE_CHECKING:
    from fer_core.detection import FaceDetector
    from fer_core.recognition import Classifier, Recognition

CROP = 160  # pixels a side of a face on the screen


@dataclass(frozen=True)
class Recognized:
    """A picture with all that was recognised in it, small enough to be kept."""

    recognitions: list["Recognition"]
    annotated: bytes  # JPEG for the screen, boxes and expressions drawn
    crops: list[bytes]  # JPEG, one per recognition
    smallest: int  # pixels; smaller faces were not looked for


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
    _freeze_garbage()


def watched(run: Run) -> Watched:
    """The run's tables and curves, the same for all sessions; forgotten when it is deleted."""
    return _watched(str(run.directory))


@st.cache_resource(max_entries=64, show_spinner=False, validate=lambda run: run.is_there)
def _watched(directory: str) -> Watched:
    return Watched(Run(Path(directory)))


def recognize(content: bytes, name: str, run: Run, search: FaceSearch) -> Recognized:
    """The expressions in a picture's file, by the run's model.

    Raises:
        ValueError: the file is no picture that can be read, or the model is none.
    """
    model_time = run.model_file.stat().st_mtime_ns if run.model_file else 0
    return _recognized(content, name, run.id, model_time, search)


def recognitions_table(run: Run, found: Mapping[str, Recognized]) -> pd.DataFrame:
    """One row per face of all pictures; `found` gives what was recognised by the picture's name."""
    from fer_core import recognition

    recognitions = {name: recognized.recognitions for name, recognized in found.items()}
    return recognition.recognitions_table(recognitions, run.class_names)


@st.cache_data(max_entries=64, ttl="1h", show_spinner=False)
def _recognized(
    content: bytes, name: str, run_id: str, model_time: int, search: FaceSearch
) -> Recognized:
    image = images.decode(content, name)
    # Only from here on TensorFlow is needed: opening the page does not load it.
    detector, network = _detector(), classifier(run_id, model_time)
    from fer_core import detection, recognition

    settings = {name: value for name, value in asdict(search).items() if value is not None}
    found = recognition.recognize(image, detector, network, **settings)
    annotated = recognition.annotate(image, found, network.class_names)
    crops = [images.crop_face(image, one.face.box, recognition.MARGIN) for one in found]
    return Recognized(
        found,
        images.encode(annotated, "JPEG"),
        [images.encode(images.resize(crop, CROP, CROP), "JPEG") for crop in crops],
        detection.smallest_sought(image.shape[0], image.shape[1], search.smallest_face),
    )


def face_detector() -> "FaceDetector":
    """The one detector of all sessions."""
    return _detector()


@st.cache_resource(max_entries=1, show_spinner="Loading TensorFlow and the face detector …")
def _detector() -> "FaceDetector":
    from fer_core.detection import FaceDetector

    detector = FaceDetector()
    _freeze_garbage()
    return detector


@st.cache_resource(max_entries=4, show_spinner="Loading the run's model …")
def classifier(run_id: str, model_time: int) -> "Classifier":
    """The run's model with its class names; loaded anew when its file has another time."""
    from fer_core.recognition import Classifier

    loaded = Classifier.load(runs.open_run(run_id))
    _freeze_garbage()
    return loaded


def _freeze_garbage() -> None:
    """Spares all that is there now the collections to come."""
    gc.unfreeze()  # or a model that was dropped would never be collected
    gc.collect()
    gc.freeze()
