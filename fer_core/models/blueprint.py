"""Describes a saved model by a table of allowed layers, checked before anything is allocated.

Keras builds whatever layers a file describes, and allocates their weights before it reads those of
the file. Here the description may only name layers of the table, with settings of the right type
and range. `rebuild` makes a Keras model of it, `onnx_export` an ONNX graph.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import msgspec
import numpy as np
from msgspec import Meta, Struct

from fer_core.errors import FerError
from fer_core.models.hdf5 import read_weights
from fer_core.models.model_file import open_saved_model
from fer_core.models.parity import decode_answers
from fer_core.runs import LARGEST_IMAGE, TrainConfig

_MAX_LAYERS = 2000  # of an ensemble of ten; ResNet-18 has 70
# Per pixel of the input, so that a batch of images stays small and an answer quick. VGG19's first
# block has 64 channels; its convolutions take 400,000 multiplications a pixel, and an ensemble may
# have ten of it.
_MAX_CHANNELS_PER_PIXEL = 128
_MAX_MULTIPLICATIONS_PER_PIXEL = 5_000_000
_MIN_PIXELS = 1024  # of the input, for these two: a dense layer does not grow with the image

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.\-]+$")]
Side = Annotated[int, Meta(ge=1, le=LARGEST_IMAGE)]
Sides = tuple[Side, Side]
KernelSides = tuple[Annotated[int, Meta(ge=1, le=32)], Annotated[int, Meta(ge=1, le=32)]]
Dilation = tuple[Annotated[int, Meta(ge=1, le=8)], Annotated[int, Meta(ge=1, le=8)]]
Width = Annotated[int, Meta(ge=1, le=65_536)]  # channels or units
Share = Annotated[float, Meta(ge=0, le=1)]
Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
Numbers = Number | Annotated[tuple[Number, ...], Meta(max_length=3)]  # one, or one a channel
Padding = Literal["valid", "same"]
ChannelsLast = Literal["channels_last"]
Scale = Annotated[float, Meta(ge=0, le=1e6)]
Axis = Annotated[int, Meta(ge=-1, le=3)]  # of a batch of images; 0 is refused where it is used
Border = Annotated[int, Meta(ge=0, le=64)]  # pixels
Activation = Literal[
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "tanh",
    "sigmoid",
    "log_sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "softplus",
    "softsign",
    "exponential",
    "softmax",
]


class _InputLayer(Struct):
    batch_shape: tuple[None, Side, Side, Literal[1, 3]]


class _Rescaling(Struct):
    scale: Numbers
    offset: Numbers = 0.0


class _Conv2D(Struct):
    filters: Width
    kernel_size: KernelSides
    strides: Sides = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Dilation = (1, 1)
    groups: Width = 1
    activation: Activation = "linear"
    use_bias: bool = True
    data_format: ChannelsLast = "channels_last"


class _DepthwiseConv2D(Struct):
    kernel_size: KernelSides
    strides: Sides = (1, 1)
    padding: Padding = "valid"
    depth_multiplier: Annotated[int, Meta(ge=1, le=64)] = 1
    dilation_rate: Dilation = (1, 1)
    activation: Activation = "linear"
    use_bias: bool = True
    data_format: ChannelsLast = "channels_last"


class _SeparableConv2D(_DepthwiseConv2D, kw_only=True):
    filters: Width


class _Dense(Struct):
    units: Width
    activation: Activation = "linear"
    use_bias: bool = True


class _BatchNormalization(Struct):
    axis: Literal[-1, 1, 3] = -1
    momentum: Share = 0.99
    epsilon: Annotated[float, Meta(gt=0, le=1)] = 1e-3
    center: bool = True
    scale: bool = True


class _LayerNormalization(Struct):
    axis: Axis | Annotated[tuple[Axis, ...], Meta(min_length=1, max_length=3)] = -1
    epsilon: Annotated[float, Meta(gt=0, le=1)] = 1e-3
    center: bool = True
    scale: bool = True


class _Pooling(Struct):
    pool_size: Sides = (2, 2)
    strides: Sides | None = None
    padding: Padding = "valid"
    data_format: ChannelsLast = "channels_last"


class _GlobalPooling(Struct):
    keepdims: bool = False
    data_format: ChannelsLast = "channels_last"


class _Flatten(Struct):
    data_format: ChannelsLast = "channels_last"


class _Resizing(Struct):
    height: Side
    width: Side
    interpolation: Literal["bilinear"] = "bilinear"
    crop_to_aspect_ratio: Literal[False] = False
    pad_to_aspect_ratio: Literal[False] = False
    antialias: Literal[False] = False
    data_format: ChannelsLast = "channels_last"


class _ZeroPadding2D(Struct):
    padding: tuple[tuple[Border, Border], tuple[Border, Border]] = ((1, 1), (1, 1))
    data_format: ChannelsLast = "channels_last"


class _Cropping2D(Struct):
    cropping: tuple[tuple[Border, Border], tuple[Border, Border]] = ((0, 0), (0, 0))
    data_format: ChannelsLast = "channels_last"


class _Reshape(Struct):
    target_shape: Annotated[
        tuple[Annotated[int, Meta(ge=-1, le=2**24)], ...], Meta(min_length=1, max_length=3)
    ]


class _Permute(Struct):
    dims: tuple[Literal[1, 2, 3], Literal[1, 2, 3], Literal[1, 2, 3]]


class _Concatenate(Struct):
    axis: Axis = -1


class _Dropout(Struct):
    rate: Share


class _GaussianNoise(Struct):
    stddev: Scale


class _ReLU(Struct):
    max_value: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    negative_slope: Share = 0.0
    threshold: Annotated[float, Meta(ge=0, le=1e6)] = 0.0


class _LeakyReLU(Struct):
    negative_slope: Share = 0.3


class _ELU(Struct):
    alpha: Scale = 1.0


class _PReLU(Struct):
    shared_axes: Annotated[tuple[Literal[1, 2, 3], ...], Meta(max_length=3)] | None = None


class _Softmax(Struct):
    axis: Axis = -1


class _Activation(Struct):
    activation: Activation


class _Plain(Struct):
    """Describes a layer without settings."""


# Their names are Keras's, and so are those of the settings.
_LAYERS: dict[str, type[Struct]] = {
    "Activation": _Activation,
    "Add": _Plain,
    "AlphaDropout": _Dropout,
    "Average": _Plain,
    "AveragePooling2D": _Pooling,
    "BatchNormalization": _BatchNormalization,
    "Concatenate": _Concatenate,
    "Conv2D": _Conv2D,
    "Cropping2D": _Cropping2D,
    "Dense": _Dense,
    "DepthwiseConv2D": _DepthwiseConv2D,
    "Dropout": _Dropout,
    "ELU": _ELU,
    "Flatten": _Flatten,
    "GaussianDropout": _Dropout,
    "GaussianNoise": _GaussianNoise,
    "GlobalAveragePooling2D": _GlobalPooling,
    "GlobalMaxPooling2D": _GlobalPooling,
    "InputLayer": _InputLayer,
    "LayerNormalization": _LayerNormalization,
    "LeakyReLU": _LeakyReLU,
    "MaxPooling2D": _Pooling,
    "Maximum": _Plain,
    "Multiply": _Plain,
    "PReLU": _PReLU,
    "Permute": _Permute,
    "ReLU": _ReLU,
    "Rescaling": _Rescaling,
    "Resizing": _Resizing,
    "Reshape": _Reshape,
    "SeparableConv2D": _SeparableConv2D,
    "Softmax": _Softmax,
    "SpatialDropout2D": _Dropout,
    "ZeroPadding2D": _ZeroPadding2D,
}
# The weights of a layer in the order in which Keras saves them, each as its initializer is called.
WEIGHTS = {
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "Conv2D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
    "DepthwiseConv2D": ("depthwise", "bias"),
    "LayerNormalization": ("gamma", "beta"),
    "PReLU": ("alpha",),
    "SeparableConv2D": ("depthwise", "pointwise", "bias"),
}
_LEFT_OUT_UNLESS = {"gamma": "scale", "beta": "center", "bias": "use_bias"}


@dataclass(frozen=True)
class Layer:
    """Describes a layer of the table, with checked settings."""

    class_name: str
    name: str
    settings: Mapping[str, Any]  # arguments of the Keras layer
    inputs: tuple[str, ...]  # the names of the layers whose outputs it takes
    number: int  # of layers of its class before it

    @property
    def saved_group(self) -> str:
        """Returns the path of the layer's weights in a file, as Keras calls it."""
        number = f"_{self.number}" if self.number else ""
        return f"layers/{group_name(self.class_name)}{number}/vars"

    @property
    def weight_names(self) -> list[str]:
        """Returns the names of its weights, in the order in which Keras saves them."""
        return [
            name
            for name in WEIGHTS.get(self.class_name, ())
            if name not in _LEFT_OUT_UNLESS or self.settings[_LEFT_OUT_UNLESS[name]]
        ]

    def saved_weights(self, arrays: Mapping[str, h5py.Dataset]) -> dict[str, h5py.Dataset]:
        """Returns the layer's arrays in a file by the name of the weight.

        Raises:
            FerError: one of them is missing.
        """
        found = {
            name: arrays.get(f"{self.saved_group}/{position}")
            for position, name in enumerate(self.weight_names)
        }
        for name, array in found.items():
            if array is None:
                raise FerError(
                    f"The layer {self.name} must have a {name} in the file. It is missing."
                )
        return {name: array for name, array in found.items() if array is not None}

    def read(self, weight: str, array: h5py.Dataset, shape: Sequence[int]) -> np.ndarray:
        """Returns a weight as float32.

        Raises:
            FerError: it has another shape, or is not finite.
        """
        if tuple(shape) != array.shape:
            raise FerError(
                f"The {weight} of the layer {self.name} must have the shape {tuple(shape)}. "
                f"Received: {array.shape}"
            )
        return read_weights(array)


