"""Precision, recall and F1 of every class, with the intervals that their images leave."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_core.evaluation.metrics import MACRO_AVERAGE, wilson

SCORES = ("precision", "recall", "f1")

_DRAWS = 2000  # of the bootstrap
_AT_ONCE = 100  # draws in memory
_SEED = 0  # the same predictions always have the same intervals


def score_classes(matrix: np.ndarray, class_names: Sequence[str]) -> pd.DataFrame:
    """What `evaluation.report` gives, and the bounds of the 95 % intervals beside.

    Of a confusion matrix as `evaluation.confusion` gives it, with at least one image.

    Columns: `precision`, `recall`, `f1`, each with `…_low` and `…_high`, all in [0, 1], and
    `images`. A row per class and one `MACRO_AVERAGE`, over the classes that have images. A bound is
    NaN where nothing is known: of the precision of a class that was never predicted, of the recall
    of one without images.

    Precision and recall are shares, and have Wilson's interval. F1 is 2 J / (1 + J), where J is
    the share of right answers among the images that are of the class or were called so; its
    interval is Wilson's for J, taken through that formula: the "Wilson indirect" method of K. F. Y.
    Lam, V. Gopal and J. Qian, "Confidence intervals for the F1 score: a comparison of four
    methods", 2023, arXiv:2309.14621. The macro average has a percentile bootstrap, after B. Efron,
    "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979), pages 1 to
    26: of as many images, drawn from these.
    """
    right, truths, answers = _counts(matrix)
    columns: dict[str, np.ndarray] = {}
    for name, total in (("precision", answers), ("recall", truths)):
        columns[name] = _share(right, total)
        columns[f"{name}_low"], columns[f"{name}_high"] = wilson(right, total)
    low, high = wilson(right, truths + answers - right)
    columns |= {
        "f1": _share(2 * right, truths + answers),
        "f1_low": 2 * low / (1 + low),
        "f1_high": 2 * high / (1 + high),
    }
    table = pd.DataFrame(columns, index=pd.Index(class_names, name="expression"))
    table["images"] = truths
    table.loc[MACRO_AVERAGE] = _macro_average(matrix) | {"images": truths.sum()}
    return table.astype({"images": int})


def _macro_average(matrix: np.ndarray) -> dict[str, float]:
    names = [f"{name}{end}" for name in SCORES for end in ("", "_low", "_high")]
    total, there = int(matrix.sum()), matrix.sum(axis=1) > 0
    rng = np.random.default_rng(_SEED)
    shares = matrix.ravel() / total
    means = np.concatenate(
        [
            _macro(rng.multinomial(total, shares, size=_AT_ONCE).reshape(-1, *matrix.shape), there)
            for _ in range(_DRAWS // _AT_ONCE)
        ]
    )
    low, high = np.quantile(means, (0.025, 0.975), axis=0)
    values = np.stack([_macro(matrix[None], there)[0], low, high], axis=1)
    return dict(zip(names, values.ravel().tolist(), strict=True))


def _macro(matrices: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The means over the classes that are there, (n, 3) as in SCORES, of n confusion matrices."""
    right, truths, answers = _counts(matrices)
    scores = [
        _share(right, answers),
        _share(right, truths),
        _share(2 * right, truths + answers),
    ]
    return np.stack([score[:, there].mean(axis=1) for score in scores], axis=1)


def _counts(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right answers, images and answers of every class, for one matrix or many."""
    return np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1), matrix.sum(axis=-2)


def _share(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Zero where there is nothing to share."""
    return part / np.maximum(total, 1)
