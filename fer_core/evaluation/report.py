"""All that is shown of one split's predictions, each part computed when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fer_core.evaluation import calibration, class_scores
from fer_core.evaluation import metrics as evaluation
from fer_core.evaluation import predictions as answers
from fer_core.evaluation.label_issues import find_label_issues
from fer_core.evaluation.metrics import Accuracy, Score
from fer_core.runs import Calibration


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Predictions and what follows from them; may be shared by threads."""

    predictions: pd.DataFrame  # the network's own, at least one
    class_names: tuple[str, ...]  # the network's, in label order
    calibration: Calibration | None = None

    @property
    def temperature(self) -> float:
        """What the probabilities that are shown are divided by, as logits."""
        return self.calibration.temperature if self.calibration else 1.0

    @cached_property
    def score(self) -> Score:
        """See `evaluation.score`."""
        return evaluation.score(self.predictions)

    @cached_property
    def top_two(self) -> Accuracy:
        """How often the truth is one of the two most probable expressions."""
        return evaluation.top_accuracy(self.predictions, 2)

    @cached_property
    def confusion(self) -> np.ndarray:
        """See `evaluation.confusion`."""
        return evaluation.confusion(self.predictions, self.class_names)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """See `class_scores.class_scores`."""
        return class_scores.score_classes(self.confusion, self.class_names)

    @cached_property
    def answers(self) -> pd.DataFrame:
        """See `answers.with_predicted_label`; with the temperature, as recognition shows them."""
        return answers.with_predicted_label(
            calibration.with_temperature(self.predictions, self.temperature)
        )

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """See `calibration.coverage`; with the temperature."""
        return calibration.coverage(self.answers)

    @cached_property
    def reliability(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """See `calibration.reliability`; before and, where there is a temperature, after it."""
        before = calibration.reliability(self.predictions)
        if self.calibration is None:
            return before, None
        return before, calibration.reliability(self.predictions, self.temperature)

    @cached_property
    def calibration_errors(self) -> tuple[float, float | None]:
        """The expected calibration error, in [0, 1], before and after the temperature."""
        before = calibration.calibration_error(self.predictions)
        if self.calibration is None:
            return before, None
        return before, calibration.calibration_error(self.predictions, self.temperature)

    @cached_property
    def doubtful(self) -> np.ndarray:
        """Rows of `answers` whose labels are in doubt, the most doubtful first."""
        return find_label_issues(self.predictions, self.temperature).index.to_numpy(int)

    def above(self, least: float) -> tuple[Accuracy | None, Accuracy | None]:
        """The accuracy of answers of at least that confidence, and of those that are left out."""
        passes = self.answers["confidence"] >= least
        parts = [self.answers[passes], self.answers[~passes]]
        passed, left_out = [evaluation.accuracy(part) if len(part) else None for part in parts]
        return passed, left_out