class _TensorConfig(Struct):
    keras_history: tuple[Name, Literal[0], Literal[0]]  # the layer; its first call, first output


class _Tensor(Struct):
    config: _TensorConfig


class _Node(Struct):
    args: tuple[_Tensor | tuple[_Tensor, ...]]

    @property
    def inputs(self) -> list[str]:
        """Returns the names of the layers whose outputs a layer takes."""
        (argument,) = self.args
        tensors = argument if isinstance(argument, tuple) else (argument,)
        return [tensor.config.keras_history[0] for tensor in tensors]


class _SavedLayer(Struct):
    class_name: str
    name: Name
    config: msgspec.Raw
    inbound_nodes: Annotated[tuple[_Node, ...], Meta(max_length=1)] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Returns the names of the layers whose outputs it takes."""
        return tuple(name for node in self.inbound_nodes for name in node.inputs)

    def settings(self) -> dict[str, Any]:
        """Returns the settings that matter for an answer, as arguments of the Keras layer."""
        return checked_settings(self.class_name, self.name, self.config)


def checked_settings(class_name: str, name: str, config: bytes | msgspec.Raw) -> dict[str, Any]:
    """Returns the settings of a layer that matter for an answer, as arguments of the Keras layer.

    Args:
        config: JSON; settings that the table does not have are passed over.

    Raises:
        FerError: the table has no such layer, or does not allow the settings.
    """
    if class_name not in _LAYERS:
        raise FerError(f"Its layers must be {', '.join(_LAYERS)}. Received: {class_name[:100]}")
    try:
        settings = msgspec.json.decode(config, type=_LAYERS[class_name])
    except msgspec.ValidationError as error:
        raise FerError(f"The layer {name} has an invalid setting: {error}") from error
    return msgspec.structs.asdict(settings)


def group_name(class_name: str) -> str:
    """Returns the name that Keras gives the weights of a layer of a class: PReLU is p_re_lu."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


