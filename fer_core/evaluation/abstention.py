"""What is said of a face: an expression, or that the network is not sure."""

from collections.abc import Mapping

NOT_SURE = "not sure"
COLOR = "#4D4D4D"  # of faces of which that is said, as "#rrggbb"
_NAMED = 2  # expressions that are named where none is sure


def label_or_abstain(probabilities: Mapping[str, float], threshold: float) -> str:
    """The most probable expression, or `NOT_SURE` where it is less probable than the threshold.

    Args:
        probabilities: by expression, in [0, 1]; of equals the first is the answer.
        threshold: in [0, 1]; see `calibration.threshold`.
    """
    expression = max(probabilities, key=probabilities.__getitem__)
    return expression if probabilities[expression] >= threshold else NOT_SURE


def describe_answer(probabilities: Mapping[str, float], threshold: float) -> str:
    """The answer, with what it might be where it is none: "not sure (sad 34 %, neutral 31 %)"."""
    said = label_or_abstain(probabilities, threshold)
    return f"{said} ({top_two(probabilities)})" if said == NOT_SURE else said


def top_two(probabilities: Mapping[str, float]) -> str:
    """What it might be: "sad 34 %, neutral 31 %"."""
    names = sorted(probabilities, key=probabilities.__getitem__, reverse=True)[:_NAMED]
    return ", ".join(f"{name} {100 * probabilities[name]:.0f} %" for name in names)
