"""Computes and caches the features of a frozen backbone.

A frozen backbone computes the same features for the same image in every epoch. They are computed
once for a few augmented views of every training image; an epoch draws one view of each image and
trains only the head, which takes a hundredth of the time.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from fer_core.models import (
    Images,
    augment_view,
    backbone_and_head,
    in_float32,
    label_model,
    make_optimizer,
    predict,
    prediction_batch_size,
)
from fer_core.runs import RunData
from fer_core.storage import open_array, paths, writing_array
from fer_core.training.batches import Batch, training_batches

# Increase when `augment_view` returns other pixels for the same view.
_VERSION = 2


@dataclass(frozen=True)
class TrainingStage:
    """Holds the model that is trained (the whole, or its head) and the data that it takes."""

    model: keras.Model
    batches: Callable[[int], Iterator[Batch]]  # takes the epoch, counted from 0
    validate: Callable[[], np.ndarray]  # returns probabilities of the validation images, in order


def open_stage(
    data: RunData,
    model: keras.Model,
    epoch: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingStage:
    """Returns the training stage of an epoch; computes features that are not cached.

    A head that is trained on features shares its layers with `model`.

    Args:
        model: prepared for that epoch by `models.begin_stage`.
        progress: called with the number of images done and their total; an exception that it
            raises cancels the computation.
    """
    config = data.config
    views = config.feature_views
    if not views or not config.freezes_at(epoch):
        return TrainingStage(
            model,
            partial(training_batches, data),
            _validation(label_model(model), data.rows("val")),
        )
    head_only = epoch < config.head_epochs
    optimizer = make_optimizer(config, data.steps_per_epoch, head_only=head_only)
    backbone, head = backbone_and_head(model, optimizer)
    features = _Features(data, backbone, progress or (lambda done, total: None))
    validation = features.validation()
    views_features = [features.training(view) for view in range(views)]
    return TrainingStage(
        head, partial(_feature_batches, data, views_features), _validation(head, validation)
    )


def _validation(model: keras.Model, images: Images) -> Callable[[], np.ndarray]:
    """Returns a function that predicts `images` in float32, as the saved model will."""
    float32_model = in_float32(model)

    def validate() -> np.ndarray:
        if float32_model is not model:
            float32_model.set_weights(model.get_weights())
        return predict(float32_model, images)

    return validate


def _feature_batches(
    data: RunData, views_features: list[np.ndarray], epoch: int
) -> Iterator[Batch]:
    """Yields features instead of pixels: one view of each image, drawn by (seed, epoch, step)."""
    positions = data.positions("train")

    def select_views(
        batch: np.ndarray, targets: np.ndarray, stream: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = np.searchsorted(positions, batch)
        views = np.random.default_rng(stream).integers(len(views_features), size=len(rows))
        selected = np.empty((len(rows), views_features[0].shape[1]), "float32")
        for view, features in enumerate(views_features):
            selected[views == view] = features[rows[views == view]]
        return selected, targets

    return training_batches(data, epoch, select_views)


class _Features:
    """Opens cached features, or computes them."""

    def __init__(
        self, data: RunData, backbone: keras.Model, progress: Callable[[int, int], None]
    ) -> None:
        self.data, self.backbone, self.progress = data, backbone, progress
        self.done = 0
        self.total = data.config.feature_views * len(data.positions("train"))
        self.total += len(data.positions("val"))
        weights = hashlib.sha256()
        for array in backbone.get_weights():
            weights.update(array)
        self.weights = weights.hexdigest()

    def validation(self) -> np.ndarray:
        """Returns features of the unchanged validation images, in float32 as in prediction."""
        return self._open("val", None, "float32", in_float32(self.backbone))

    def training(self, view: int) -> np.ndarray:
        """Returns features of one view of the training images, in float16."""
        return self._open("train", view, "float16", self.backbone)

    def _open(self, split: str, view: int | None, dtype: str, backbone: keras.Model) -> np.ndarray:
        positions = self.data.positions(split)
        path = paths.cache_root() / "features" / f"{self._key(positions, view)}.npy"
        done_after = self.done + len(positions)
        array = open_array(
            path,
            lambda new: self._compute(new, positions, view, dtype, backbone),
            size=len(positions) * backbone.output_shape[-1] * np.dtype(dtype).itemsize,
            description="the features of the images",
        )
        self.done = done_after  # also for features that were cached
        return array

    def _compute(
        self,
        path: Path,
        positions: np.ndarray,
        view: int | None,
        dtype: str,
        backbone: keras.Model,
    ) -> None:
        width = backbone.output_shape[-1]
        size = prediction_batch_size(self.data.config.image_size)
        # Not a memory map: writing to one on a full disk would kill the process.
        with writing_array(path, (width,), dtype) as append:
            for start in range(0, len(positions), size):
                pixels = self.data.pixels[positions[start : start + size]]
                if view is not None:
                    pixels = augment_view(pixels, self.data.config.augmentation, view, start)
                features = backbone.predict_on_batch(np.asarray(pixels, "float32"))
                append(np.asarray(features).astype(dtype))
                self.done += len(pixels)
                self.progress(self.done, self.total)

    def _key(self, positions: np.ndarray, view: int | None) -> str:
        """Returns a file name that depends on everything that the features depend on."""
        config = self.data.config
        inputs = {
            "version": _VERSION,
            "pixels": self.data.pixels_key,
            "positions": hashlib.sha256(positions.tobytes()).hexdigest(),
            "image_size": config.image_size,
            "weights": self.weights,
            "precision": "float32" if view is None else config.precision,
            "view": view,
            "augmentation": asdict(config.augmentation) if view else None,
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]
