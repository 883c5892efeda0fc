"""Computes precision, recall and F1 of every class, with confidence intervals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.evaluation.metrics import wilson

MACRO_AVERAGE = "macro average"
SCORES = ("precision", "recall", "f1")

_RESAMPLES = 2000  # of the bootstrap
_CHUNK = 100  # resamples in memory
_SEED = 0  # fixed, so that the intervals are reproducible


def score_classes(matrix: np.ndarray, class_names: Sequence[str]) -> pd.DataFrame:
    """Returns precision, recall and F1 with their 95 % intervals, all in [0, 1].

    Columns: `precision`, `recall`, `f1`, each with `…_low` and `…_high`, and `images`. There is a
    row per class and one `MACRO_AVERAGE`, the unweighted mean over the classes that have images.
    Undefined scores (the precision of a class that was never predicted, the recall of one without
    images) are 0 and their bounds NaN.

    Precision and recall are proportions, with Wilson's interval. F1 is 2 J / (1 + J), where J is
    the share of correct predictions among the images that are of the class or were predicted as
    it; Wilson's interval for J is mapped through that formula: the "Wilson indirect" method of
    K. F. Y. Lam, V. Gopal and J. Qian, "Confidence intervals for the F1 score: a comparison of
    four methods", 2023, arXiv:2309.14621. The macro average has a percentile bootstrap interval,
    after B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7
    (1979), pages 1 to 26.

    Args:
        matrix: of `metrics.confusion`.
        class_names: in label order.
    """
    correct, images, predicted = _counts(matrix)
    columns: dict[str, np.ndarray] = {}
    for name, total in (("precision", predicted), ("recall", images)):
        columns[name] = _share(correct, total)
        columns[f"{name}_low"], columns[f"{name}_high"] = wilson(correct, total)
    low, high = wilson(correct, images + predicted - correct)
    columns |= {
        "f1": _share(2 * correct, images + predicted),
        "f1_low": 2 * low / (1 + low),
        "f1_high": 2 * high / (1 + high),
    }
    table = pd.DataFrame(columns, index=pd.Index(class_names, name="expression"))
    table["images"] = images
    table.loc[MACRO_AVERAGE] = _macro_average(matrix) | {"images": images.sum()}
    return table.astype({"images": int})


def hide_empty_classes(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns the table of `score_classes` with NaN for the scores of classes without images."""
    columns = [name for name in scores.columns if name != "images"]
    return scores.assign(**scores[columns].where(scores["images"] > 0).to_dict("series"))


def _macro_average(matrix: np.ndarray) -> dict[str, float]:
    names = [f"{name}{end}" for name in SCORES for end in ("", "_low", "_high")]
    total, present = int(matrix.sum()), matrix.sum(axis=1) > 0
    if not total:  # no image has a class of the model
        return {name: 0.0 if name in SCORES else float("nan") for name in names}
    rng = np.random.default_rng(_SEED)
    shares = matrix.ravel() / total
    drawn = (rng.multinomial(total, shares, size=_CHUNK) for _ in range(_RESAMPLES // _CHUNK))
    means = np.concatenate(
        [macro_scores(each.reshape(-1, *matrix.shape), present) for each in drawn]
    )
    low, high = np.quantile(means, (0.025, 0.975), axis=0)
    values = np.stack([macro_scores(matrix[None], present)[0], low, high], axis=1)
    return dict(zip(names, values.ravel().tolist(), strict=True))


def macro_scores(matrices: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Returns the mean SCORES over the classes with images, (n, 3), of n confusion matrices."""
    correct, images, predicted = _counts(matrices)
    scores = [
        _share(correct, predicted),
        _share(correct, images),
        _share(2 * correct, images + predicted),
    ]
    return np.stack([score[:, present].mean(axis=1) for score in scores], axis=1)


def _counts(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns correct predictions, images and predictions per class, of one matrix or many."""
    return np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1), matrix.sum(axis=-2)


def _share(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Divides; 0 / 0 is 0."""
    return part / np.maximum(total, 1)
