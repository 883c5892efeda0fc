"""Where the network looked."""

import keras
import numpy as np

from fer_core.errors import FerError
from fer_core.vision import resize

# A map of fewer places than this a side says nothing of a face: a deeper layer is passed over.
_LEAST_PLACES = 6


def compute_grad_cam(model: keras.Model, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each place of an image speaks for a class, by Grad-CAM.

    Selvaraju and others, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", 2017, on the deepest layer that still tells six places a side apart.

    Args:
        pixels: uint8 (n, height, width, channels), as the model takes them.
        classes: int (n,), the class asked about for each image.

    Returns:
        float32 (n, height, width) in [0, 1]; the strongest place of each image is 1, and all are 0
        where nothing speaks for the class.

    Raises:
        FerError: no layer of the model has places.
    """
    if not len(pixels):
        return np.zeros(pixels.shape[:3], "float32")
    layer = _deepest_map(model)
    watched = keras.Model(model.inputs, [layer.output, _logits(model)])
    features, gradients = _features_and_gradients(watched, pixels.astype("float32"), classes)
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    maps = np.maximum((features * weights).sum(axis=-1), 0)
    height, width = pixels.shape[1:3]
    large = np.stack([resize(each, height, width) for each in maps.astype("float32")])
    large = np.maximum(large, 0)  # a cubic curve swings below
    strongest = large.max(axis=(1, 2), keepdims=True)
    return np.divide(large, strongest, out=np.zeros_like(large), where=strongest > 0)


def _deepest_map(model: keras.Model) -> keras.Layer:
    for layer in reversed(model.layers):
        shape = layer.output.shape
        is_pixels = isinstance(layer, (keras.layers.InputLayer, keras.layers.Rescaling))
        if len(shape) == 4 and min(shape[1:3]) >= _LEAST_PLACES and not is_pixels:
            return layer
    raise FerError(
        f"Grad-CAM needs a layer of at least {_LEAST_PLACES}×{_LEAST_PLACES} places. "
        f"{model.name} has none."
    )


def _logits(model: keras.Model) -> keras.KerasTensor:
    """What the softmax gets: of a sure answer its probability has no gradient left."""
    last = model.layers[-1]
    logits = keras.layers.Dense(last.units, name="logits", dtype="float32")
    before = last.input
    outputs = logits(before)
    logits.set_weights(last.get_weights())
    return outputs


def _features_and_gradients(
    watched: keras.Model, pixels: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf

    inputs = tf.convert_to_tensor(pixels)
    with tf.GradientTape() as tape:
        tape.watch(inputs)  # or the steps of frozen layers would not be recorded
        features, logits = watched(inputs, training=False)
        chosen = tf.gather(logits, classes, axis=1, batch_dims=1)
    gradients = tape.gradient(chosen, features)
    return features.numpy(), gradients.numpy()
