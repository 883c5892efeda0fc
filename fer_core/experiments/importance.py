"""Estimates how much each setting matters for the accuracy, and how sure that is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST_TRIALS = 8  # of which anything can be learned
_RESAMPLES = 25
_TREES = 20
_INTERVAL = (5, 95)  # percentiles


@dataclass(frozen=True)
class Importance:
    """Holds the share of the variance of the accuracy that is lost without a setting."""

    setting: str
    value: float
    low: float  # 90 % interval over resampled trials
    high: float


def importance(
    settings: Sequence[Mapping[str, Any]], accuracies: Sequence[float], seed: int = 0
) -> list[Importance]:
    """Returns the importance of each setting, the largest first; [] of fewer than 8 trials.

    Forests of trees learn the accuracy from the settings of resampled trials (bootstrap), and
    predict it for the trials that were left out: once as they are, once with the values of one
    setting shuffled. What the squared error grows by is the setting's importance, also where it
    matters only together with another one.
    """
    if len(accuracies) < LEAST_TRIALS:
        return []
    names = list(dict.fromkeys(name for each in settings for name in each))
    columns = [_as_numbers([each.get(name) for each in settings]) for name in names]
    features, scores = np.stack(columns, axis=1), np.asarray(accuracies, float)
    variance = scores.var()
    if not variance:
        return [Importance(name, 0.0, 0.0, 0.0) for name in names]
    found = np.array(_resampled(features, scores, np.random.default_rng(seed))) / variance
    low, high = np.percentile(found, _INTERVAL, axis=0)
    rows = zip(names, found.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return sorted((Importance(*row) for row in rows), key=lambda each: -each.value)


def _resampled(
    features: np.ndarray, scores: np.ndarray, rng: np.random.Generator
) -> list[list[float]]:
    """Returns, for each resample, by how much the squared error grows without each setting."""
    from sklearn.ensemble import ExtraTreesRegressor

    found = []
    for _ in range(_RESAMPLES):
        taken = rng.integers(len(scores), size=len(scores))
        out = np.setdiff1d(np.arange(len(scores)), taken)
        if not len(out):
            continue
        forest = ExtraTreesRegressor(_TREES, random_state=int(rng.integers(2**31)))
        forest.fit(features[taken], scores[taken])
        variants = [features[out]] * (1 + features.shape[1])
        for column in range(features.shape[1]):
            mixed = features[out].copy()
            # The values of all trials: those left out may be one alone.
            mixed[:, column] = rng.choice(features[:, column], len(out))
            variants[1 + column] = mixed
        # One call for all, which takes about as long as one for each.
        predicted = forest.predict(np.concatenate(variants)).reshape(len(variants), -1)
        error, *shuffled = np.square(predicted - scores[out]).mean(axis=1).tolist()
        found.append([each - error for each in shuffled])
    return found


def _as_numbers(values: Sequence[Any]) -> np.ndarray:
    """Returns the ranks of numbers, for which a logarithm makes no difference; else codes."""
    numbers = all(isinstance(value, (int, float)) for value in values)
    keys = [value if numbers else json.dumps(value) for value in values]
    return np.unique(np.array(keys), return_inverse=True)[1].astype(float)
