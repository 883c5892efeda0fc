"""A Keras model that is trained by sharpness-aware minimization."""

from typing import Any

import keras

from fer_core.errors import FerError

_EPSILON = 1e-12  # against a division by a gradient of zero


class SharpnessAwareModel(keras.Model):  # type: ignore[misc]
    """Minimizes, in each training step of a functional model, the loss at the worst near weights.

    Implements Foret et al., "Sharpness-Aware Minimization for Efficiently Improving
    Generalization", 2021. Statistics of batch normalization are those of the weights themselves.
    """

    def __init__(self, *arguments: Any, radius: float, **settings: Any) -> None:
        """Takes the arguments of `keras.Model`, and the distance to the worst weights.

        Raises:
            FerError: Keras does not run on TensorFlow.
        """
        if keras.backend.backend() != "tensorflow":
            raise FerError(
                "`sharpness` requires Keras on TensorFlow. "
                f"Received: {radius:g} on {keras.backend.backend()}"
            )
        super().__init__(*arguments, **settings)
        self.radius = radius

    def train_step(self, data: Any) -> dict[str, Any]:
        """Updates the weights once; returns the metrics of the batch before the update."""
        import tensorflow as tf

        weights, statistics = self.trainable_weights, self.non_trainable_weights
        loss, predictions, gradients = self._gradients(data)
        before = [tf.identity(each.value) for each in (*weights, *statistics)]
        scale = self.radius / (tf.linalg.global_norm(gradients) + _EPSILON)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign_add(gradient * scale)
        _, _, gradients = self._gradients(data)
        for each, value in zip((*weights, *statistics), before, strict=True):
            each.assign(value)  # subtracting again would round
        self.optimizer.apply(gradients, weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
        images, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logs: dict[str, Any] = self.compute_metrics(images, targets, predictions, sample_weight)
        return logs

    def _gradients(self, data: Any) -> tuple[Any, Any, list[Any]]:
        """Returns the loss, the predictions, and the gradient for each trainable weight."""
        import tensorflow as tf

        images, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predictions = self(images, training=True)
            loss = self.compute_loss(images, targets, predictions, sample_weight, training=True)
        return loss, predictions, tape.gradient(loss, self.trainable_weights)