class _Graph(Struct):
    name: Name
    layers: Annotated[tuple[_SavedLayer, ...], Meta(min_length=2, max_length=_MAX_LAYERS)]
    input_layers: tuple[Any, ...]
    output_layers: tuple[Any, ...]


class _Model(Struct):
    class_name: Literal["Functional"]
    config: _Graph


class Blueprint:
    """Holds the checked description of a model; nothing is allocated yet."""

    def __init__(self, config: bytes, answers: bytes = b"") -> None:
        """Parses the config.json of a .keras file, and the answers saved with it.

        Raises:
            FerError: it describes no model from one image to probabilities, or one with other
                layers or larger ones than those of the table.
        """
        try:
            graph = msgspec.json.decode(config, type=_Model).config
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FerError(f"Its description is not one of a model: {error}") from error
        self.name = graph.name
        counts: Counter[str] = Counter()
        made: list[Layer] = []
        for each in graph.layers:
            number = counts[each.class_name]
            made.append(Layer(each.class_name, each.name, each.settings(), each.inputs, number))
            counts[each.class_name] += 1
        self.layers = tuple(made)
        self._check_graph(graph)
        self.input_shape: tuple[int, int, int] = made[0].settings["batch_shape"][1:]
        self.classes: int = made[-1].settings["units"]
        self.answers = decode_answers(answers, self.classes)  # None in files of earlier versions

    def _check_graph(self, graph: _Graph) -> None:
        """Checks that an image comes in at the first layer, and an answer out of the last."""
        first, last = self.layers[0], self.layers[-1]
        kinds = [layer.class_name for layer in self.layers]
        ends = [_single(graph.input_layers), _single(graph.output_layers)]
        if (
            ends != [(first.name, 0, 0), (last.name, 0, 0)]
            or (first.class_name, last.class_name) != ("InputLayer", "Dense")
            or kinds.count("InputLayer") > 1
        ):
            raise FerError("It must have one input, its first layer, and one output, a dense last.")
        known: set[str] = set()
        for layer in self.layers:
            if bool(layer.inputs) == (layer is first) or not known.issuperset(layer.inputs):
                raise FerError(f"The layer {layer.name} must take the output of earlier layers.")
            if layer.name in known:
                raise FerError(f"Layers must have different names. Repeated: {layer.name}")
            known.add(layer.name)


