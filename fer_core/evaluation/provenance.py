"""Describes where a model's predictions come from: its run, training data and accuracy."""

from dataclasses import asdict, dataclass
from typing import Any

from fer_core.evaluation.metrics import Accuracy, Score
from fer_core.evaluation.score_cache import score_of
from fer_core.runs import EnsembleMember, Run
from fer_core.storage import read_text

CARD = "model_card.md"


@dataclass(frozen=True)
class ModelProvenance:
    """Holds a model's accuracy: on the test split if it was opened, else on validation."""

    run: Run
    images: int | None  # it was trained on; None if not recorded
    split: str  # "test" or "val"
    score: Score | None  # None if not recorded
    tta: bool  # whether the score is with test-time augmentation

    def record(self) -> dict[str, Any]:
        """Returns the provenance as a JSON object."""
        ensemble = self.run.ensemble
        members = [] if ensemble is None else [*map(_member, ensemble.members)]
        return {
            "name": self.run.name,
            "run": self.run.id,
            "trained_on": self.run.config.dataset,
            "training_images": self.images,
            "imported": None if self.run.imported is None else asdict(self.run.imported),
            "expressions": list(self.run.class_names),
            "accuracy": None if self.score is None else _record(self.score.accuracy),
            "accuracy_without_leaked_images": None
            if self.score is None or self.score.clean is None
            else _record(self.score.clean),
            "images_of_training_subjects": None if self.score is None else self.score.seen,
            "accuracy_on": self.split,
            "accuracy_of_averaged_views": self.tta,
        } | ({"members": members} if members else {})


def provenance_of(run: Run, *, tta: bool = False) -> ModelProvenance:
    """Returns the provenance of a run's model.

    Args:
        tta: prefer the score with test-time augmentation, if there is one.
    """
    split = "test" if run.test_opened is not None else "val"
    tta = tta and run.predictions_file(split, tta=True).exists()
    counts = run.counts
    images = int(counts["train"].sum()) if "train" in counts else None
    score = score_of(run.predictions_file(split, tta=tta))
    return ModelProvenance(run, images, split, score, tta)


def read_card(run: Run) -> str:
    """Returns a pretrained model's card as Markdown; empty if the run has none.

    Raises:
        DamagedFileError: it cannot be read.
    """
    try:
        return read_text(run.directory / CARD)
    except FileNotFoundError:
        return ""


def _member(member: EnsembleMember) -> dict[str, Any]:
    return {
        "name": member.name,
        "run": member.run,
        "model_sha256": member.model_sha256,
        "trained_on": member.dataset,
        "weight": member.weight,
    }


def _record(accuracy: Accuracy) -> dict[str, float]:
    return {
        "value": round(accuracy.value, 4),
        "low": round(accuracy.low, 4),
        "high": round(accuracy.high, 4),
        "images": accuracy.total,
    }
