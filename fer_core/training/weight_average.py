"""Holds the moving average of a model's weights, as it is validated and saved."""

from collections.abc import Iterable

import keras
import numpy as np

from fer_core.models import label_model, to_stock_model


class AveragedModel:
    """Holds a float32 copy of a model in training, with the averages that its optimizer keeps.

    The averaged weights never normalized a batch, so the statistics of batch normalization are
    computed for them (Izmailov et al., "Averaging Weights Leads to Wider Optima and Better
    Generalization", 2018).
    """

    def __init__(self, trained: keras.Model) -> None:
        self.trained, self._labels = trained, label_model(trained)
        self.model = to_stock_model(self._labels)

    def update(self) -> None:
        """Copies the averages; the model in training keeps its own weights."""
        variables = self.trained.trainable_variables
        latest = [np.array(variable) for variable in variables]
        self.trained.optimizer.finalize_variable_values(variables)
        self.model.set_weights(self._labels.get_weights())
        for variable, value in zip(variables, latest, strict=True):
            variable.assign(value)

    def recompute_statistics(self, batches: Iterable[np.ndarray]) -> None:
        """Sets the moving means and variances to their means over batches of images."""
        layers = [
            layer
            for layer in self.model.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        if not layers:
            return
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.momentum = 0.0  # the moving statistics become those of the last batch
        statistics = [self._statistics_of(images, layers) for images in batches]
        for variable, values in zip(_moving(layers), zip(*statistics, strict=True), strict=True):
            variable.assign(np.mean(values, axis=0))
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum

    def _statistics_of(self, images: np.ndarray, layers: list[keras.Layer]) -> list[np.ndarray]:
        self.model([images], training=True)
        return [np.array(variable) for variable in _moving(layers)]


def _moving(layers: Iterable[keras.Layer]) -> list[keras.Variable]:
    return [each for layer in layers for each in (layer.moving_mean, layer.moving_variance)]
