"""What is TensorFlow's own: determinism, and how its errors are told apart."""

import keras

from fer_core.config import TrainConfig


def prepare(config: TrainConfig) -> None:
    """Sets the process up for a run; to be called before its model is built.

    With `config.deterministic` a run that was resumed ends with the very weights, bit for bit, of
    one that was not interrupted, on one machine and with one set of versions.
    """
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
