"""Computes training targets: float32 class probabilities for each image."""

import numpy as np
import pandas as pd

from fer_core.datasets import has_votes
from fer_core.errors import FerError
from fer_core.runs import TrainConfig


def make_targets(
    index: pd.DataFrame,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    config: TrainConfig,
    teachers: np.ndarray | None = None,
) -> np.ndarray:
    """Returns targets for the images of an index: (n, classes), or with `vote_head` twice as wide.

    They start as one-hot labels. `votes` is the share that the votes replace (Barsoum et al.,
    "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
    Distribution", 2016), for images with votes for the run's classes. `label_smoothing` is the
    share that is spread over all classes (Szegedy et al., "Rethinking the Inception Architecture",
    2016). `distillation` is the share of the result that the teachers' probabilities replace
    (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, at a temperature of 1).
    With `vote_head` the distribution of the votes follows, unchanged, for the second output; images
    without votes have their label there.

    Args:
        labels: class numbers (n,).
        teachers: mean probabilities (n, classes) of the teachers.

    Raises:
        FerError: the settings use votes, and the dataset has none.
    """
    targets = np.eye(len(class_names), dtype="float32")[labels]
    distribution = targets
    if config.votes or config.vote_head:
        distribution = _vote_distribution(targets, index, class_names, config)
    targets = _blend(targets, distribution, config.votes)
    smoothing = np.float32(config.label_smoothing)
    targets = targets * (1 - smoothing) + smoothing / len(class_names)
    if teachers is not None:
        targets = _blend(targets, teachers, config.distillation)
    return np.hstack([targets, distribution]) if config.vote_head else targets


def mix(
    images: np.ndarray,
    targets: np.ndarray,
    *,
    mixup: float = 0.0,
    cutmix: float = 0.0,
    seed: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Mixes each image and its target with another of the batch: mixup, CutMix, or half of each.

    Args:
        images: float32 (n, height, width, channels), or for mixup alone also (n, features).
        mixup: alpha; 0 = off.
        cutmix: alpha; 0 = off.
    """
    others, kept, shares = draw_mix(images.shape, mixup=mixup, cutmix=cutmix, seed=seed)
    return (
        images * kept + images[others] * (1 - kept),
        targets * shares + targets[others] * (1 - shares),
    )


def draw_mix(
    shape: tuple[int, ...], *, mixup: float = 0.0, cutmix: float = 0.0, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws what `mix` does to images of a shape.

    Every image has a ratio of its own, drawn from Beta(alpha, alpha) (Zhang et al., "mixup: Beyond
    Empirical Risk Minimization", 2018; Yun et al., "CutMix: Regularization Strategy to Train Strong
    Classifiers with Localizable Features", 2019).

    Returns:
        For each image the number of the other one, int (n,); its own share of each pixel, float32
        that broadcasts to the images; and its own share of the target, float32 (n, 1).
    """
    rng = np.random.default_rng(seed)
    others = rng.permutation(shape[0])
    kept = np.ones((shape[0], *(1,) * (len(shape) - 1)), "float32")
    if mixup:
        kept[...] = rng.beta(mixup, mixup, kept.shape)
    if cutmix:
        windows = _draw_windows(rng, cutmix, shape[:3])
        is_cut = rng.random(kept.shape) < 0.5 if mixup else np.True_
        kept = np.where(is_cut, 1 - windows, kept)
    return others, kept, kept.reshape(shape[0], -1).mean(axis=1, keepdims=True)


def _draw_windows(rng: np.random.Generator, alpha: float, shape: tuple[int, ...]) -> np.ndarray:
    """Returns float32 (n, height, width, 1): 1 inside a rectangle of each image, else 0.

    Its center may lie anywhere, so that the border can cut off a part of it.
    """
    count, *sides = shape
    radius = np.sqrt(1 - rng.beta(alpha, alpha, count)) / 2  # as a fraction of each side
    rows, columns = (
        np.abs((np.arange(side) + 0.5) / side - rng.random((count, 1))) < radius[:, None]
        for side in sides
    )
    return (rows[:, :, None, None] & columns[:, None, :, None]).astype("float32")


def _blend(targets: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    return targets * (1 - np.float32(share)) + others * np.float32(share) if share else targets


def _vote_distribution(
    labels: np.ndarray, index: pd.DataFrame, class_names: tuple[str, ...], config: TrainConfig
) -> np.ndarray:
    """Returns the fractions of the votes for the run's classes; `labels` where there are none."""
    if not has_votes(index):
        name = "votes" if config.votes else "vote_head"
        raise FerError(
            f"`{name}` needs a dataset with FER+'s votes, or raters' labels. {config.dataset} has "
            "none: put fer2013new.csv beside the images and add the dataset again, set `labels` to "
            f"raters, or set `{name}` to 0."
        )
    columns = [f"votes_{name}" for name in class_names]
    votes = index.reindex(columns=columns, fill_value=0).to_numpy("float32")
    total = votes.sum(axis=1, keepdims=True)
    return np.divide(votes, total, out=labels.copy(), where=total > 0)
