"""Keeps the training images on the device that trains, and makes its batches there.

The random numbers are those of `batches.training_batches`, drawn on the CPU; gathering, augmenting
and mixing the images is part of the compiled training step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops, tree

from fer_core.models import draw_augmentation
from fer_core.runs import RunData
from fer_core.training.batches import AUGMENTING, MIXING, SHUFFLING, class_weights, made_ahead
from fer_core.training.targets import draw_mix, make_targets

MOST_STEPS = 20  # that are drawn, sent to the device and computed at once
_DRAWN_BYTES = 2**27  # at most, of the numbers for so many steps

Arrays = Mapping[str, Any]  # the backend's tensors, by name


@dataclass(frozen=True)
class Draws:
    """Holds what is random in a number of consecutive steps."""

    arrays: Arrays  # the first axis is that of the steps, padded to the same length every time
    images: list[int]  # how many each step has


class DeviceBatches:
    """Holds the training split on the device, and makes its batches there.

    All batches have the same size, so that one program is compiled. Where the last one of an epoch
    is smaller, its images are repeated: each weighs as much in the loss as in a batch without
    repetitions. Accuracy and the statistics of batch normalization count some images once more than
    others.
    """

    def __init__(self, data: RunData) -> None:
        self.data, self.config = data, data.config
        self.positions = data.positions("train")
        self.size = min(self.config.batch_size, len(self.positions))
        self.split = self._split()
        step_bytes = sum(array.nbytes for array in self._draw(0, 0, self._order(0)).values())
        self.steps = max(1, min(MOST_STEPS, _DRAWN_BYTES // step_bytes))  # of `Draws`

    def _split(self) -> Arrays:
        data, positions = self.data, self.positions
        labels, teachers = data.labels(positions), data.teacher_probabilities
        targets = make_targets(
            data.index.loc[positions],
            labels,
            data.class_names,
            self.config,
            None if teachers is None else teachers[positions],
        )
        weights = class_weights(data)
        split = {
            # Holds gray levels exactly; TensorFlow cannot gather uint8 on a GPU.
            "images": data.pixels[positions].astype("float16"),
            "targets": targets,
            "weights": np.ones(len(labels), "float32") if weights is None else weights[labels],
        }
        return tree.map_structure(ops.convert_to_tensor, split)

    def draws(self, epoch: int) -> Iterator[Draws]:
        """Yields the random numbers of an epoch, on the device; a thread prepares the next."""
        order = self._order(epoch)

        def make(number: int) -> Draws:
            first = number * self.steps
            steps = range(first, min(first + self.steps, self.data.steps_per_epoch))
            drawn = [self._draw(epoch, step, order) for step in steps]
            images = [min(self.size, len(order) - step * self.size) for step in steps]
            drawn += drawn[-1:] * (self.steps - len(drawn))
            arrays = {name: np.stack([each[name] for each in drawn]) for name in drawn[0]}
            return Draws(tree.map_structure(ops.convert_to_tensor, arrays), images)

        return made_ahead(make, -(-self.data.steps_per_epoch // self.steps))

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng((self.config.seed, epoch, SHUFFLING))
        return np.searchsorted(self.positions, rng.permutation(self.positions))

    def _draw(self, epoch: int, step: int, order: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the random numbers of a step; the first axis is that of the images."""
        config, seed = self.config, (self.config.seed, epoch)
        rows = order[step * self.size :][: self.size]
        shape = (len(rows), *self.data.pixels.shape[1:])
        drawn = draw_augmentation(shape, config.augmentation, (*seed, AUGMENTING, step))
        if config.mixup or config.cutmix:
            drawn["others"], drawn["kept"], drawn["shares"] = draw_mix(
                shape, mixup=config.mixup, cutmix=config.cutmix, seed=(*seed, MIXING, step)
            )
        copies = np.resize(np.arange(len(rows)), self.size)
        drawn = {name: values[copies] for name, values in drawn.items()}
        repetitions = np.bincount(copies)[copies] * (len(rows) / self.size)
        return drawn | {"rows": rows[copies], "weights": (1 / repetitions).astype("float32")}


def make_batch(split: Arrays, drawn: Arrays) -> tuple[Any, Any, Any]:
    """Returns a step's images, targets and weights, as `training_batches` yields them.

    Written in `keras.ops`, to be compiled with the training step.

    Args:
        drawn: what `Draws` holds for that step.
    """
    rows = drawn["rows"]
    images = ops.cast(ops.take(split["images"], rows, axis=0), "float32")
    targets = ops.take(split["targets"], rows, axis=0)
    if "matrices" in drawn:
        images = _warp(images, drawn["matrices"])
    if "factors" in drawn:
        means = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        images = (images - means) * drawn["factors"] + means + drawn["shifts"]
        images = ops.clip(images, 0, 255)
    if "noise" in drawn:
        images = ops.where(drawn["erased"], ops.cast(drawn["noise"], "float32"), images)
    if "others" in drawn:
        images = _mixed(images, drawn["others"], drawn["kept"])
        targets = _mixed(targets, drawn["others"], drawn["shares"])
    return images, targets, ops.take(split["weights"], rows, axis=0) * drawn["weights"]


def _mixed(values: Any, others: Any, kept: Any) -> Any:
    return values * kept + ops.take(values, others, axis=0) * (1 - kept)


def _warp(images: Any, matrices: Any) -> Any:
    """Applies one affine matrix to each image, bilinearly; the border is replicated.

    `keras.ops.image.affine_transform` would do it by a matrix product, which GPUs round to ten bits
    of a coordinate, and with four times the memory.
    """
    count, height, width, channels = images.shape
    y, x = ops.meshgrid(
        ops.arange(height, dtype="float32"), ops.arange(width, dtype="float32"), indexing="ij"
    )
    a, b, c, d, e, f = (
        matrices[:, row, column, None, None] for row in (0, 1) for column in (0, 1, 2)
    )
    across, down = a * x + b * y + c, d * x + e * y + f
    left, top = ops.floor(across), ops.floor(down)
    flat = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(count) * (height * width), (-1, 1, 1))

    def pixels(row: Any, column: Any) -> Any:
        row = ops.cast(ops.clip(row, 0, height - 1), "int32")
        column = ops.cast(ops.clip(column, 0, width - 1), "int32")
        return ops.take(flat, first + row * width + column, axis=0)

    right, below = (across - left)[..., None], (down - top)[..., None]
    upper = pixels(top, left) * (1 - right) + pixels(top, left + 1) * right
    lower = pixels(top + 1, left) * (1 - right) + pixels(top + 1, left + 1) * right
    return upper * (1 - below) + lower * below
