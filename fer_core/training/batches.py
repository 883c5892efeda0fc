"""Makes a run's training batches: shuffled, augmented, mixed, a step ahead of the model."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fer_core.models import augment
from fer_core.runs import RunData
from fer_core.training.targets import make_targets, mix

_SHUFFLING, _AUGMENTING, _MIXING = 0, 1, 2  # streams of random numbers that must not be the same


@dataclass(frozen=True)
class Batch:
    """What one training step sees."""

    images: np.ndarray  # float32 (n, height, width, channels) in [0, 255], augmented
    targets: np.ndarray  # float32 (n, classes)
    weights: np.ndarray | None  # float32 (n,)


# Gives a batch: images and targets for those that belong to rows of a data set's pixels, drawn
# from a stream of random numbers that is named by a tuple.
Draw = Callable[[np.ndarray, np.ndarray, tuple[int, ...]], tuple[np.ndarray, np.ndarray]]


def training_batches(data: RunData, epoch: int, draw: Draw | None = None) -> Iterator[Batch]:
    """Yields the training split once, shuffled and augmented by (seed, epoch, step) alone.

    The next batches are made by a thread while the model computes.

    Args:
        draw: makes the images instead of augmenting the pixels.
    """

    def augmented(
        positions: np.ndarray, targets: np.ndarray, stream: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        return augment(data.pixels[positions], targets, data.config.augmentation, stream)

    draw = draw or augmented
    positions, seed = data.positions("train"), data.config.seed
    order = np.random.default_rng((seed, epoch, _SHUFFLING)).permutation(positions)
    labels = data.labels(order)
    answers = None if data.teacher_probabilities is None else data.teacher_probabilities[order]
    targets_of_all = make_targets(
        data.index.loc[order], labels, data.class_names, data.config, answers
    )
    weights = class_weights(data)
    size = data.config.batch_size

    def make(step: int) -> Batch:
        part = slice(step * size, (step + 1) * size)
        stream = (seed, epoch, _AUGMENTING, step)
        images, targets = draw(order[part], targets_of_all[part], stream)
        if data.config.mixup:
            stream = (seed, epoch, _MIXING, step)
            images, targets = mix(images, targets, data.config.mixup, stream)
        return Batch(images, targets, None if weights is None else weights[labels[part]])

    return _ahead(make, data.steps_per_epoch)


def class_weights(data: RunData) -> np.ndarray | None:
    """Returns float32 (classes,) weights that give every class the same weight in sum.

    None where the settings ask for none.
    """
    if not data.config.class_weights:
        return None
    counts = np.bincount(data.labels(data.positions("train")), minlength=len(data.class_names))
    return (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype("float32")


def _ahead(make: Callable[[int], Batch], steps: int, depth: int = 2) -> Iterator[Batch]:
    """`make(0)`, `make(1)`, …, each begun `depth` steps before it is asked for."""
    with ThreadPoolExecutor(1) as thread:
        coming = [thread.submit(make, step) for step in range(min(depth, steps))]
        for step in range(steps):
            batch = coming.pop(0).result()
            if step + depth < steps:
                coming.append(thread.submit(make, step + depth))
            yield batch
