"""Translates a layer of Keras 1.2 to 3 into those that a saved model may have."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.model_io.importing.keras_config import KerasLayer, KerasModel
from fer_core.model_io.importing.network import Array

Settings = dict[str, Any]
Step = tuple[str, Settings]  # class and settings of a layer of the table

_CLASSES = {
    "AtrousConvolution2D": "Conv2D",
    "AvgPool2D": "AveragePooling2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution2D": "Conv2D",
    "DropoutV2": "Dropout",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "MaxPool2D": "MaxPooling2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "SyncBatchNormalization": "BatchNormalization",
}
_SETTINGS = {  # of Keras 1
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "sigma": "stddev",
    "subsample": "strides",
}
_FORMATS = {"tf": "channels_last", "th": "channels_first"}
_PAIRS = ("kernel_size", "strides", "pool_size", "dilation_rate")
_ACTIVATIONS = {
    "hard_swish": "hard_silu",
    "swish": "silu",
    None: "linear",
}
# They change training images at random, and are the identity afterwards.
_AUGMENTATION = re.compile(
    "ActivityRegularization|Random("
    "Brightness|Color.*|Contrast|ElasticTransform|Erasing|Flip|GaussianBlur|Grayscale|Height|Hue|"
    "Invert|Perspective|Posterization|Rotation|Saturation|Sharpness|Shear|Translation|Width|Zoom)"
)
_MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum"}


@dataclass(frozen=True)
class Dialect:
    """Tells how the version of Keras and the backend that wrote a file meant it."""

    is_keras_1: bool
    is_keras_3: bool
    channels_first: bool
    flips_kernels: bool  # Theano convolves, where others correlate


def dialect_of(model: KerasModel) -> Dialect:
    """Finds out how a description is meant.

    Raises:
        FerError: some of its layers have channels first, others last.
    """
    configs = [layer.config for layer in model.layers]
    formats = {
        _FORMATS.get(found, found)
        for config in configs
        if (found := config.get("data_format") or config.get("dim_ordering"))
    } & {"channels_first", "channels_last"}
    # Flatten keeps the default of the machine, whatever the others have.
    spatial = {
        _FORMATS.get(found, found)
        for layer in model.layers
        if layer.class_name not in ("Flatten", "Dropout")
        and (found := layer.config.get("data_format") or layer.config.get("dim_ordering"))
    } & {"channels_first", "channels_last"}
    if len(spatial) > 1:
        raise FerError("Its layers must all have the channels last, or all have them first.")
    return Dialect(
        is_keras_1=model.version.startswith("1.")
        or any("nb_filter" in config or "border_mode" in config for config in configs),
        is_keras_3=model.version.startswith("3")
        or any(isinstance(config.get("dtype"), dict) for config in configs),
        channels_first=(spatial or formats) == {"channels_first"},
        flips_kernels=model.backend == "theano",
    )


def is_augmentation(layer: KerasLayer) -> bool:
    """Tells whether a layer changes images at random in training, and nothing else."""
    return _AUGMENTATION.fullmatch(layer.class_name) is not None


def steps_of(layer: KerasLayer, dialect: Dialect) -> list[Step]:
    """Returns what a layer computes as layers of the table; none if it gives what it takes.

    At most one of them has weights.

    Raises:
        FerError: it has no equivalent there.
    """
    if is_augmentation(layer):
        return []
    if layer.class_name == "Lambda":
        raise FerError(
            f"The layer {layer.path[-1][:100]} is a Lambda layer: code in Python, which is not "
            "run here. Replace it with a layer of Keras, such as Rescaling, and save it again."
        )
    settings = _renamed(layer.config)
    class_name = _CLASSES.get(layer.class_name, layer.class_name)
    if class_name == "Merge":
        class_name = _merge(settings)
    if dialect.channels_first:
        _put_channels_last(class_name, settings, layer)
    translate = _SPECIAL.get(class_name, _plain)
    return translate(class_name, settings, dialect)


def _renamed(config: Mapping[str, Any]) -> Settings:
    settings: Settings = {}
    for name, value in config.items():
        if isinstance(value, dict) and "value" in value:  # a number of NumPy
            value = value["value"]
        settings[_SETTINGS.get(name, name)] = value
    if "nb_row" in settings:
        settings["kernel_size"] = [settings["nb_row"], settings["nb_col"]]
    for name in _PAIRS:
        if isinstance(settings.get(name), int):
            settings[name] = [settings[name]] * 2
    if settings.get("data_format") in (None, "default"):
        settings.pop("data_format", None)
    elif "data_format" in settings:
        settings["data_format"] = _FORMATS.get(settings["data_format"], settings["data_format"])
    return settings


def _merge(settings: Settings) -> str:
    """Returns the class of a Keras 1 layer that takes several inputs."""
    mode = settings.get("mode")
    if mode == "concat":
        settings["axis"] = settings.get("concat_axis", -1)
        return "Concatenate"
    if mode not in _MERGES:
        raise FerError(f"Layers must be merged by {', '.join(_MERGES)} or concat. Received: {mode}")
    return _MERGES[mode]


def _put_channels_last(class_name: str, settings: Settings, layer: KerasLayer) -> None:
    """Changes the settings of a layer whose images have their channels first."""
    if class_name in ("Reshape", "Permute", "LayerNormalization"):
        raise FerError(
            f"A model with the channels first must not have a layer {class_name}: "
            f"{layer.path[-1][:100]}"
        )
    last = {1: -1, 2: 1, 3: 2, -3: -1, -2: 1, -1: 2}
    if class_name in ("BatchNormalization", "Concatenate", "Softmax") and "axis" in settings:
        axis = settings["axis"]
        (axis,) = axis if isinstance(axis, list) and len(axis) == 1 else (axis,)
        settings["axis"] = axis if axis == -1 and class_name != "Concatenate" else last.get(axis)
    if class_name == "PReLU":
        settings["shared_axes"] = [
            {1: 3, 2: 1, 3: 2}.get(axis) for axis in settings.get("shared_axes") or ()
        ]
    if class_name != "Flatten" and "data_format" in settings:
        settings["data_format"] = "channels_last"


def _plain(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
    """Translates a layer whose activation, if it has one, may have to follow as one of its own."""
    if "activation" not in settings:
        return [(class_name, settings)]
    activation, following = _activation(settings["activation"], dialect)
    if class_name == "Activation":
        return following or [("Activation", {"activation": activation})]
    return [(class_name, {**settings, "activation": activation}), *following]


def _activation(value: Any, dialect: Dialect) -> tuple[str, list[Step]]:
    """Returns an activation by its name, and layers that follow if it has none."""
    if isinstance(value, dict):
        class_name, config = value.get("class_name"), value.get("config")
        if isinstance(config, str):  # a function
            value = config
        elif isinstance(config, dict) and class_name in ("LeakyReLU", "ReLU", "ELU", "Softmax"):
            return "linear", _SPECIAL.get(class_name, _plain)(class_name, _renamed(config), dialect)
        elif class_name in ("function", None):
            raise FerError("An activation must be one of Keras. Received: Python code")
        else:
            value = class_name
    value = _ACTIVATIONS.get(value, value)
    if value == "hard_sigmoid" and not dialect.is_keras_3:  # which has another slope
        return "linear", [("Rescaling", {"scale": 0.2, "offset": 0.5}), ("ReLU", {"max_value": 1})]
    return str(value)[:100], []


def _leaky_relu(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
    slope = settings.get("negative_slope", settings.get("alpha", 0.3))
    return [("LeakyReLU", {"negative_slope": slope})]


def _thresholded_relu(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
    return [("ReLU", {"threshold": settings.get("theta", 1.0)})]


def _batch_normalization(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
    if settings.get("mode", 0) != 0:
        raise FerError(
            "Batch normalization must use the statistics of the training: mode 0 in Keras 1. "
            f"Received: {settings['mode']}"
        )
    axis = settings.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        (axis,) = axis
    return [(class_name, {**settings, "axis": axis})]


def _flatten(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
    """Translates a layer whose weights after it count on the order of what it gives."""
    if not dialect.channels_first or settings.pop("data_format", "") == "channels_first":
        return [("Flatten", {})]  # Keras itself puts the channels last
    return [("Permute", {"dims": [3, 1, 2]}), ("Flatten", {})]


def _normalization(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
    if settings.get("invert"):
        raise FerError("A Normalization layer must not be inverted.")
    if settings.get("mean") is None:  # the numbers are among the weights
        return [("Rescaling", {"scale": 1})]
    try:
        mean, variance = (np.ravel(settings[each]).astype(float) for each in ("mean", "variance"))
    except (KeyError, TypeError, ValueError) as error:
        raise FerError(f"A Normalization layer must have numbers. {error}") from error
    return [("Rescaling", normalization(mean.tolist(), variance.tolist()))]


def normalization(mean: Sequence[float], variance: Sequence[float]) -> Settings:
    """Returns the settings of a Rescaling layer that does as Keras's Normalization.

    Raises:
        FerError: it normalizes something else than the channels of an image.
    """
    if not 1 <= len(mean) == len(variance) <= 3:
        raise FerError(
            "A Normalization layer must have a mean and a variance for each channel of an image. "
            f"Received: {len(mean)} and {len(variance)}"
        )
    deviations = [max(float(each) ** 0.5, 1e-7) for each in variance]
    scale = [1 / each for each in deviations]
    return {"scale": scale, "offset": [-m * s for m, s in zip(mean, scale, strict=True)]}


def _border(setting: str) -> Callable[[str, Settings, Dialect], list[Step]]:
    def translate(class_name: str, settings: Settings, dialect: Dialect) -> list[Step]:
        value = settings.get(setting, 1)
        if isinstance(value, int):
            value = [value, value]
        if isinstance(value, list) and len(value) == 4:  # of Keras 1
            value = [value[:2], value[2:]]
        if isinstance(value, list):
            value = [[each, each] if isinstance(each, int) else each for each in value]
        return [(class_name, {**settings, setting: value})]

    return translate


_SPECIAL: dict[str, Callable[[str, Settings, Dialect], list[Step]]] = {
    "BatchNormalization": _batch_normalization,
    "Cropping2D": _border("cropping"),
    "Flatten": _flatten,
    "LeakyReLU": _leaky_relu,
    "Normalization": _normalization,
    "ThresholdedReLU": _thresholded_relu,
    "ZeroPadding2D": _border("padding"),
}


# Weights

_KERNELS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")


def converted_weights(
    class_name: str, arrays: Sequence[Array], dialect: Dialect
) -> tuple[Array, ...]:
    """Returns the weights of a layer of the table as Keras 3 has them with the channels last."""
    found: list[Array] = list(arrays)
    if class_name in _KERNELS and found and found[0].ndim == 4:
        if dialect.is_keras_1 and dialect.channels_first:
            found = [each[()].transpose(2, 3, 1, 0) if each.ndim == 4 else each for each in found]
        if dialect.flips_kernels:
            found[0] = np.ascontiguousarray(found[0][()][::-1, ::-1])
    if class_name == "PReLU" and dialect.channels_first and found and found[0].ndim == 3:
        found = [found[0][()].transpose(1, 2, 0)]
    return tuple(found)
