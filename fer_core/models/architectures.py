"""Builds, saves and loads the Keras models of all architectures.

Every model takes pixels in [0, 255], scales them in its first layer and returns probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

from fer_core.errors import FerError
from fer_core.models.blueprint import open_blueprint
from fer_core.models.hdf5 import read_weights
from fer_core.models.layers import BatchNormalization, Conv2D, to_stock_layer
from fer_core.models.model_file import add_answers, open_weights
from fer_core.models.optimizers import make_optimizer
from fer_core.models.parity import encode_answers, probe_faces
from fer_core.models.rebuild import rebuild_model
from fer_core.models.sharpness import SharpnessAwareModel
from fer_core.models.vote_loss import LabelAndVotesLoss, label_accuracy
from fer_core.runs import VGG19_BLOCKS, TrainConfig, weights_file
from fer_core.storage import replacing

_BOTH_HEADS = "label_and_votes"  # the name of the layer that joins two outputs

# ImageNet's mean red, green and blue in [0, 255], subtracted before VGG19's pretrained weights.
_IMAGENET_MEANS = [-123.68, -116.779, -103.939]


def build_model(
    config: TrainConfig, classes: int, steps_per_epoch: int = 1, *, initial: Path | None = None
) -> keras.Model:
    """Returns a model compiled for the first epoch (see `begin_stage`).

    Input: float32 pixels (n, height, width, channels); output: probabilities (n, classes), or with
    `vote_head` (n, 2 * classes), those of the label and those of the votes (see `label_model`).
    Initial weights come from Keras's global random state; the caller seeds it.

    Args:
        initial: the file of the model to start from, which tells the layers of the family
            "imported"; others have layers of their own.

    Raises:
        FerError: the backbone's weights are not available, or do not fit; or a setting is not
            available on this Keras backend.
    """
    inputs, features = _imported_body(config, initial) if initial else _body(config)
    outputs = layers.Dense(classes, "softmax", dtype="float32", name="probabilities")(features)
    if config.vote_head:
        votes = layers.Dense(classes, "softmax", dtype="float32", name="votes")(features)
        outputs = layers.Concatenate(dtype="float32", name=_BOTH_HEADS)([outputs, votes])
    if config.sharpness:
        model = SharpnessAwareModel(
            inputs, outputs, name=config.architecture, radius=config.sharpness
        )
    else:
        model = keras.Model(inputs, outputs, name=config.architecture)
    begin_stage(model, config, 0, steps_per_epoch)
    return model


def _body(config: TrainConfig) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Returns the input, and the features that the last layer takes."""
    shape = (*config.image_size, config.channels)
    inputs = keras.Input(shape, dtype="float32", name="pixels")
    # float32 under any policy: half precision would round interpolated pixel values.
    scaled = layers.Rescaling(1 / 255, dtype="float32", name="scaling")(inputs)
    return inputs, _BODIES[config.architecture](scaled, config)


