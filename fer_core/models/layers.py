"""Keras's layers, made to train faster on a processor; what is saved holds Keras's own.

`python -m tests.benchmarks.training_step` shows what each of them gives.
"""

import keras
from keras import layers, ops


class Conv2D(layers.Conv2D):  # type: ignore[misc]
    """A convolution whose bias learns by a sum of its own.

    TensorFlow melts the gradients of kernel and bias into one step of oneDNN, which in float32
    takes half as long again as the two apart (32 to 64 channels at 46×46, two cores of Zen 5).
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """As `keras.layers.Conv2D`."""
        if not self.use_bias or self.compute_dtype != "float32" or not _on_tensorflow():
            return super().call(inputs)
        return self.activation(_add_bias(self.convolution_op(inputs, self.kernel), self.bias))


class Dropout(layers.Dropout):  # type: ignore[misc]
    """Dropout that draws a byte for every number where Keras draws four, with the same chances.

    The classic networks gain 6 to 8 % by it in half precision, and hardly anything in float32.
    Chances that are not a number of 256ths are left to Keras.
    """

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """As `keras.layers.Dropout`."""
        share = round(self.rate * 256)
        if not training or share != self.rate * 256 or not _on_tensorflow():
            return super().call(inputs, training=training)
        drawn = _bytes(ops.shape(inputs), self.seed_generator.next())
        return ops.where(drawn >= share, inputs / (1 - self.rate), 0)


class BatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation in one step of oneDNN where Keras computes mean, variance and the rest.

    A residual network trains twice as fast by it in half precision, and a quarter faster in
    float32. The moving variance is that of a sample, n / (n - 1) times Keras's.
    """

    def call(
        self,
        inputs: keras.KerasTensor,
        training: bool = False,
        mask: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """As `keras.layers.BatchNormalization`."""
        learns = training and self.trainable
        if not learns or len(inputs.shape) != 4 or not _on_tensorflow():
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = _normalized(inputs, self.gamma, self.beta, self.epsilon)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return outputs


def to_stock_layer(layer: keras.Layer) -> keras.Layer:
    """A fresh layer of Keras's own kind with the same settings, which computes in float32."""
    config = layer.get_config()
    if layer.dtype_policy.name.startswith("mixed"):
        config["dtype"] = "float32"
    ours = isinstance(layer, (Conv2D, Dropout, BatchNormalization))
    kind = getattr(layers, type(layer).__name__) if ours else type(layer)
    return kind.from_config(config)


def _on_tensorflow() -> bool:
    return keras.backend.backend() == "tensorflow"


def _add_bias(inputs: keras.KerasTensor, bias: keras.Variable) -> keras.KerasTensor:
    """inputs + bias along the last axis; the bias's gradient is a sum of its own."""
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def add(x: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, object]:
        def gradient(above: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return above, tf.reduce_sum(above, list(range(len(above.shape) - 1)))

        return tf.nn.bias_add(x, b), gradient

    return add(inputs, tf.identity(bias.value))  # read here: the gradient may know no variable


def _normalized(
    inputs: keras.KerasTensor, gamma: keras.Variable, beta: keras.Variable, epsilon: float
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """The normalised batch, and its mean and variance by channel in float32."""
    import tensorflow as tf

    nothing = tf.zeros([0])  # the op's own moving values are not used
    scale, offset = (ops.cast(variable, "float32") for variable in (gamma, beta))
    result = tf.raw_ops.FusedBatchNormV3(
        x=inputs, scale=scale, offset=offset, mean=nothing, variance=nothing, epsilon=epsilon
    )
    return result.y, result.batch_mean, result.batch_variance


def _bytes(shape: tuple[int, ...], seed: keras.KerasTensor) -> keras.KerasTensor:
    """Random uint8 of a shape, four of every number drawn."""
    import tensorflow as tf

    count = tf.reduce_prod(shape)
    drawn = tf.random.stateless_uniform(
        [(count + 3) // 4], tf.cast(seed, tf.int64), None, None, tf.uint32
    )
    return tf.reshape(tf.reshape(tf.bitcast(drawn, tf.uint8), [-1])[:count], shape)
