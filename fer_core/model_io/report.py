"""Compares an export with its model."""

from dataclasses import dataclass

import numpy as np

from fer_core.errors import FerError
from fer_core.evaluation import Accuracy, significance
from fer_core.model_io.format import Gate
from fer_core.model_io.formats import FORMATS
from fer_core.model_io.measure import Measurement
from fer_core.model_io.usage import ModelUsage
from fer_core.storage import Count, Fraction, NonNegative, Seconds, check_time

VALIDATION, DRAWN = "val", "drawn"  # where the faces to compare on come from


@dataclass(frozen=True)
class Timing:
    """Holds the size and the speed of a model, on one core."""

    size: Count  # bytes
    load_seconds: Seconds  # of the imports and the model
    one_ms: NonNegative  # milliseconds a face, one at a time
    batch_ms: NonNegative  # in batches of `measure.BATCH`

    @classmethod
    def of(cls, measured: Measurement, size: int) -> "Timing":
        """Returns the timing of a measurement."""
        return cls(size, measured.load_seconds, *measured.milliseconds)


@dataclass(frozen=True)
class Answers:
    """Counts right answers of a model and its export on the same faces."""

    model: Count
    export: Count
    only_model: Count  # faces that only the model got right
    only_export: Count
    p_value: Fraction  # of the exact McNemar test


@dataclass(frozen=True)
class ExportReport:
    """Tells how an export answers beside its model; the content of `report.json`, written last."""

    format: str
    usage: ModelUsage
    faces: Count
    source: str  # of the faces: VALIDATION or DRAWN
    largest_difference: Fraction  # of a probability
    agreeing: Count  # faces with the same label
    answers: Answers | None  # None for drawn faces
    model: Timing
    export: Timing
    exported: str  # time, ISO 8601

    def __post_init__(self) -> None:
        check_time(self.exported)
        if self.format not in FORMATS:
            raise FerError("The format must be one of this version.")

    @property
    def gate(self) -> Gate:
        """Returns what the export must fulfil."""
        return FORMATS[self.format].gate

    @property
    def failure(self) -> str:
        """Returns a sentence if the export's answers are too far from its model's, else ""."""
        gate = self.gate
        if gate.max_difference is not None and self.largest_difference > gate.max_difference:
            return (
                f"Probabilities may differ by at most {gate.max_difference:g} from the model's. "
                f"They differ by {self.largest_difference:.2g}."
            )
        if self.agreeing < gate.min_agreement * self.faces:
            return (
                f"At least {gate.min_agreement:.0%} of the faces must get the model's label. "
                f"{self.agreeing} of {self.faces} do."
            )
        return ""

    def accuracies(self) -> tuple[Accuracy, Accuracy] | None:
        """Returns the accuracies of the model and of the export; None for drawn faces."""
        if self.answers is None:
            return None
        return (
            Accuracy.of(self.answers.model, self.faces),
            Accuracy.of(self.answers.export, self.faces),
        )


def count_answers(model: np.ndarray, export: np.ndarray, labels: np.ndarray) -> Answers:
    """Counts right answers.

    Args:
        model: probabilities (faces, classes).
        export: those of the export.
        labels: class numbers (faces,).
    """
    by_model, by_export = (each.argmax(axis=1) == labels for each in (model, export))
    only_model, only_export = int((by_model & ~by_export).sum()), int((by_export & ~by_model).sum())
    p_value = float(significance.mcnemar(only_model, only_export))
    return Answers(int(by_model.sum()), int(by_export.sum()), only_model, only_export, p_value)


def largest_difference(model: np.ndarray, export: np.ndarray) -> float:
    """Returns the largest difference of a probability; 1 if an answer is no number."""
    difference = float(np.abs(model - export).max())
    return min(difference, 1.0) if np.isfinite(difference) else 1.0
