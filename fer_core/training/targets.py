"""What the network shall answer to each training image: probabilities, float32."""

import numpy as np
import pandas as pd

from fer_core.errors import FerError
from fer_core.runs import TrainConfig

VOTES = "votes_"  # the columns of an index that hold FER+'s votes begin so


def make_targets(
    index: pd.DataFrame,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    config: TrainConfig,
    answers: np.ndarray | None = None,
) -> np.ndarray:
    """Targets, (n, classes), for the images of an index; their labels are numbers of classes.

    The label alone is a one. `votes` replaces that share of it by FER+'s votes (Barsoum and
    others, "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
    Distribution", 2016) for the run's classes, where anybody voted for one; `label_smoothing`
    spreads that share over all classes (Szegedy and others, "Rethinking the Inception
    Architecture", 2016). The teachers' `answers`, (n, classes), replace the share `distillation`
    of all that (Hinton and others, "Distilling the Knowledge in a Neural Network", 2015, here at a
    temperature of 1).

    Raises:
        FerError: votes are asked for, and the data set has none.
    """
    targets = np.eye(len(class_names), dtype="float32")[labels]
    if config.votes:
        targets = _with_votes(targets, index, class_names, config)
    smoothing = np.float32(config.label_smoothing)
    targets = targets * (1 - smoothing) + smoothing / len(class_names)
    if answers is None:
        return targets
    share = np.float32(config.distillation)
    return targets * (1 - share) + answers * share


def mix(
    images: np.ndarray, targets: np.ndarray, alpha: float, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Each image laid over another of the batch, and its target likewise.

    By one share for the batch, drawn from Beta(alpha, alpha): mixup (Zhang and others, "mixup:
    Beyond Empirical Risk Minimization", 2018).
    """
    rng = np.random.default_rng(seed)
    share = np.float32(rng.beta(alpha, alpha))
    others = rng.permutation(len(images))
    return (
        images * share + images[others] * (1 - share),
        targets * share + targets[others] * (1 - share),
    )


def _with_votes(
    targets: np.ndarray, index: pd.DataFrame, class_names: tuple[str, ...], config: TrainConfig
) -> np.ndarray:
    if not any(column.startswith(VOTES) for column in index):
        raise FerError(
            f"`votes` needs a data set with FER+'s votes. {config.dataset} has none: put FER+'s "
            "table beside the images and add the data set again, or set `votes` to 0."
        )
    columns = [f"{VOTES}{name}" for name in class_names]
    votes = index.reindex(columns=columns, fill_value=0).to_numpy("float32")
    total = votes.sum(axis=1, keepdims=True)
    voted = np.divide(votes, total, out=targets.copy(), where=total > 0)
    return targets * (1 - np.float32(config.votes)) + voted * np.float32(config.votes)
