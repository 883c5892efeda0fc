"""How far a network's probabilities can be believed, and the temperature that mends them.

After Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

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
DEFAULT_MIN_ACCURACY = 0.8  # of the answers: four of five, where nobody has asked for another share
ALWAYS_ABSTAIN = 1.0  # as threshold: no answer is sure enough
_FEWEST = 20  # answers of which a share says something
_LEAST, _MOST = 0.05, 20.0  # temperatures that are tried
_TINY = 1e-12


@dataclass(frozen=True)
class Coverage:
    """What is answered, and how well, where less sure answers are "not sure"."""

    coverage: float  # share of the faces that are answered, in [0, 1]
    accuracy: Accuracy | None  # of the answers; None where there is none
    faces: int


def calibrate(predictions: pd.DataFrame) -> Calibration:
    """The temperature for a network that gave these predictions, and what it mends."""
    temperature = fit_temperature(predictions)
    before, after = calibration_error(predictions), calibration_error(predictions, temperature)
    return Calibration(
        temperature, before, after, abstention_threshold(with_temperature(predictions, temperature))
    )


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities, (n, classes), as if the logits had been divided by the temperature.

    Above 1 they come closer to one another; which is the largest never changes.
    """
    if temperature == 1 or not len(probabilities):
        return probabilities
    logits = np.log(np.maximum(probabilities, _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(probabilities.dtype)


def with_temperature(predictions: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """A copy of the predictions with their probabilities tempered."""
    names, probabilities = class_probabilities(predictions)
    columns = [f"p_{name}" for name in names]
    return predictions.assign(
        **dict(zip(columns, apply_temperature(probabilities, temperature).T, strict=True))
    )


def confidences(predictions: pd.DataFrame) -> pd.Series:
    """The probability of each answer, which is the largest one."""
    return predictions.filter(regex="^p_").max(axis=1)


def coverage(predictions: pd.DataFrame) -> pd.DataFrame:
    """What is gained by leaving out the answers that a network is less sure of.

    Returns:
        A row for each confidence that an answer has, the highest first: `confidence` (the least
        that is let pass), `images` (that have it), `coverage` (their share of all), `accuracy`
        among them, and `low` and `high` of its 95 % interval.
    """
    table = pd.DataFrame(
        {
            "confidence": confidences(predictions),
            "right": predicted(predictions) == predictions["expression"],
        }
    ).sort_values("confidence", ascending=False, kind="stable")
    images = np.arange(1, len(table) + 1)
    right = table["right"].cumsum().to_numpy()
    low, high = wilson(right, images)
    table = table[["confidence"]].assign(
        images=images, coverage=images / len(table), accuracy=right / images, low=low, high=high
    )
    # Answers of the same confidence pass together.
    return table.drop_duplicates("confidence", keep="last").reset_index(drop=True)


def abstention_threshold(predictions: pd.DataFrame, right: float = DEFAULT_MIN_ACCURACY) -> float:
    """The least confidence from which on that share of a network's answers is right, in [0, 1].

    What is less sure is to be answered by "not sure". Of all such confidences it is the lowest, so
    that most is answered, and at least `_FEWEST` images have it, or chance would choose; `NEVER`
    where none reaches the share. Images that the network has learned from are left out.

    Args:
        predictions: for validation, tempered.
        right: the share, in [0, 1]; 0 lets everything be answered.
    """
    if not right:
        return 0.0
    table = coverage(_unlearned(predictions))
    enough = table["images"] >= min(_FEWEST, table["images"].max())
    passing = table[enough & (table["accuracy"] >= right)]
    return float(passing["confidence"].iloc[-1]) if len(passing) else ALWAYS_ABSTAIN


def coverage_at(predictions: pd.DataFrame, least: float) -> Coverage:
    """What a network answers with at least that confidence, and how much of that is right.

    Of the images that `threshold` looks at: what it promises and what this tells are the same.
    """
    faces = _unlearned(predictions)
    passing = faces[confidences(faces) >= least]
    share = len(passing) / max(1, len(faces))
    return Coverage(share, accuracy(passing) if len(passing) else None, len(faces))


def fit_temperature(predictions: pd.DataFrame) -> float:
    """The temperature with which the truth of these predictions is most probable.

    It must be of images that the network has not learned from: the validation split's.
    """
    names, probabilities = class_probabilities(predictions)
    known = predictions["expression"].isin(names).to_numpy()
    if not known.any():
        return 1.0
    truth = pd.Index(names).get_indexer(predictions["expression"][known])
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        tempered = apply_temperature(probabilities[known], float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(tempered[rows, truth], _TINY)).mean())

    bounds = (np.log(_LEAST), np.log(_MOST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def reliability(predictions: pd.DataFrame, temperature: float = 1.0) -> pd.DataFrame:
    """How often answers are right that are given with about the same confidence.

    Returns:
        A row for each of `BINS` equal parts of [0, 1] that has any: `images`, `confidence` (the
        mean of the largest probability), `accuracy`, and `low` and `high` of its 95 % interval.
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
    images, right = groups.size().to_numpy(), groups["accuracy"].sum().to_numpy()
    low, high = wilson(right, images)
    means = groups[["confidence", "accuracy"]].mean()
    return means.assign(images=images, low=low, high=high).reset_index(drop=True)


def calibration_error(predictions: pd.DataFrame, temperature: float = 1.0) -> float:
    """The expected calibration error, in [0, 1]: how far confidence and accuracy are apart.

    The mean over the bins of `reliability`, each weighed by its images.
    """
    bins = reliability(predictions, temperature)
    apart = (bins["confidence"] - bins["accuracy"]).abs()
    return float((apart * bins["images"]).sum() / bins["images"].sum())


def _unlearned(predictions: pd.DataFrame) -> pd.DataFrame:
    clean = without_leaks(predictions)
    return predictions if clean is None else clean


def save_calibration(run: Run) -> None:
    """Writes what `Run.calibration` reads, from the predictions for validation."""
    record = {}
    for averaged, name in VIEWS.items():
        predictions = run.predictions("val", averaged=averaged)
        if predictions is not None:
            record[name] = asdict(calibrate(predictions))
    write_json(run.directory / "calibration.json", record)
