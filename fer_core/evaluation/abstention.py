"""Abstains: answers "not sure" where the model's confidence is below a threshold."""

from collections.abc import Mapping

from fer_core.errors import FerError
from fer_core.evaluation.calibration import (
    DEFAULT_MIN_ACCURACY,
    abstention_threshold,
    with_temperature,
)
from fer_core.runs import Run

NOT_SURE = "not sure"
NO_FACE = "no face"  # in the place of an answer, for an image in which none was found
# How a face was found.
DETECTED, DOUBTFUL, WHOLE_PICTURE = "detected", "doubtful", "whole picture"
COLOR = "#4D4D4D"  # of faces that are "not sure", as "#rrggbb"


def label_or_abstain(
    probabilities: Mapping[str, float], threshold: float, *, is_weak: bool = False
) -> str:
    """Returns the most probable expression, or `NOT_SURE` if it is below the threshold.

    Args:
        probabilities: by expression, in [0, 1]; the first of equals is returned.
        threshold: in [0, 1]; see `calibration.abstention_threshold`.
        is_weak: whether the face is doubtful or blurred: then, too, unless the threshold is 0.
    """
    if threshold and is_weak:
        return NOT_SURE
    expression = max(probabilities, key=probabilities.__getitem__)
    return expression if probabilities[expression] >= threshold else NOT_SURE


def describe_answer(
    probabilities: Mapping[str, float], threshold: float, *, is_weak: bool = False
) -> str:
    """Returns the answer, with the top two if abstaining: "not sure (sad 34 %, neutral 31 %)"."""
    label = label_or_abstain(probabilities, threshold, is_weak=is_weak)
    return f"{label} ({top_two(probabilities)})" if label == NOT_SURE else label


def top_two(probabilities: Mapping[str, float]) -> str:
    """Describes the two most probable expressions: "sad 34 %, neutral 31 %"."""
    names = sorted(probabilities, key=probabilities.__getitem__, reverse=True)[:2]
    return ", ".join(f"{name} {100 * probabilities[name]:.0f} %" for name in names)


def threshold_of(
    run: Run, *, tta: bool = False, min_accuracy: float = DEFAULT_MIN_ACCURACY
) -> float | None:
    """Returns the confidence below which the run's model is "not sure"; None if unknown.

    The default one is read from the run's calibration; it and others are computed from the run's
    validation predictions. Damaged predictions are ignored, since the model is usable without them.

    Args:
        tta: of predictions with test-time augmentation.
        min_accuracy: of the answers, in [0, 1]; see `calibration.abstention_threshold`.
    """
    calibration = run.calibration(tta=tta)
    is_default = min_accuracy == DEFAULT_MIN_ACCURACY
    if is_default and calibration is not None and calibration.threshold is not None:
        return calibration.threshold
    try:
        predictions = run.predictions("val", tta=tta)
    except FerError:
        return None
    if predictions is None or predictions.empty:
        return None
    return abstention_threshold(
        with_temperature(predictions, calibration.temperature if calibration else 1.0),
        min_accuracy,
    )
