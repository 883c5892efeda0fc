"""Prepares a run's training batches in a thread: shuffles, augments and mixes images."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fer_core.models import augment
from fer_core.runs import RunData
from fer_core.training.targets import make_targets, mix

SHUFFLING, AUGMENTING, MIXING = 0, 1, 2  # separate streams of random numbers
_T = TypeVar("_T")


@dataclass(frozen=True)
class Batch:
    """Holds the inputs of one training step."""

    images: np.ndarray  # float32 (n, height, width, channels) in [0, 255], augmented
    targets: np.ndarray  # float32 (n, classes), or with a vote head (n, 2 * classes)
    weights: np.ndarray | None  # float32 (n,)


# Takes row numbers of a dataset's pixels, their targets, and the name of a stream of random
# numbers; returns the images and targets of a batch.
MakeImages = Callable[[np.ndarray, np.ndarray, tuple[int, ...]], tuple[np.ndarray, np.ndarray]]


def training_batches(
    data: RunData, epoch: int, make_images: MakeImages | None = None
) -> Iterator[Batch]:
    """Yields the training split once; shuffling and augmentation depend on (seed, epoch, step).

    A thread prepares the next batches while the model computes.

    Args:
        make_images: replaces augmenting the pixels.
    """

    def augmented(
        positions: np.ndarray, targets: np.ndarray, stream: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        return augment(data.pixels[positions], targets, config.augmentation, stream)

    make_images = make_images or augmented
    config, positions, seed = data.config, data.positions("train"), data.config.seed
    order = np.random.default_rng((seed, epoch, SHUFFLING)).permutation(positions)
    labels = data.labels(order)
    answers = None if data.teacher_probabilities is None else data.teacher_probabilities[order]
    all_targets = make_targets(data.index.loc[order], labels, data.class_names, config, answers)
    weights = class_weights(data)
    size = config.batch_size

    def make(step: int) -> Batch:
        part = slice(step * size, (step + 1) * size)
        stream = (seed, epoch, AUGMENTING, step)
        images, targets = make_images(order[part], all_targets[part], stream)
        if config.mixup or config.cutmix:
            stream = (seed, epoch, MIXING, step)
            images, targets = mix(
                images, targets, mixup=config.mixup, cutmix=config.cutmix, seed=stream
            )
        return Batch(images, targets, None if weights is None else weights[labels[part]])

    return made_ahead(make, data.steps_per_epoch)


def class_weights(data: RunData) -> np.ndarray | None:
    """Returns float32 (classes,) weights so that every class contributes equally to the loss.

    Returns None if the settings do not use them.
    """
    if not data.config.class_weights:
        return None
    counts = np.bincount(data.labels(data.positions("train")), minlength=len(data.class_names))
    return (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype("float32")


def made_ahead(make: Callable[[int], _T], count: int, depth: int = 2) -> Iterator[_T]:
    """Yields `make(0)`, …, `make(count - 1)`, computed in a thread up to `depth` ahead."""
    with ThreadPoolExecutor(1) as thread:
        pending = [thread.submit(make, number) for number in range(min(depth, count))]
        for number in range(count):
            made = pending.pop(0).result()
            if number + depth < count:
                pending.append(thread.submit(make, number + depth))
            yield made
