"""Joins the models of several runs into one Keras graph of layers that every export knows.

From one input each member's layers lead to its calibrated probabilities, in the class order of the
ensemble; they are joined, and a last dense layer with fixed weights takes their mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
from keras import layers

from fer_core.errors import FerError
from fer_core.models import load_model
from fer_core.runs import Run

_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), as in `face_pixels`


@dataclass(frozen=True)
class Member:
    """Holds a run's model, and what must be known to join it to others."""

    run: Run
    model: keras.Model
    temperature: float | None  # of its calibration; None if it has none

    @classmethod
    def load(cls, run: Run) -> "Member":
        """Loads a member.

        Raises:
            FerError: its model is missing or damaged, or does not end in a softmax.
        """
        if run.model_file is None:
            raise FerError(f"A member of an ensemble needs a model. {run.id} has none.")
        model = load_model(run.model_file, run.config, len(run.class_names))
        last = model.layers[-1]
        if keras.activations.serialize(last.activation) != "softmax":
            raise FerError(
                "A member of an ensemble must end in a dense layer with softmax. "
                f"{run.id} ends in {last.name} with {keras.activations.serialize(last.activation)}."
            )
        calibration = run.calibration()
        return cls(run, model, calibration.temperature if calibration else None)

    @property
    def size(self) -> tuple[int, int]:
        """Returns (height, width) of its input."""
        _, height, width, _ = self.model.input_shape
        return height, width

    @property
    def channels(self) -> Literal[1, 3]:
        """Returns the channels of its input."""
        return 1 if self.model.input_shape[-1] == 1 else 3

    @property
    def takes_gray(self) -> bool:
        """Tells whether color must be removed from its images."""
        return self.channels == 1 or self.run.is_gray


def input_shape(members: Sequence[Member]) -> tuple[int, int, int]:
    """Returns height, width and channels that are enough for every member."""
    heights, widths = zip(*(member.size for member in members), strict=True)
    return max(heights), max(widths), max(member.channels for member in members)


def assemble(
    members: Sequence[Member],
    temperatures: Sequence[float],
    weights: np.ndarray,
    class_names: Sequence[str],
    *,
    gray: bool,
) -> keras.Model:
    """Returns the model of an ensemble: pixels in [0, 255] to probabilities of `class_names`.

    What its last layer takes are the members' calibrated probabilities, one after another.

    Args:
        gray: whether its images are always gray, also with three channels.
    """
    shape = input_shape(members)
    pixels = keras.Input(shape, dtype="float32", name="pixels")
    answers = []
    for number, (member, temperature) in enumerate(zip(members, temperatures, strict=True), 1):
        x = _fitted(pixels, member, f"m{number}", gray=gray)
        last = _last_weights(member, temperature, class_names)
        answers.append(_add_member(x, member, f"m{number}", last))
    joined = layers.Concatenate(name="members")(answers)
    mean = layers.Dense(len(class_names), use_bias=False, name="probabilities")
    outputs = mean(joined)
    mean.set_weights([mean_kernel(weights, len(class_names))])
    return keras.Model(pixels, outputs, name="ensemble")


def mean_kernel(weights: np.ndarray, classes: int) -> np.ndarray:
    """Returns the kernel of the weighted mean: float32 (members × classes, classes)."""
    return np.kron(weights[:, None], np.eye(classes)).astype(np.float32)


def _fitted(
    pixels: keras.KerasTensor, member: Member, prefix: str, *, gray: bool
) -> keras.KerasTensor:
    """Returns the ensemble's input as the member takes it: gray or not, and of its size."""
    x = pixels
    is_gray = gray or x.shape[-1] == 1
    if member.channels != x.shape[-1] or (member.takes_gray and not is_gray):
        luma = layers.Dense(member.channels, use_bias=False, name=f"{prefix}_gray")
        x = luma(x)
        luma.set_weights([np.tile(np.array(_LUMA, np.float32)[:, None], member.channels)])
    if member.size != tuple(x.shape[1:3]):
        x = layers.Resizing(*member.size, name=f"{prefix}_resized")(x)
    return x


def _last_weights(
    member: Member, temperature: float, class_names: Sequence[str]
) -> list[np.ndarray]:
    """Returns the weights of the member's last layer, calibrated, in the ensemble's order."""
    order = [member.run.class_names.index(name) for name in class_names]
    return [each[..., order] / temperature for each in member.model.layers[-1].get_weights()]


def _add_member(
    x: keras.KerasTensor, member: Member, prefix: str, last: list[np.ndarray]
) -> keras.KerasTensor:
    """Adds copies of the member's layers, and returns its probabilities."""
    model = member.model
    outputs = {id(model.inputs[0]): x}
    for number, layer in enumerate(model.layers[1:], start=1):
        name = f"{prefix}_{number}_{layer.name}"[:100]
        copy = type(layer).from_config(layer.get_config() | {"name": name})
        taken = [outputs[id(tensor)] for tensor in keras.tree.flatten(layer.input)]
        outputs[id(layer.output)] = copy(taken[0] if len(taken) == 1 else taken)
        copy.set_weights(last if layer is model.layers[-1] else layer.get_weights())
    return outputs[id(model.outputs[0])]