def _imported_body(
    config: TrainConfig, initial: Path
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Returns the same of an imported model, whose weights come along."""
    model = load_model(initial, config)
    return model.inputs[0], model.layers[-1].input


def label_model(model: keras.Model) -> keras.Model:
    """Returns the model that predicts the label, as it is validated and saved.

    It is the model itself unless that has a second head for the votes; then it shares its layers.
    """
    last = model.layers[-1]
    if last.name != _BOTH_HEADS:
        return model
    labels, _ = last.input
    return keras.Model(model.inputs, labels, name=model.name)


def begin_stage(
    model: keras.Model, config: TrainConfig, epoch: int, steps_per_epoch: int = 1
) -> None:
    """Freezes the layers that are not trained in `epoch`, and compiles with a fresh optimizer.

    With `head_epochs` there are two stages: first the head alone, then also the unfrozen blocks.
    """
    frozen = config.freezes_at(epoch)
    for layer in model.layers:
        block = layer.name.partition("_")[0].removeprefix("block")
        if block.isdecimal() and config.family == "vgg19":
            layer.trainable = not frozen and int(block) > VGG19_BLOCKS - config.unfrozen_blocks
    head_only = epoch < config.head_epochs
    optimizer = make_optimizer(config, steps_per_epoch, head_only=head_only)
    _compile(model, optimizer, config.vote_head)


def backbone_and_head(
    model: keras.Model, optimizer: keras.optimizers.Optimizer
) -> tuple[keras.Model, keras.Model]:
    """Splits a model into its frozen part, which computes features (n, …), and the compiled rest.

    Both share their layers with the model: training the head trains the model.

    Raises:
        FerError: no layer of the model is frozen.
    """
    first = model.layers.index(trained_layers(model)[0])
    features = model.layers[first].input
    if not any(layer.weights for layer in model.layers[:first]):
        raise FerError(f"Features are computed by a frozen backbone. {model.name} has none.")
    backbone = keras.Model(model.inputs, features)
    x = inputs = keras.Input(features.shape[1:], name="features")
    for layer in model.layers[first:]:
        x = layer(x)  # a head is a plain chain of layers
    head = keras.Model(inputs, x, name=model.name)
    _compile(head, optimizer)
    return backbone, head


def _compile(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, vote_weight: float = 0.0
) -> None:
    loss = LabelAndVotesLoss(vote_weight) if vote_weight else "categorical_crossentropy"
    accuracy = label_accuracy() if vote_weight else "accuracy"
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy])
    model.optimizer.build(model.trainable_variables)  # checkpoints need its variables
    # Variables of metrics, which Keras would make in the first step, and then trace a second time.
    outputs = np.zeros((1, *model.output_shape[1:]), "float32")
    model.compute_metrics(None, outputs, outputs)
    model.reset_metrics()


def load_model(
    path: Path, config: TrainConfig | None = None, classes: int | None = None
) -> keras.Model:
    """Loads a model that `save_model` wrote with Keras: it is not compiled.

    The file may come from anywhere: see `model_file` and `blueprint`. For predictions alone see
    `load_for_prediction`, which is quicker.

    Args:
        config: of the run; the model must take images of its size.
        classes: that the model must tell apart.

    Raises:
        DamagedFileError: the file is damaged, holds another model, or none.
    """
    with open_blueprint(path, config, classes) as (blueprint, arrays):
        return rebuild_model(blueprint, arrays)


def save_model(model: keras.Model, path: Path) -> None:
    """Saves a float32 copy of the model without its optimizer; replaces the file atomically.

    The file also gets answers that `load_for_prediction` compares with those of onnxruntime.
    """
    copy = to_stock_model(model)
    _, height, width, channels = copy.input_shape
    answers = copy([probe_faces((height, width, channels))], training=False)
    with replacing(path) as temporary:
        copy.save(temporary)
        add_answers(temporary, encode_answers(keras.ops.convert_to_numpy(answers)))


def resave_model(path: Path, config: TrainConfig, classes: int) -> None:
    """Saves a model, which another program put into a .keras file, as `save_model` does.

    Raises:
        DamagedFileError: as `load_model`.
    """
    save_model(load_model(path, config, classes), path)


def in_float32(model: keras.Model) -> keras.Model:
    """Returns the model, or a float32 copy if it computes in mixed precision."""
    if not any(layer.dtype_policy.name.startswith("mixed") for layer in model.layers):
        return model
    return to_stock_model(model)


def to_stock_model(model: keras.Model) -> keras.Model:
    """Returns a float32 copy made of stock Keras layers, without an optimizer."""
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
    """Copies all weights, also frozen ones, from a model of the same architecture.

    In the last layer only the columns of classes that both models have are copied, by name.

    Raises:
        FerError: the weights of a layer have another shape.
    """
    *body, (output, source_output) = zip(model.layers, source.layers, strict=True)
    for layer, source_layer in body:
        try:
            layer.set_weights(source_layer.get_weights())
        except ValueError as error:
            raise FerError(
                f"The initial weights must fit {model.name}: its layer {layer.name} has another "
                "shape. Choose a run with the same architecture and image size."
            ) from error
    kernel, bias = output.get_weights()
    source_kernel, source_bias = source_output.get_weights()
    for column, name in enumerate(class_names):
        if name in source_class_names:
            source_column = source_class_names.index(name)
            kernel[:, column] = source_kernel[:, source_column]
            bias[column] = source_bias[source_column]
    output.set_weights([kernel, bias])


def trained_layers(model: keras.Model) -> list[keras.Layer]:
    """Returns the layers that training changes; those of a frozen backbone are left out."""
    return [layer for layer in model.layers if layer.trainable and layer.variables]


def _cnn_classic(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    for _ in range(2):
        x = Conv2D(32, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    return _classic_top(x)


def _cnn_classic_wide(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    x = Conv2D(32, 3, activation="relu")(x)
    x = Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    return _classic_top(x)


def _classic_top(x: keras.KerasTensor) -> keras.KerasTensor:
    for _ in range(2):
        x = Conv2D(128, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(1024, activation="relu")(x)
    return layers.Dropout(0.5)(x)


def _vgg19_dropout(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    x = layers.Flatten()(_vgg19(x, config).output)
    x = layers.Dense(256, activation="relu")(x)
    return layers.Dropout(0.5)(x)


def _cnn_residual(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Adds six residual blocks after an early pooling layer."""
    x = layers.ReLU()(_conv_bn(x, 32))
    x = layers.MaxPooling2D()(x)
    return _residual_blocks(x, ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)))


