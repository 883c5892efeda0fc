"""How sure a run's network must be of an answer."""

from fer_core.evaluation.calibration import abstention_threshold, with_temperature
from fer_core.runs import Run


def threshold_of(run: Run, *, averaged: bool = False) -> float | None:
    """The confidence below which its answer is "not sure"; None if nothing tells it.

    What its calibration has recorded, else what follows from its predictions for validation.

    Predictions that are damaged tell nothing: the network is as good without them.

    Args:
        averaged: over ten views of each face.
    """
    calibration = run.calibration(averaged=averaged)
    if calibration is not None and calibration.threshold is not None:
        return calibration.threshold
    try:
        predictions = run.predictions("val", averaged=averaged)
    except ValueError:
        return None
    if predictions is None or predictions.empty:
        return None
    return abstention_threshold(
        with_temperature(predictions, calibration.temperature if calibration else 1.0)
    )
