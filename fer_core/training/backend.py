"""How a process is set up that trains: its random numbers, its precision, its threads.

TensorFlow's own threads and ways stay as they are, for nothing that was tried is clearly faster.
Images per second with the wide classic CNN in float32 on two cores, against the step as it is: XLA
1.02, 20 steps per execution 0.68, one thread per operation 0.81, one operation at a time 0.95;
batches of 256 instead of 64 1.06, too little to leave the classic batch for (medians of three
rounds, `python -m tests.benchmarks.training_step`). A processor convolves channels last only.
"""

import cv2
import keras

from fer_core.runs import TrainConfig


def configure_backend(config: TrainConfig) -> None:
    """Sets the process up for a run; to be called before its model is built.

    With `config.deterministic` a run that was resumed ends with the very weights, bit for bit, of
    one that was not interrupted, on one machine and with one set of versions.
    """
    # Faces are small: a second thread for each costs more than it gives, and the network's time.
    cv2.setNumThreads(1)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
