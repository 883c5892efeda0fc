"""The frozen backbone's output, computed once per image and view, and kept in the cache.

A frozen backbone gives the same features for the same picture in every epoch. They are computed
once for some augmented views of every training image; an epoch draws one view of each and trains
the head alone, which takes a hundredth of the time.
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
    images_at_once,
    in_float32,
    make_optimizer,
    predict,
)
from fer_core.runs import RunData
from fer_core.storage import open_array, paths, writing_array
from fer_core.training.batches import Batch, training_batches

# Raise it when `augmentation.augment_view` gives other pixels for the same view.
_VERSION = 2


@dataclass(frozen=True)
class TrainingStage:
    """What is trained and what it learns from: the whole network on pixels, or its head alone."""

    model: keras.Model
    batches: Callable[[int], Iterator[Batch]]  # of an epoch, counted from 0
    validate: Callable[[], np.ndarray]  # probabilities of the validation images, in their order


def open_stage(
    data: RunData,
    model: keras.Model,
    epoch: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingStage:
    """The lessons of an epoch as the run's settings say; missing features are computed first.

    The model and the head that may be trained instead of it share their layers.

    Args:
        model: as `models.begin_stage` left it for that epoch.
        progress: called with the images done and their number; what it raises ends the computing.
    """
    config = data.config
    views = config.feature_views
    if not views or not config.freezes_at(epoch):
        return TrainingStage(
            model, partial(training_batches, data), _validation(model, data.rows("val"))
        )
    of_head = epoch < config.head_epochs
    optimizer = make_optimizer(config, data.steps_per_epoch, of_head=of_head)
    backbone, head = backbone_and_head(model, optimizer)
    work = _Features(data, backbone, progress or (lambda done, total: None))
    validation = work.of_validation()
    maps = [work.of_training(view) for view in range(views)]
    return TrainingStage(head, partial(_batches, data, maps), _validation(head, validation))


def _validation(model: keras.Model, images: Images) -> Callable[[], np.ndarray]:
    """What the model says of images, by the float32 arithmetic of the model that is saved."""
    twin = in_float32(model)

    def validate() -> np.ndarray:
        if twin is not model:
            twin.set_weights(model.get_weights())
        return predict(twin, images)

    return validate


def _batches(data: RunData, maps: list[np.ndarray], epoch: int) -> Iterator[Batch]:
    """Features instead of pixels: of every image one view, drawn by (seed, epoch, step)."""
    positions = data.positions("train")

    def draw(
        chosen: np.ndarray, targets: np.ndarray, stream: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = np.searchsorted(positions, chosen)
        views = np.random.default_rng(stream).integers(len(maps), size=len(rows))
        features = np.empty((len(rows), maps[0].shape[1]), "float32")
        for view, array in enumerate(maps):
            features[views == view] = array[rows[views == view]]
        return features, targets

    return training_batches(data, epoch, draw)


class _Features:
    """Computes what the cache does not hold."""

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

    def of_validation(self) -> np.ndarray:
        """Of the validation images as they are; float32, so that the head sees what it will see."""
        return self._open("val", None, "float32", in_float32(self.backbone))

    def of_training(self, view: int) -> np.ndarray:
        """Of one view of the training images, in half precision."""
        return self._open("train", view, "float16", self.backbone)

    def _open(self, split: str, view: int | None, dtype: str, backbone: keras.Model) -> np.ndarray:
        positions = self.data.positions(split)
        path = paths.cache_root() / "features" / f"{self._key(positions, view)}.npy"
        known = self.done + len(positions)
        array = open_array(
            path,
            lambda new: self._make(new, positions, view, dtype, backbone),
            size=len(positions) * backbone.output_shape[-1] * np.dtype(dtype).itemsize,
            what="the features of the images",
        )
        self.done = known  # also where nothing had to be made
        return array

    def _make(
        self,
        path: Path,
        positions: np.ndarray,
        view: int | None,
        dtype: str,
        backbone: keras.Model,
    ) -> None:
        width = backbone.output_shape[-1]
        size = images_at_once(self.data.config.image_size)
        # Written, not mapped: a full disk must be an error here and not the end of the process.
        with writing_array(path, (width,), dtype) as append:
            for start in range(0, len(positions), size):
                pixels = self.data.pixels[positions[start : start + size]]
                seen = pixels if view is None else self._seen(pixels, view, start)
                features = backbone.predict_on_batch(np.asarray(seen, "float32"))
                append(np.asarray(features).astype(dtype))
                self.done += len(pixels)
                self.progress(self.done, self.total)

    def _seen(self, pixels: np.ndarray, view: int, start: int) -> np.ndarray:
        return augment_view(pixels, self.data.config.augmentation, view, start)

    def _key(self, positions: np.ndarray, view: int | None) -> str:
        """A name for the features that changes with all that decides them."""
        config = self.data.config
        decisive = {
            "version": _VERSION,
            "pixels": self.data.pixels_key,
            "positions": hashlib.sha256(positions.tobytes()).hexdigest(),
            "image_size": config.image_size,
            "weights": self.weights,
            "precision": "float32" if view is None else config.precision,
            "view": view,
            "augmentation": asdict(config.augmentation) if view else None,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:32]
