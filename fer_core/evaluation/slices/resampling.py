"""Bootstraps the scores of slices, over images or over subjects.

After B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979),
pages 1 to 26.
"""

from dataclasses import dataclass

import numpy as np

from fer_core.evaluation.slices.counts import scores_of

RESAMPLES = 2000  # at most
_LEAST_RESAMPLES = 400  # of very many subjects, whose percentiles vary less
_MOST_DRAWN = 40_000_000  # subjects in all resamples
_IN_MEMORY = 2_000_000  # subjects in the resamples of a chunk
_SEED = 0  # fixed, so that the intervals are reproducible


@dataclass(frozen=True, eq=False)
class SubjectCounts:
    """Holds counts per pair of a slice and a subject with images in it, ordered by slice."""

    slices: np.ndarray  # of each pair
    subjects: np.ndarray  # of each pair, from 0
    counts: np.ndarray  # (pairs, …) as `Answers.counts` makes them
    number: int  # of subjects

    def of_slice(self, code: int) -> slice:
        """Returns where the pairs of a slice are."""
        first, last = np.searchsorted(self.slices, [code, code + 1])
        return slice(int(first), int(last))


def resample_images(matrix: np.ndarray) -> np.ndarray:
    """Returns the scores of resampled images, (RESAMPLES, 3), from their confusion matrix."""
    classes, total = len(matrix), int(matrix.sum())
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(total, matrix.ravel() / total, size=RESAMPLES)
    drawn = drawn.reshape(-1, classes, classes)
    correct = np.diagonal(drawn, axis1=1, axis2=2)
    sums = [drawn.sum(axis=(1, 2))[:, None], correct.sum(axis=1)[:, None]]
    return scores_of(np.concatenate([*sums, correct, drawn.sum(axis=2), drawn.sum(axis=1)], axis=1))


def resample_subjects(pairs: SubjectCounts, slices: list[int]) -> np.ndarray:
    """Returns the scores of the slices, (resamples, slices, 3), with resampled subjects.

    All slices of a resample have the same subjects, so that differences between slices can be
    taken from it too. NaN where none of a slice's subjects was drawn.
    """
    rng = np.random.default_rng(_SEED)
    resamples = int(np.clip(_MOST_DRAWN // pairs.number, _LEAST_RESAMPLES, RESAMPLES))
    chunk = max(1, min(resamples, _IN_MEMORY // pairs.number))
    scores = np.empty((resamples, len(slices), 3), np.float32)
    places = [pairs.of_slice(code) for code in slices]
    counts = [pairs.counts[place].astype(np.float32) for place in places]
    for start in range(0, resamples, chunk):
        part = min(chunk, resamples - start)
        times = _times_drawn(rng, part, pairs.number)
        for number, (place, each) in enumerate(zip(places, counts, strict=True)):
            summed = times[:, pairs.subjects[place]] @ each
            scores[start : start + part, number] = scores_of(summed)
    return scores


def _times_drawn(rng: np.random.Generator, resamples: int, number: int) -> np.ndarray:
    """Returns how often each subject is in each resample, (resamples, number)."""
    drawn = rng.integers(number, size=(resamples, number), dtype=np.int32)
    drawn += (np.arange(resamples, dtype=np.int32) * number)[:, None]
    times = np.bincount(drawn.ravel(), minlength=drawn.size)
    return times.astype(np.float32).reshape(resamples, number)
