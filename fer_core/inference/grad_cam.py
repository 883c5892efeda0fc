"""Computes Grad-CAM heatmaps: which parts of an image speak for a class."""

import keras
import numpy as np

from fer_core.errors import FerError
from fer_core.vision import resize

# Deeper layers with fewer positions a side are skipped: too coarse for a face.
_MIN_SIDE = 6


def compute_grad_cam(model: keras.Model, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Returns how much each part of an image speaks for a class.

    Implements Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", 2017, on the deepest layer with at least six positions a side.

    Args:
        pixels: uint8 (n, height, width, channels), as the model takes them.
        classes: int (n,), a class for each image.

    Returns:
        float32 (n, height, width) in [0, 1]; the maximum of each image is 1, or 0 if nothing
        speaks for the class. Of an ensemble: the weighted mean over its members.

    Raises:
        FerError: no layer of the model is a feature map of that size.
    """
    if not len(pixels):
        return np.zeros(pixels.shape[:3], "float32")
    members = [
        weight * _map_of_member(member, pixels, classes) for member, weight in _members(model)
    ]
    return _scaled(np.maximum(np.sum(members, axis=0), 0))


def _members(model: keras.Model) -> list[tuple[keras.Model, float]]:
    """Returns the members of an ensemble with their weights; any other model is its own."""
    last, before = model.layers[-1], model.layers[-2]
    is_mean = isinstance(before, keras.layers.Concatenate) and last.activation.__name__ == "linear"
    if not is_mean:
        return [(model, 1.0)]
    weights = last.get_weights()[0][:: last.units, 0]  # one class of each member
    answers = zip(before.input, weights, strict=True)
    return [(keras.Model(model.inputs, answer), float(weight)) for answer, weight in answers]


def _map_of_member(model: keras.Model, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    layer = _deepest_feature_map(model)
    grad_model = keras.Model(model.inputs, [layer.output, _logits(model)])
    features, gradients = _features_and_gradients(grad_model, pixels.astype("float32"), classes)
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    maps = np.maximum((features * weights).sum(axis=-1), 0)
    height, width = pixels.shape[1:3]
    large = np.stack([resize(each, height, width) for each in maps.astype("float32")])
    return _scaled(np.maximum(large, 0))  # cubic interpolation undershoots


def _scaled(large: np.ndarray) -> np.ndarray:
    """Divides each image by its maximum."""
    strongest = large.max(axis=(1, 2), keepdims=True)
    return np.divide(large, strongest, out=np.zeros_like(large), where=strongest > 0)


def _deepest_feature_map(model: keras.Model) -> keras.Layer:
    for layer in reversed(model.layers):
        shape = layer.output.shape
        is_pixels = isinstance(layer, (keras.layers.InputLayer, keras.layers.Rescaling))
        if len(shape) == 4 and min(shape[1:3]) >= _MIN_SIDE and not is_pixels:
            return layer
    raise FerError(
        f"Grad-CAM needs a convolutional layer of at least {_MIN_SIDE}×{_MIN_SIDE} positions. "
        f"{model.name} has none."
    )


def _logits(model: keras.Model) -> keras.KerasTensor:
    """Returns the input of the softmax, whose own gradient vanishes for confident predictions."""
    last = model.layers[-1]
    logits = keras.layers.Dense(last.units, name="logits", dtype="float32")
    before = last.input
    outputs = logits(before)
    logits.set_weights(last.get_weights())
    return outputs


def _features_and_gradients(
    grad_model: keras.Model, pixels: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf

    inputs = tf.convert_to_tensor(pixels)
    with tf.GradientTape() as tape:
        tape.watch(inputs)  # otherwise operations of frozen layers are not recorded
        features, logits = grad_model(inputs, training=False)
        chosen = tf.gather(logits, classes, axis=1, batch_dims=1)
    gradients = tape.gradient(chosen, features)
    return features.numpy(), gradients.numpy()
