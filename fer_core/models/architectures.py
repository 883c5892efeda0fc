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

from fer_core.errors import FerError
from fer_core.models.layers import BatchNormalization, Conv2D, Dropout, to_stock_layer
from fer_core.models.optimizers import make_optimizer
from fer_core.runs import VGG19_BLOCKS, TrainConfig, weights_file
from fer_core.storage import replacing

# Of ImageNet's red, green and blue in [0, 255], which VGG19's weights expect to be taken away.
_IMAGENET_MEANS = [-123.68, -116.779, -103.939]


class Images(Protocol):
    """Many images, or what stands for them, of which a slice is an array."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> np.ndarray: ...


def build_model(config: TrainConfig, classes: int, steps_per_epoch: int = 1) -> keras.Model:
    """A compiled model: float32 pixels (n, height, width, channels) in, (n, classes) out.

    Initial weights come from Keras's global random state; the caller seeds it. It is made for the
    first epoch: see `begin_stage`.

    Raises:
        FerError: the backbone's weights cannot be had, or do not fit.
    """
    shape = (*config.image_size, config.channels)
    inputs = keras.Input(shape, dtype="float32", name="pixels")
    # In float32 whatever the policy: half precision would round pixels that lie between two values.
    scaled = layers.Rescaling(1 / 255, dtype="float32", name="scaling")(inputs)
    features = _BODIES[config.architecture](scaled, config)
    outputs = layers.Dense(classes, "softmax", dtype="float32", name="probabilities")(features)
    model = keras.Model(inputs, outputs, name=config.architecture)
    begin_stage(model, config, 0, steps_per_epoch)
    return model


def begin_stage(
    model: keras.Model, config: TrainConfig, epoch: int, steps_per_epoch: int = 1
) -> None:
    """Freezes what does not learn in that epoch, and gives the model a fresh optimizer.

    There are two stages where the settings name `head_epochs`: the head's and the network's.
    """
    frozen = config.freezes_at(epoch)
    for layer in model.layers:
        block = layer.name.partition("_")[0].removeprefix("block")
        if block.isdecimal() and config.family == "vgg19":
            layer.trainable = not frozen and int(block) > VGG19_BLOCKS - config.unfrozen_blocks
    of_head = epoch < config.head_epochs
    _compile(model, make_optimizer(config, steps_per_epoch, of_head=of_head))


def backbone_and_head(
    model: keras.Model, optimizer: keras.optimizers.Optimizer
) -> tuple[keras.Model, keras.Model]:
    """The frozen part of a model, which gives features (n, …), and the compiled rest.

    They share their layers with the model: what the head learns, the model knows.

    Raises:
        FerError: nothing of the model is frozen.
    """
    first = model.layers.index(trained_layers(model)[0])
    features = model.layers[first].input
    if not any(layer.weights for layer in model.layers[:first]):
        raise FerError(f"Features can be kept of a frozen backbone. {model.name} has none.")
    backbone = keras.Model(model.inputs, features)
    x = inputs = keras.Input(features.shape[1:], name="features")
    for layer in model.layers[first:]:
        x = layer(x)  # a head is a plain chain of layers
    head = keras.Model(inputs, x, name=model.name)
    _compile(head, optimizer)
    return backbone, head


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)  # so that a checkpoint finds its variables


def load_model(path: Path) -> keras.Model:
    """A model that `save_model` wrote; it predicts, and is not compiled for training.

    Raises:
        FerError: the file is damaged or no Keras model.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        # Keras's own sentence for a damaged file is "File not found".
        raise FerError(f"{path.name} must be a whole Keras model; it is damaged.") from error


def save_model(model: keras.Model, path: Path) -> None:
    """Writes the model without its optimizer, whole or not at all; it computes in float32."""
    with replacing(path) as temporary:
        to_stock_model(model).save(temporary)


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself, or, where it computes in mixed precision, a copy that does not."""
    if not any(layer.dtype_policy.name.startswith("mixed") for layer in model.layers):
        return model
    return to_stock_model(model)


def to_stock_model(model: keras.Model) -> keras.Model:
    """A copy that anyone can load: in float32, without an optimizer, of Keras's own layers."""
    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    copy = keras.models.clone_model(bare, clone_function=to_stock_layer)
    copy.set_weights(model.get_weights())
    return copy


def copy_initial_weights(
    model: keras.Model,
    source: keras.Model,
    class_names: Sequence[str],
    source_class_names: Sequence[str],
) -> None:
    """Gives a model the weights of another one of the same architecture, the frozen ones too.

    Of the last layer it takes the columns of the classes that both know, by their names.

    Raises:
        FerError: a layer has other weights.
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
    x = layers.Flatten()(_vgg19(x, config).output)
    x = layers.Dense(256, activation="relu")(x)
    return Dropout(0.5)(x)


def _cnn_residual(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Residual blocks (He and others, "Deep Residual Learning for Image Recognition", 2016)."""
    x = layers.ReLU()(_convolved(x, 32))
    x = layers.MaxPooling2D()(x)
    for width, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        changed = layers.ReLU()(_convolved(x, width, stride=stride))
        # Its last factor begins at zero, and so the block by giving what it gets.
        changed = _convolved(changed, width, gamma_initializer="zeros")
        if x.shape[-1] != width:
            x = _convolved(x, width, kernel=1, stride=stride)
        x = layers.ReLU()(layers.Add()([x, changed]))
    x = layers.GlobalAveragePooling2D()(x)
    return Dropout(0.25)(x)


def _convolved(
    x: keras.KerasTensor,
    width: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    gamma_initializer: str = "ones",
) -> keras.KerasTensor:
    """A convolution without bias, and its normalisation, which has one."""
    x = Conv2D(
        width,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    return BatchNormalization(gamma_initializer=gamma_initializer)(x)


def _vgg19_finetuned(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """VGG19 on the pixels it was trained on, without its last pooling, and a small head.

    At 48×48 that pooling would keep one of nine places; they are averaged instead. Features of
    ImageNet come in all sizes, and so they are normalised.
    """
    colors = layers.Rescaling(255, _IMAGENET_MEANS, dtype="float32", name="imagenet_colors")(x)
    backbone = _vgg19(colors, config)
    if config.weights != "none":  # they are of blue, green, red; pixels are the other way round
        first = backbone.get_layer("block1_conv1")
        kernel, bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], bias])
    x = layers.GlobalAveragePooling2D()(backbone.get_layer("block5_conv4").output)
    x = BatchNormalization()(x)
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
        raise FerError(_weights_sentence(config, error)) from error


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
    "cnn_residual": _cnn_residual,
    "vgg19_dropout": _vgg19_dropout,
    "vgg19_finetuned": _vgg19_finetuned,
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
