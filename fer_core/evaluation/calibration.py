"""Measures calibration and fits the temperature that corrects it.

After Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from fer_core.evaluation.metrics import (
    Accuracy,
    accuracy,
    class_probabilities,
    predicted,
    wilson,
    without_leaks,
)
from fer_core.runs import VIEWS, Calibration, Run
from fer_core.storage import write_json

BINS = 15
DEFAULT_MIN_ACCURACY = 0.8  # of the faces that are answered
ALWAYS_ABSTAIN = 1.0  # a threshold that no answer reaches
_MIN_ANSWERS = 20  # needed to estimate an accuracy
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.05, 20.0  # bounds of the fit
_EPSILON = 1e-12


@dataclass(frozen=True)
class Coverage:
    """Holds the share of faces answered above a threshold, and the accuracy on them."""

    coverage: float  # in [0, 1]
    accuracy: Accuracy | None  # on the answered faces; None if there are none
    faces: int  # answered or not


def calibrate(predictions: pd.DataFrame) -> Calibration:
    """Fits the temperature on the predictions, and measures the error before and after."""
    temperature = fit_temperature(predictions)
    before, after = calibration_error(predictions), calibration_error(predictions, temperature)
    return Calibration(
        temperature, before, after, abstention_threshold(with_temperature(predictions, temperature))
    )


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Returns the probabilities, (n, classes), with the logits divided by the temperature.

    Above 1 they become more even; the order of the classes never changes.
    """
    if temperature == 1 or not len(probabilities):
        return probabilities
    logits = np.log(np.maximum(probabilities, _EPSILON)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(probabilities.dtype)


def with_temperature(predictions: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """Returns a copy of the predictions with the temperature applied."""
    names, probabilities = class_probabilities(predictions)
    columns = [f"p_{name}" for name in names]
    return predictions.assign(
        **dict(zip(columns, apply_temperature(probabilities, temperature).T, strict=True))
    )


def confidences(predictions: pd.DataFrame) -> pd.Series:
    """Returns the confidence of each prediction: its largest probability."""
    return predictions.filter(regex="^p_").max(axis=1)


def coverage(predictions: pd.DataFrame) -> pd.DataFrame:
    """Computes accuracy against coverage for every confidence threshold.

    Returns:
        A row for each distinct confidence, the highest first: `confidence` (the threshold),
        `images` (at or above it), `coverage` (their share of all), `accuracy` on them, and `low`
        and `high` of its 95 % interval.
    """
    table = pd.DataFrame(
        {
            "confidence": confidences(predictions),
            "correct": predicted(predictions) == predictions["expression"],
        }
    ).sort_values("confidence", ascending=False, kind="stable")
    images = np.arange(1, len(table) + 1)
    correct = table["correct"].cumsum().to_numpy()
    low, high = wilson(correct, images)
    table = table[["confidence"]].assign(
        images=images, coverage=images / len(table), accuracy=correct / images, low=low, high=high
    )
    # Predictions of equal confidence pass a threshold together.
    return table.drop_duplicates("confidence", keep="last").reset_index(drop=True)


def abstention_threshold(
    predictions: pd.DataFrame, min_accuracy: float = DEFAULT_MIN_ACCURACY
) -> float:
    """Returns the lowest confidence, in [0, 1], above which the accuracy is high enough.

    At least `_MIN_ANSWERS` images must reach it, since the accuracy of fewer is mostly chance.
    Returns `ALWAYS_ABSTAIN` if no confidence is high enough. Leaked images do not count.

    Args:
        predictions: for the validation split, calibrated.
        min_accuracy: of the faces that are answered, in [0, 1]; 0 never abstains.
    """
    if not min_accuracy:
        return 0.0
    table = coverage(_without_leaked(predictions))
    enough = table["images"] >= min(_MIN_ANSWERS, table["images"].max())
    passing = table[enough & (table["accuracy"] >= min_accuracy)]
    return float(passing["confidence"].iloc[-1]) if len(passing) else ALWAYS_ABSTAIN


def coverage_at(predictions: pd.DataFrame, threshold: float) -> Coverage:
    """Computes coverage and accuracy at a confidence threshold.

    Uses the same images as `abstention_threshold`, so that the numbers agree.
    """
    faces = _without_leaked(predictions)
    passing = faces[confidences(faces) >= threshold]
    share = len(passing) / max(1, len(faces))
    return Coverage(share, accuracy(passing) if len(passing) else None, len(faces))


def fit_temperature(predictions: pd.DataFrame) -> float:
    """Fits the temperature that minimizes the negative log-likelihood of the true expressions.

    Args:
        predictions: for held-out images: the validation split.
    """
    from scipy.optimize import minimize_scalar  # loads SciPy, 0.3 s

    names, probabilities = class_probabilities(predictions)
    known = predictions["expression"].isin(names).to_numpy()
    if not known.any():
        return 1.0
    truth = pd.Index(names).get_indexer(predictions["expression"][known])
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        tempered = apply_temperature(probabilities[known], float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(tempered[rows, truth], _EPSILON)).mean())

    bounds = (np.log(_MIN_TEMPERATURE), np.log(_MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def reliability(predictions: pd.DataFrame, temperature: float = 1.0) -> pd.DataFrame:
    """Computes the accuracy of predictions of similar confidence.

    Returns:
        A row for each non-empty one of `BINS` equal bins of [0, 1]: `images`, mean `confidence`,
        `accuracy`, and `low` and `high` of its 95 % interval.
    """
    confidence = apply_temperature(class_probabilities(predictions)[1], temperature).max(axis=1)
    table = pd.DataFrame(
        {
            "bin": np.minimum((confidence * BINS).astype(int), BINS - 1),
            "confidence": confidence,
            "accuracy": (predicted(predictions) == predictions["expression"]).to_numpy(),
        }
    )
    groups = table.groupby("bin")
    images, correct = groups.size().to_numpy(), groups["accuracy"].sum().to_numpy()
    low, high = wilson(correct, images)
    means = groups[["confidence", "accuracy"]].mean()
    return means.assign(images=images, low=low, high=high).reset_index(drop=True)


def calibration_error(predictions: pd.DataFrame, temperature: float = 1.0) -> float:
    """Computes the expected calibration error (ECE), in [0, 1].

    It is the mean difference of confidence and accuracy over the bins of `reliability`, weighted
    by their images.
    """
    bins = reliability(predictions, temperature)
    gap = (bins["confidence"] - bins["accuracy"]).abs()
    return float((gap * bins["images"]).sum() / bins["images"].sum())


def _without_leaked(predictions: pd.DataFrame) -> pd.DataFrame:
    clean = without_leaks(predictions)
    return predictions if clean is None else clean


def save_calibration(run: Run) -> None:
    """Calibrates a run on its validation predictions and writes what `Run.calibration` reads."""
    record = {}
    for tta, name in VIEWS.items():
        predictions = run.predictions("val", tta=tta)
        if predictions is not None:
            record[name] = asdict(calibrate(predictions))
    write_json(run.directory / "calibration.json", record)