def _cnn_residual_unpooled(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Adds eight residual blocks, the first two at full resolution."""
    return _residual_levels(x, 32)


def _cnn_residual_large(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Adds the blocks of ResNet-18, the first two at full resolution."""
    return _residual_levels(x, 64)


def _residual_levels(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Adds four levels of two residual blocks; each level halves the sides, doubles the width."""
    x = layers.ReLU()(_conv_bn(x, width))
    levels = [(width << level, 1 if level == 0 else 2) for level in range(4)]
    return _residual_blocks(x, [block for each in levels for block in (each, (each[0], 1))])


def _residual_blocks(x: keras.KerasTensor, blocks: Sequence[tuple[int, int]]) -> keras.KerasTensor:
    """Adds residual blocks (He et al., "Deep Residual Learning for Image Recognition", 2016).

    Args:
        blocks: width and stride of each.
    """
    for width, stride in blocks:
        residual = layers.ReLU()(_conv_bn(x, width, stride=stride))
        # With gamma at zero the block starts as the identity.
        residual = _conv_bn(residual, width, gamma_initializer="zeros")
        if x.shape[-1] != width:
            x = _conv_bn(x, width, kernel=1, stride=stride)
        x = layers.ReLU()(layers.Add()([x, residual]))
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dropout(0.25)(x)


def _cnn_vgg(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Adds four pairs of convolutions, each pair followed by pooling and dropout.

    After the VGG of Pramerdorfer and Kampel, "Facial Expression Recognition using Convolutional
    Neural Networks: State of the Art", 2016, with global average pooling for its dense layers.
    """
    for width in (40, 80, 160, 320):
        for _ in range(2):
            x = layers.ReLU()(_conv_bn(x, width))
        if width < 320:
            x = layers.Dropout(0.1)(layers.MaxPooling2D()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dropout(0.5)(x)


def _conv_bn(
    x: keras.KerasTensor,
    width: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    gamma_initializer: str = "ones",
) -> keras.KerasTensor:
    """Adds a convolution without bias and a batch normalization."""
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
    """Adds VGG19 with its own preprocessing, without the last pooling, and a small head.

    At 48×48 pixels the last pooling would keep one of nine positions; the average of all nine is
    used instead. ImageNet features differ widely in scale, hence the batch normalization.
    """
    colors = layers.Rescaling(255, _IMAGENET_MEANS, dtype="float32", name="imagenet_colors")(x)
    backbone = _vgg19(colors, config)
    if config.weights != "none":  # the weights expect BGR, our pixels are RGB
        first = backbone.get_layer("block1_conv1")
        kernel, bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], bias])
    x = layers.GlobalAveragePooling2D()(backbone.get_layer("block5_conv4").output)
    x = BatchNormalization()(x)
    return layers.Dropout(0.5)(x)


def _vgg19(x: keras.KerasTensor, config: TrainConfig) -> keras.Model:
    """Returns VGG19 without top (Simonyan and Zisserman, 2014), its layers applied to `x`."""
    file = weights_file(config)
    weights = "imagenet" if config.weights == "imagenet" else None
    try:
        backbone = keras.applications.VGG19(include_top=False, weights=weights, input_tensor=x)
    # Keras raises a bare Exception for a failed download.
    except Exception as error:
        if weights is None:
            raise
        raise FerError(
            "VGG19's ImageNet weights could not be downloaded. Put the file "
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 into ~/.keras/models, set `weights` "
            "to the path of such a file, or train with `weights` none."
        ) from error
    if file is not None:
        _load_vgg19_weights(backbone, file)
    return backbone


def _load_vgg19_weights(backbone: keras.Model, path: Path) -> None:
    """Copies the weights of an .h5 file; each convolution has a group of its name.

    Raises:
        FerError: the file is damaged, or lacks a convolution of VGG19.
    """
    convolutions = [layer for layer in backbone.layers if layer.weights]
    try:
        with open_weights(path) as arrays:
            for number, layer in enumerate(convolutions):
                found = _arrays_of(layer, number, arrays)
                layer.set_weights([read_weights(array) for array in found])
    except FerError as error:
        raise FerError(f"{path} must contain VGG19's weights without top. {error}") from error


def _arrays_of(
    layer: keras.Layer, number: int, arrays: Mapping[str, h5py.Dataset]
) -> list[h5py.Dataset]:
    """Returns kernel and bias of a convolution, the `number`th.

    Keras 2 puts them into a group of the layer's name, Keras 3 into one of its class and number.
    """
    numbered = f"conv2d_{number}" if number else "conv2d"
    own = [
        array
        for folder, array in ((path.split("/")[:-1], array) for path, array in arrays.items())
        if (layer.name in folder and folder[0] != "optimizer_weights")
        or folder == ["layers", numbered, "vars"]
    ]
    found = sorted(own, key=lambda array: -array.ndim)
    if [array.shape for array in found] != [tuple(weight.shape) for weight in layer.weights]:
        shapes = ", ".join(str(array.shape) for array in found[:4])
        raise FerError(f"It must have kernel and bias of {layer.name}. Received: {shapes or 'no'}")
    return found


_BODIES: dict[str, Callable[[keras.KerasTensor, TrainConfig], keras.KerasTensor]] = {
    "cnn_classic": _cnn_classic,
    "cnn_classic_wide": _cnn_classic_wide,
    "cnn_residual": _cnn_residual,
    "cnn_residual_large": _cnn_residual_large,
    "cnn_residual_unpooled": _cnn_residual_unpooled,
    "cnn_vgg": _cnn_vgg,
    "vgg19_dropout": _vgg19_dropout,
    "vgg19_finetuned": _vgg19_finetuned,
}
