"""Rebuilds a saved model with Keras from its blueprint, without deserializing it.

A weight is created only if the file holds an array of exactly its shape, so a model takes no more
memory than its file.
"""

from collections.abc import Callable, Mapping

import h5py
import keras
import numpy as np
from keras import layers

from fer_core.models.blueprint import Blueprint, Layer, Limits


def rebuild_model(blueprint: Blueprint, arrays: Mapping[str, h5py.Dataset]) -> keras.Model:
    """Returns the model with the weights of the file, in float32, not compiled.

    Raises:
        FerError: a weight is missing, has another shape, or is not finite; or the model would take
            much memory or time for an image.
        Exception: the layers do not fit together; Keras raises errors of many types.
    """
    first, last = blueprint.layers[0], blueprint.layers[-1]
    outputs = {first.name: keras.Input(blueprint.input_shape, dtype="float32", name=first.name)}
    limits = Limits(blueprint.input_shape)
    for layer in blueprint.layers[1:]:
        made = getattr(layers, layer.class_name)(**layer.settings, name=layer.name, dtype="float32")
        inputs = [outputs[name] for name in layer.inputs]
        with _Saved(layer, made, layer.saved_weights(arrays)):
            output = made(inputs[0] if len(inputs) == 1 else inputs)
        limits.add(layer.name, output.shape[1:], [each.shape for each in made.weights])
        outputs[layer.name] = output
    return keras.Model(outputs[first.name], outputs[last.name], name=blueprint.name)


class _Saved:
    """Makes a layer begin with saved weights: an initializer is asked before it is created."""

    def __init__(
        self, layer: Layer, made: keras.Layer, weights: Mapping[str, h5py.Dataset]
    ) -> None:
        self._layer, self._made, self._weights = layer, made, weights

    def __enter__(self) -> None:
        self._usual = {name: getattr(self._made, f"{name}_initializer") for name in self._weights}
        for name, array in self._weights.items():
            setattr(self._made, f"{name}_initializer", self._initializer(name, array))

    def __exit__(self, *error: object) -> None:
        for name, initializer in self._usual.items():
            setattr(self._made, f"{name}_initializer", initializer)

    def _initializer(self, name: str, array: h5py.Dataset) -> Callable[..., np.ndarray]:
        def initialize(shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
            return self._layer.read(name, array, shape)

        return initialize
