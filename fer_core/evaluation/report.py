"""Computes what the Evaluate page shows of a split's predictions, each part on first use."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fer_core.evaluation import calibration, class_scores, metrics
from fer_core.evaluation.label_issues import find_label_issues
from fer_core.evaluation.metrics import Accuracy, Score
from fer_core.evaluation.predictions import with_predicted_label
from fer_core.runs import Calibration


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Holds predictions and everything computed from them; threads may share it."""

    predictions: pd.DataFrame  # uncalibrated, at least one row
    class_names: tuple[str, ...]  # of the model, in label order
    calibration: Calibration | None = None

    @property
    def temperature(self) -> float:
        """Returns the temperature of the calibration; 1 without one."""
        return self.calibration.temperature if self.calibration else 1.0

    @cached_property
    def score(self) -> Score:
        """Returns the accuracy with and without leaked images."""
        return metrics.score(self.predictions)

    @cached_property
    def top_two(self) -> Accuracy:
        """Returns how often the true expression is among the two most probable ones."""
        return metrics.top_accuracy(self.predictions, 2)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Returns the confusion matrix; see `metrics.confusion`."""
        return metrics.confusion(self.predictions, self.class_names)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Returns precision, recall and F1 per class; see `class_scores.score_classes`."""
        return class_scores.score_classes(self.confusion, self.class_names)

    @cached_property
    def calibrated(self) -> pd.DataFrame:
        """Returns the calibrated predictions with their label; see `with_predicted_label`."""
        return with_predicted_label(
            calibration.with_temperature(self.predictions, self.temperature)
        )

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """Returns accuracy against coverage, calibrated; see `calibration.coverage`."""
        return calibration.coverage(self.calibrated)

    @cached_property
    def reliability(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Returns the reliability before and after calibration; None without a calibration."""
        before = calibration.reliability(self.predictions)
        if self.calibration is None:
            return before, None
        return before, calibration.reliability(self.predictions, self.temperature)

    @cached_property
    def calibration_errors(self) -> tuple[float, float | None]:
        """Returns the ECE, in [0, 1], before and after calibration; None without a calibration."""
        before = calibration.calibration_error(self.predictions)
        if self.calibration is None:
            return before, None
        return before, calibration.calibration_error(self.predictions, self.temperature)

    @cached_property
    def label_issues(self) -> np.ndarray:
        """Returns the rows whose labels are likely wrong, the most suspicious first."""
        return find_label_issues(self.predictions, self.temperature).index.to_numpy(int)

    def split_at(self, threshold: float) -> tuple[Accuracy | None, Accuracy | None]:
        """Returns the accuracy at or above a confidence threshold, and below it."""
        passes = self.calibrated["confidence"] >= threshold
        parts = [self.calibrated[passes], self.calibrated[~passes]]
        above, below = [metrics.accuracy(part) if len(part) else None for part in parts]
        return above, below
