"""Trains on an accelerator for an epoch without coming back to Python after every step.

The weights stay on the device, which computes several steps in one call on images that are there
already: a GPU would otherwise wait for the CPU most of the time.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from fer_core import hardware
from fer_core.runs import Augmentation, RunData
from fer_core.training.device_batches import Arrays, DeviceBatches, make_batch
from fer_core.training.setup import has_accelerator

LOG = logging.getLogger(__name__)

_SWITCH = "FER_DEVICE_EPOCHS"  # 1 and 0 override whether there is an accelerator
_MEMORY_SHARE = 0.25  # of the device, for the training images
_UNKNOWN_MEMORY = 8 * 2**30  # of a device that does not tell
_SECONDS_AT_ONCE = 0.5  # after which a request to stop is looked for, at the latest

# What `make_batch` does.
_TRANSFORMS = {
    *("rotation", "shift", "shear", "zoom", "flip", "crop"),
    *("contrast", "brightness", "erasing"),
}


def open_device_epochs(data: RunData, model: keras.Model) -> "DeviceEpochs | None":
    """Returns the epochs of a compiled model on the accelerator, or None to train batch by batch.

    That is on a CPU, and, as the log then says, for settings that need the CPU.
    """
    switch = os.environ.get(_SWITCH)
    if switch == "0" or not (switch == "1" or has_accelerator()):
        return None
    obstacle = _obstacle(data)
    if obstacle:
        LOG.info("Each batch is prepared on the CPU, because of %s.", obstacle)
        return None
    LOG.info("The training images are kept and augmented on the device.")
    return DeviceEpochs(DeviceBatches(data), model)


def _obstacle(data: RunData) -> str:
    """Returns what keeps the images from the device, or an empty string."""
    used, unused = asdict(data.config.augmentation), asdict(Augmentation())
    unknown = [name for name in used if used[name] != unused[name] and name not in _TRANSFORMS]
    if unknown:
        return f"the augmentation {', '.join(unknown)}"
    size = 2 * len(data.positions("train")) * int(np.prod(data.pixels.shape[1:]))
    if size > _MEMORY_SHARE * (hardware.gpu_memory() or _UNKNOWN_MEMORY):
        return f"{size / 2**30:.1f} GiB of images, more than {_MEMORY_SHARE:.0%} of its memory"
    return ""


class DeviceEpochs:
    """Trains a compiled model whose weights and images stay on the device."""

    def __init__(self, batches: DeviceBatches, model: keras.Model) -> None:
        self.batches, self.model = batches, model
        nothing = ops.zeros((batches.size, model.output_shape[-1]))
        model.compute_metrics(None, nothing, nothing)  # creates the variables of the metrics
        model.reset_metrics()
        self.backend = _JaxState(model) if _on_jax() else _TensorFlowState(model)
        self.compute = self.backend.compiled(self._steps)
        self.at_once = 1  # steps; grows while they take less than `_SECONDS_AT_ONCE`

    def learn(self, epoch: int) -> Iterator[tuple[int, Mapping[str, float]]]:
        """Trains for an epoch, some steps at a time; see also `write_back`.

        Yields the number of images of each step, its loss and accuracy.
        """
        self.backend.begin()
        for draws in self.batches.draws(epoch):
            for first, last in self._calls(len(draws.images)):
                started = time.monotonic()
                values = self.compute(self.batches.split, draws.arrays, first, last)
                values = np.asarray(values)[first:last]  # waits for the device
                self._set_pace(time.monotonic() - started)
                for images, (loss, accuracy) in zip(draws.images[first:last], values, strict=True):
                    yield images, {"loss": float(loss), "accuracy": float(accuracy)}

    def write_back(self) -> None:
        """Puts what was learned so far into the model's variables."""
        self.backend.write_back()

    def _calls(self, steps: int) -> Iterator[tuple[int, int]]:
        first = 0
        while first < steps:
            last = min(first + self.at_once, steps)
            yield first, last
            first = last

    def _set_pace(self, seconds: float) -> None:
        if seconds > _SECONDS_AT_ONCE:
            self.at_once = max(1, self.at_once // 2)
        elif seconds < _SECONDS_AT_ONCE / 2:
            self.at_once = min(self.batches.steps, self.at_once * 2)

    def _steps(
        self, state: Any, split: Arrays, drawn: Arrays, first: Any, last: Any
    ) -> tuple[Any, Any]:
        """Computes some of the steps that were drawn.

        Returns the state, and the loss and accuracy of each step, (steps, 2).
        """

        def step(number: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            state, values = carried
            of_step = {name: array[number] for name, array in drawn.items()}
            logs, state = self.backend.train_step(state, make_batch(split, of_step))
            row = ops.stack([logs["loss"], logs["accuracy"]])
            return state, ops.where(numbers == number, row, values)

        numbers = ops.arange(self.batches.steps, dtype="int32")[:, None]
        return ops.fori_loop(first, last, step, (state, ops.zeros((self.batches.steps, 2))))


class _JaxState:
    """Carries a model's variables from step to step as arrays.

    Keras would assign them one by one after every step, which takes longer than a GPU's step.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.arrays: Any = None

    def _variables(self) -> tuple[list[keras.Variable], ...]:
        model = self.model
        learned = model.trainable_variables, model.non_trainable_variables
        return (*map(list, learned), list(model.optimizer.variables))

    def begin(self) -> None:
        # Copies: the compiled steps overwrite their input, which the variables must not lose.
        self.arrays = tree.map_structure(lambda each: ops.copy(each.value), self._variables())
        self.iterations = int(self.model.optimizer.iterations)

    def compiled(self, steps: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
        import jax

        function = jax.jit(steps, donate_argnums=0)

        def compute(split: Arrays, drawn: Arrays, first: int, last: int) -> Any:
            self.arrays, values = function(self.arrays, split, drawn, first, last)
            self.iterations += last - first
            self.model.optimizer.iterations.assign(self.iterations)  # gives the learning rate
            return values

        return compute

    def train_step(self, state: Any, batch: tuple[Any, ...]) -> tuple[Mapping[str, Any], Any]:
        metrics = [ops.zeros_like(each.value) for each in self.model.metrics_variables]
        logs, (*state, _) = self.model.train_step((*state, metrics), batch)
        return logs, tuple(map(list, state))

    def write_back(self) -> None:
        for variables, arrays in zip(self._variables(), self.arrays, strict=True):
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)


class _TensorFlowState:
    """Leaves a model's variables where they are: TensorFlow's steps change them on the device."""

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        self.model = model
        self.step = tf.function(model.train_step, jit_compile=model.jit_compile, autograph=False)

    def begin(self) -> None:
        pass

    def compiled(self, steps: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
        import tensorflow as tf

        function = tf.function(steps, autograph=False)

        def compute(split: Arrays, drawn: Arrays, first: int, last: int) -> Any:
            _, values = function((), split, drawn, tf.constant(first), tf.constant(last))
            return values

        return compute

    def train_step(self, state: Any, batch: tuple[Any, ...]) -> tuple[Mapping[str, Any], Any]:
        self.model.reset_metrics()
        return self.step(batch), state

    def write_back(self) -> None:
        pass


def _on_jax() -> bool:
    return keras.backend.backend() == "jax"
