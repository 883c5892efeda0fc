"""Keeps evaluation reports of saved predictions in memory between reruns."""

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
from pages.components.shared.dataset_cache import open_cached


@dataclass(frozen=True)
class Subject:
    """Names a run's predictions for one split of one dataset."""

    run: Run
    file: Path  # the predictions
    dataset: str  # that the images belong to
    title: str  # label of the accuracy

    @property
    def key(self) -> str:
        """Returns a prefix that makes the keys of this subject's widgets unique."""
        return f"{self.run.id}-{self.dataset}-{self.file.stem}"


@dataclass(frozen=True)
class LocatedImages:
    """Holds the images that a subject's predictions belong to."""

    dataset: Dataset
    positions: np.ndarray  # in the dataset's index, one per prediction; -1 for a missing image


def load_report(subject: Subject) -> EvaluationReport | None:
    """Returns the evaluation of the predictions; None if there are none.

    Raises:
        FerError: the file of predictions is damaged.
    """
    calibration = subject.run.directory / "calibration.json"
    return _load_report(subject, stamp(subject.file), stamp(calibration))


def locate_images(subject: Subject, report: EvaluationReport) -> LocatedImages:
    """Finds the images of the predictions in their dataset.

    Raises:
        FerError: the dataset is not on this machine.
    """
    dataset = open_cached(subject.dataset)
    index = stamp(dataset.directory / "index.csv")
    return LocatedImages(dataset, _positions(subject, stamp(subject.file), index, report, dataset))


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_report(
    subject: Subject, predictions: Stamp, calibration: Stamp
) -> EvaluationReport | None:
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
    hash_funcs={EvaluationReport: lambda report: "", Dataset: lambda dataset: dataset.name},
)
def _positions(
    subject: Subject, predictions: Stamp, index: Stamp, report: EvaluationReport, dataset: Dataset
) -> np.ndarray:
    return evaluation.find_images(report.calibrated, dataset.index)
