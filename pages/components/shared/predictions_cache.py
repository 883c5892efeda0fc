"""Predictions and what follows from them, kept in memory between reruns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from fer_core import evaluation
from fer_core.datasets import Dataset
from fer_core.errors import FerError
from fer_core.evaluation import EvaluationReport
from fer_core.runs import Run, read_predictions
from fer_core.storage import Stamp, stamp
from pages.components.shared.dataset_cache import opened


@dataclass(frozen=True)
class Subject:
    """A network's answers on one split of one data set."""

    run: Run
    file: Path  # the predictions
    dataset: str  # whose images they are of
    title: str  # what its accuracy is called

    @property
    def key(self) -> str:
        """What the widgets of this subject are told apart by."""
        return f"{self.run.id}-{self.dataset}-{self.file.stem}"


@dataclass(frozen=True)
class Images:
    """Where the images of a subject's answers lie."""

    dataset: Dataset
    positions: np.ndarray  # in its index, one per answer; -1 where it is not there


def evaluated(subject: Subject) -> EvaluationReport | None:
    """What follows from the predictions; None where there are none.

    Raises:
        FerError: the file is damaged.
    """
    calibration = subject.run.directory / "calibration.json"
    return _evaluated(subject, stamp(subject.file), stamp(calibration))


def find_images(subject: Subject, found: EvaluationReport) -> Images:
    """Where the images are that were answered.

    Raises:
        FerError: the data set is not there.
    """
    dataset = opened(subject.dataset)
    index = stamp(dataset.directory / "index.csv")
    return Images(dataset, _positions(subject, stamp(subject.file), index, found, dataset))


@st.cache_resource(max_entries=8, show_spinner=False)
def _evaluated(subject: Subject, predictions: Stamp, calibration: Stamp) -> EvaluationReport | None:
    try:
        table = read_predictions(subject.file)
    except FerError as error:
        raise FerError(
            f"The predictions of {subject.run.id} for {subject.file.stem} are damaged: {error}"
        ) from error
    if table is None or table.empty:
        return None
    return EvaluationReport(table, subject.run.class_names, subject.run.calibration())


@st.cache_resource(
    max_entries=8,
    show_spinner=False,
    hash_funcs={EvaluationReport: lambda found: "", Dataset: lambda dataset: dataset.name},
)
def _positions(
    subject: Subject, predictions: Stamp, index: Stamp, found: EvaluationReport, dataset: Dataset
) -> np.ndarray:
    return evaluation.find_images(found.calibrated, dataset.index)
