"""Fits the weights of an ensemble, and measures what each member adds."""

from dataclasses import dataclass

import numpy as np

from fer_core.evaluation import significance

_ROUNDS = 2000  # of the fit; enough for four digits with ten members
_EPSILON = 1e-12


@dataclass(frozen=True)
class Contribution:
    """Counts images that are right with a member and without it."""

    correct: int  # by the member alone
    correct_without: int  # by the other members together
    only_with: int  # by the ensemble, and not without the member
    only_without: int
    p_value: float  # exact McNemar test


def equal_weights(members: int) -> np.ndarray:
    """Returns the same weight for each member, float64 (members,); they sum to 1."""
    return np.full(members, 1 / members)


def fit_weights(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the weights of the mean that make the labels most likely.

    By expectation maximization, as for the weights of a mixture (Dempster, Laird and Rubin,
    "Maximum likelihood from incomplete data via the EM algorithm", 1977, section 4.3). The
    likelihood has a single maximum, and every step keeps the weights non-negative with sum 1.

    Args:
        probabilities: (n, members, classes) of the members.
        labels: int (n,).
    """
    members = probabilities.shape[1]
    weights = equal_weights(members)
    if not len(labels):
        return weights
    true_class = probabilities[np.arange(len(labels)), :, labels].astype(np.float64)
    true_class = np.maximum(true_class, _EPSILON)
    for _ in range(_ROUNDS):
        shares = true_class * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights / weights.sum()


def weighted_mean(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the mean over the members: float32 (n, classes) of (n, members, classes)."""
    return np.einsum("nmc,m->nc", probabilities, weights.astype(np.float32))


def contributions(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, refit: np.ndarray | None
) -> list[Contribution]:
    """Measures what each member adds to an ensemble.

    Args:
        probabilities: (n, members, classes) of the members.
        labels: int (n,).
        weights: (members,) of the ensemble.
        refit: the rows on which weights are fitted again without each member; None for equal
            weights.
    """
    whole = weighted_mean(probabilities, weights).argmax(axis=1) == labels
    found = []
    for member in range(len(weights)):
        others = np.delete(probabilities, member, axis=1)
        if refit is None:
            rest = equal_weights(len(weights) - 1)
        else:
            rest = fit_weights(others[refit], labels[refit])
        without = weighted_mean(others, rest).argmax(axis=1) == labels
        alone = probabilities[:, member].argmax(axis=1) == labels
        found.append(_contribution(alone, whole, without))
    return found


def _contribution(alone: np.ndarray, whole: np.ndarray, without: np.ndarray) -> Contribution:
    only_with, only_without = int((whole & ~without).sum()), int((without & ~whole).sum())
    return Contribution(
        correct=int(alone.sum()),
        correct_without=int(without.sum()),
        only_with=only_with,
        only_without=only_without,
        p_value=float(significance.mcnemar(only_with, only_without)),
    )
