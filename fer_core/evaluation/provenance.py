"""What stands beside every answer of a network: which one it is, what it learned from, how good."""

from dataclasses import dataclass
from typing import Any

from fer_core.evaluation.metrics import Accuracy, Score
from fer_core.evaluation.score_cache import score_of
from fer_core.runs import Run


@dataclass(frozen=True)
class ModelProvenance:
    """A network and its accuracy, on test where that split was opened, else on validation."""

    run: Run
    images: int | None  # that it learned from; None where that is not recorded
    split: str  # "test" or "val"
    score: Score | None  # None where nothing is recorded
    averaged: bool  # whether the accuracy is of ten views averaged

    def record(self) -> dict[str, Any]:
        """The same for a file."""
        return {
            "name": self.run.name,
            "run": self.run.id,
            "trained_on": self.run.config.dataset,
            "training_images": self.images,
            "expressions": list(self.run.class_names),
            "accuracy": None if self.score is None else _record(self.score.accuracy),
            "accuracy_without_leaked_images": None
            if self.score is None or self.score.clean is None
            else _record(self.score.clean),
            "accuracy_on": self.split,
            "accuracy_of_averaged_views": self.averaged,
        }


def provenance_of(run: Run, *, averaged: bool = False) -> ModelProvenance:
    """What is known of the run's network.

    Args:
        averaged: of ten views averaged, as far as that is recorded.
    """
    split = "test" if run.test_opened is not None else "val"
    averaged = averaged and run.predictions_file(split, averaged=True).exists()
    counts = run.counts
    images = int(counts["train"].sum()) if "train" in counts else None
    score = score_of(run.predictions_file(split, averaged=averaged))
    return ModelProvenance(run, images, split, score, averaged)


def _record(accuracy: Accuracy) -> dict[str, float]:
    return {
        "value": round(accuracy.value, 4),
        "low": round(accuracy.low, 4),
        "high": round(accuracy.high, 4),
        "images": accuracy.total,
    }