@contextmanager
def open_blueprint(
    path: Path, config: TrainConfig | None = None, classes: int | None = None
) -> Iterator[tuple[Blueprint, Mapping[str, h5py.Dataset]]]:
    """Opens a .keras file, and yields its blueprint and its arrays.

    Args:
        config: of the run; the model must take images of its size.
        classes: that the model must tell apart.

    Raises:
        DamagedFileError: as for `open_saved_model`; or the file holds another model.
    """
    with open_saved_model(path) as saved:
        blueprint = Blueprint(saved.config, saved.answers)
        if config is not None:
            _check_number("images", blueprint.input_shape, (*config.image_size, config.channels))
        if classes is not None:
            _check_number("classes", blueprint.classes, classes)
        yield blueprint, saved.arrays


def _check_number(what: str, received: object, expected: object) -> None:
    if received != expected:
        raise FerError(
            f"It must be the model of its run, which has {what}: {expected}. Received: {received}"
        )


def _single(ends: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the one end of a graph, which Keras writes as [name, 0, 0] or in a list."""
    if len(ends) == 1 and isinstance(ends[0], list):
        return tuple(ends[0])
    return ends


class Limits:
    """Adds up what a model takes for an image, and refuses too much of it."""

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        pixels = max(_MIN_PIXELS, input_shape[0] * input_shape[1])
        self._numbers = _MAX_CHANNELS_PER_PIXEL * pixels
        self._multiplications = _MAX_MULTIPLICATIONS_PER_PIXEL * pixels

    def add(self, name: str, output: Sequence[int], weights: Iterable[Sequence[int]]) -> None:
        """Adds a layer, by the shapes of its output for one image and of its weights.

        Raises:
            FerError: the model takes too much memory or time with this layer.
        """
        self._multiplications -= math.prod(output[:-1]) * sum(map(math.prod, weights))
        if math.prod(output) > self._numbers or self._multiplications < 0:
            raise FerError(f"The layer {name} takes too much for an image of this size.")
