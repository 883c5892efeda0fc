"""Weights of an ensemble that are fitted, and what a member adds."""

import numpy as np
import pytest

from fer_core.ensembles.weights import contributions, equal_weights, fit_weights, weighted_mean


def answers(sharpness: list[float], images: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Members that know the label the better the larger their number is."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, images)
    logits = rng.normal(0, 1, (images, len(sharpness), 3))
    for member, value in enumerate(sharpness):
        logits[np.arange(images), member, labels] += value
    powers = np.exp(logits)
    return (powers / powers.sum(axis=2, keepdims=True)).astype("float32"), labels


def log_likelihood(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    mean = weighted_mean(probabilities, weights)
    return float(np.log(mean[np.arange(len(labels)), labels]).mean())


def test_fitted_weights_are_the_most_likely_of_all_that_are_possible() -> None:
    probabilities, labels = answers([2.0, 1.0, 0.0, 0.0])
    weights = fit_weights(probabilities, labels)
    assert weights.min() >= 0 and weights.sum() == pytest.approx(1)
    assert weights[0] > weights[1] > max(weights[2:])
    best = log_likelihood(probabilities, labels, weights)
    rng = np.random.default_rng(1)
    for other in (equal_weights(4), *rng.dirichlet(np.ones(4), 50)):
        mixed = 0.9 * weights + 0.1 * other
        assert log_likelihood(probabilities, labels, mixed) <= best + 1e-6


def test_a_member_that_repeats_another_adds_nothing_and_one_that_knows_more_does() -> None:
    probabilities, labels = answers([0.0, 0.0, 3.0])
    probabilities[:, 1] = probabilities[:, 0]
    weights = equal_weights(3)
    copy, _, good = contributions(probabilities, labels, weights, refit=None)
    assert good.only_with > good.only_without and good.p_value < 0.001
    whole = (weighted_mean(probabilities, weights).argmax(axis=1) == labels).sum()
    for each in (copy, good):
        assert each.correct_without + each.only_with - each.only_without == whole
