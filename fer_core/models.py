"""A compiled Keras model for every architecture.

Every model takes pixels in [0, 255], scales them in its first layer, and gives probabilities.
"""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from keras import layers

from fer_core.config import TrainConfig, weights_file
from fer_core.files import replacing
from fer_core.layers import Conv2D, Dropout, as_keras_has_it


class Images(Protocol):
    """Many images, or what stands for them, of which a slice is an array."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


def build_model(config: TrainConfig, classes: int) -> keras.Model:
    """A compiled model: float32 pixels (n, height, width, channels) in, (n, classes) out.

    Initial weights come from Keras's global random state; the caller seeds it.

    Raises:
        ValueError: the backbone's weights cannot be had, or do not fit.
    """
    shape = (*config.image_size, config.channels)
    inputs = keras.Input(shape, dtype="float32", name="pixels")
    # In float32 whatever the policy: half precision would round pixels that lie between two values.
    scaled = layers.Rescaling(1 / 255, dtype="float32", name="scaling")(inputs)
    features = _BODIES[config.architecture](scaled, config)
    outputs = layers.Dense(classes, "softmax", dtype="float32", name="probabilities")(features)
    return _compiled(keras.Model(inputs, outputs, name=config.architecture), config)


def backbone_and_head(model: keras.Model, config: TrainConfig) -> tuple[keras.Model, keras.Model]:
    """The frozen part of a model, which gives features (n, width), and the compiled rest.

    They share their layers with the model: what the head learns, the model knows.

    Raises:
        ValueError: nothing of the model is frozen.
    """
    first = model.layers.index(trained_layers(model)[0])
    features = model.layers[first].input
    if not any(layer.weights for layer in model.layers[:first]):
        raise ValueError(f"Features can be kept of a frozen backbone. {model.name} has none.")
    backbone = keras.Model(model.inputs, features)
    x = inputs = keras.Input(features.shape[1:], name="features")
    for layer in model.layers[first:]:
        x = layer(x)  # a head is a plain chain of layers
    return backbone, _compiled(keras.Model(inputs, x, name=model.name), config)


def _compiled(model: keras.Model, config: TrainConfig) -> keras.Model:
    model.compile(
        optimizer=keras.optimizers.Adam(_learning_rate(config)),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)  # so that a checkpoint finds its variables
    return model


def load_model(path: Path) -> keras.Model:
    """A model that `save_model` wrote; it predicts, and is not compiled for training.

    Raises:
        ValueError: the file is damaged or no Keras model.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        # Keras's own sentence for a damaged file is "File not found".
        raise ValueError(f"{path.name} must be a whole Keras model; it is damaged.") from error


def save_model(model: keras.Model, path: Path) -> None:
    """Writes the model without its optimizer, whole or not at all; it computes in float32."""
    with replacing(path) as temporary:
        _as_keras_has_it(model).save(temporary)


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself, or, where it computes in mixed precision, a copy that does not."""
    if not any(layer.dtype_policy.name.startswith("mixed") for layer in model.layers):
        return model
    return _as_keras_has_it(model)


def _as_keras_has_it(model: keras.Model) -> keras.Model:
    """A copy that anyone can load: in float32, without an optimizer, of Keras's own layers."""
    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    copy = keras.models.clone_model(bare, clone_function=as_keras_has_it)
    copy.set_weights(model.get_weights())
    return copy


def begin_with(
    model: keras.Model,
    source: keras.Model,
    class_names: Sequence[str],
    source_class_names: Sequence[str],
) -> None:
    """Gives a model the weights of another one of the same architecture, the frozen ones too.

    Of the last layer it takes the columns of the classes that both know, by their names.

    Raises:
        ValueError: a layer has other weights.
    """
    *body, head = zip(model.layers, source.layers, strict=True)
    for layer, other in body:
        layer.set_weights(other.get_weights())
    kernel, bias = head[0].get_weights()
    other_kernel, other_bias = head[1].get_weights()
    for number, name in enumerate(class_names):
        if name in source_class_names:
            place = source_class_names.index(name)
            kernel[:, number], bias[number] = other_kernel[:, place], other_bias[place]
    head[0].set_weights([kernel, bias])


def trained_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers that training changes: a frozen backbone is not among them."""
    return [layer for layer in model.layers if layer.trainable and layer.variables]


def _learning_rate(config: TrainConfig) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if not config.learning_rate_decay:
        return config.learning_rate
    # Keras 3 accepts Adam(decay=…) and ignores it; this is what `decay` used to do.
    return keras.optimizers.schedules.InverseTimeDecay(
        config.learning_rate, decay_steps=1, decay_rate=config.learning_rate_decay
    )


def _cnn_classic(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    for _ in range(2):
        x = Conv2D(32, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = Dropout(0.25)(x)
    return _classic_top(x)


def _cnn_classic_wide(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    x = Conv2D(32, 3, activation="relu")(x)
    x = Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = Dropout(0.25)(x)
    return _classic_top(x)


def _classic_top(x: keras.KerasTensor) -> keras.KerasTensor:
    for _ in range(2):
        x = Conv2D(128, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(1024, activation="relu")(x)
    return Dropout(0.5)(x)


def _vgg19_dropout(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    backbone = _vgg19(x, config)
    for layer in backbone.layers:
        layer.trainable = False
    x = layers.Flatten()(backbone.output)
    x = layers.Dense(256, activation="relu")(x)
    return Dropout(0.5)(x)


def _vgg19(x: keras.KerasTensor, config: TrainConfig) -> keras.Model:
    """VGG19 without top (Simonyan and Zisserman 2014), its layers laid flat on `x`."""
    weights = "imagenet" if config.weights == "imagenet" else weights_file(config)
    try:
        return keras.applications.VGG19(
            include_top=False, weights=None if weights is None else str(weights), input_tensor=x
        )
    except Exception as error:
        # Keras raises a bare Exception for a failed download, and several kinds for a bad file.
        raise ValueError(_weights_sentence(config, error)) from error


def _weights_sentence(config: TrainConfig, error: Exception) -> str:
    if config.weights != "imagenet":
        return f"{config.weights} must hold VGG19's weights without top. Received: {error}"
    return (
        "VGG19's ImageNet weights could not be downloaded. Put the file "
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 into ~/.keras/models, or give the "
        "path of such a file as `weights`, or train with `weights` none."
    )


_BODIES: dict[str, Callable[[keras.KerasTensor, TrainConfig], keras.KerasTensor]] = {
    "cnn_classic": _cnn_classic,
    "cnn_classic_wide": _cnn_classic_wide,
    "vgg19_dropout": _vgg19_dropout,
}


def images_at_once(image_size: tuple[int, int]) -> int:
    """How many images of (height, width) go through a network together when it does not learn.

    256 of 48×48 pixels, which takes about 100 MB, and fewer of larger ones.
    """
    height, width = image_size
    return max(1, min(256, 256 * 48 * 48 // (height * width)))


def predict(model: keras.Model, pixels: Images, batch_size: int | None = None) -> np.ndarray:
    """Probabilities, float32 (n, classes), for uint8 pixels (n, height, width, channels).

    Batch by batch, so that `pixels` may be a memory map larger than memory.
    """
    # Features, which have no height and width, are small.
    of_images = len(model.input_shape) == 4
    size = batch_size or (images_at_once(model.input_shape[1:3]) if of_images else 256)
    done = [np.zeros((0, model.output_shape[-1]), "float32")]
    for start in range(0, len(pixels), size):
        # predict_on_batch costs 1 ms where predict costs 34
        done.append(model.predict_on_batch(pixels[start : start + size].astype("float32")))
    return np.concatenate(done)
