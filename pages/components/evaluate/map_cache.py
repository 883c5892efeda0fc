"""Maps of faces and their figures, kept in memory between reruns."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core import evaluation
from fer_core.evaluation import EvaluationReport, FaceMap
from fer_core.figures import map_figure
from fer_core.storage import Stamp, stamp
from pages.components.shared.predictions_cache import Subject


def known_map(subject: Subject, method: str) -> FaceMap | None:
    """The map of these answers, be it of earlier ones; None where there is none."""
    return _read(subject, method, _stamp(subject, method))


def is_current(subject: Subject, drawn: FaceMap) -> bool:
    """Whether the map is of the answers as they are now."""
    return drawn.predictions == _digest(subject, stamp(subject.file))


def figure_of(
    subject: Subject, found: EvaluationReport, drawn: FaceMap, drag: str
) -> tuple[go.Figure, list[np.ndarray]]:
    """See `map_figure`; not to be changed."""
    return _figure(subject, drawn.method, _stamp(subject, drawn.method), drag, found, drawn)


def _stamp(subject: Subject, method: str) -> Stamp:
    return stamp(evaluation.map_file(subject.run, subject.dataset, subject.file.stem, method))


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(subject: Subject, method: str, then: Stamp) -> FaceMap | None:
    return evaluation.read_map(
        evaluation.map_file(subject.run, subject.dataset, subject.file.stem, method)
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _digest(subject: Subject, then: Stamp) -> str:
    return evaluation.digest(subject.file)


@st.cache_resource(
    max_entries=8,
    show_spinner=False,
    hash_funcs={EvaluationReport: lambda found: "", FaceMap: lambda drawn: drawn.predictions},
)
def _figure(
    subject: Subject, method: str, then: Stamp, drag: str, found: EvaluationReport, drawn: FaceMap
) -> tuple[go.Figure, list[np.ndarray]]:
    return map_figure(drawn, found.answers, found.class_names, drag)
