"""Writes the ONNX graph of a saved model from its blueprint, without TensorFlow.

Each layer of the blueprint's table has a function here that adds its nodes. Inside the graph images
have their channels first, as onnxruntime computes them; its input and outputs are those of Keras.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from fer_core.errors import FerError
from fer_core.models.blueprint import Blueprint, Layer, Limits
from fer_core.onnx_graphs import Graph

PIXELS, PROBABILITIES, FEATURES = "pixels", "probabilities", "features"
BATCH = "faces"
_MAX_BYTES = 1_500_000_000  # of all weights; a file of ONNX must have less than 2 GiB
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_OF_SEVERAL = ("Add", "Concatenate")  # layers that may take several inputs
_SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}  # Keras's, as ONNX's


class UnsupportedModelError(Exception):
    """Tells that a sound model, which Keras can run, has no ONNX graph here."""


@dataclass(frozen=True)
class _Tensor:
    """Describes the output of a layer; an image has the shape (height, width, channels)."""

    name: str
    shape: tuple[int, ...]  # of one image; or (features,)


@dataclass
class _Weights:
    """Reads the weights of a layer, and remembers their shapes."""

    layer: Layer
    arrays: Mapping[str, h5py.Dataset]
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def read(self, name: str, *shape: int) -> np.ndarray:
        self.shapes.append(shape)
        return self.layer.read(name, self.arrays[name], shape)


_Inputs = Sequence[_Tensor]
_Add = Callable[[Graph, Layer, _Inputs, _Weights], _Tensor]


def export_onnx(
    blueprint: Blueprint, arrays: Mapping[str, h5py.Dataset], *, with_features: bool = True
) -> bytes:
    """Returns the bytes of an .onnx file with the weights of the model's file, in float32.

    Input: `pixels`, float32 (faces, height, width, channels) in [0, 255]. Outputs: `probabilities`
    (faces, classes), and `features` (faces, …), what the last layer takes.

    Args:
        with_features: whether the graph has the second output.

    Raises:
        FerError: a weight is missing, has another shape, or is not finite; the layers do not fit
            together; or the model would take much memory or time for an image.
        UnsupportedModelError: only Keras can run it.
    """
    if 4 * sum(array.size for array in arrays.values()) > _MAX_BYTES:
        raise UnsupportedModelError("its weights take more than 1.5 GB")
    graph, limits = Graph(), Limits(blueprint.input_shape)
    first, last = blueprint.layers[0], blueprint.layers[-1]
    pixels = graph.add("Transpose", PIXELS, perm=_TO_CHANNELS_FIRST)
    tensors = {first.name: _Tensor(pixels, blueprint.input_shape)}
    for layer in blueprint.layers[1:]:
        weights = _Weights(layer, layer.saved_weights(arrays))
        inputs = [tensors[name] for name in layer.inputs]
        if len(inputs) > 1 and layer.class_name not in _OF_SEVERAL:
            raise FerError(f"The layer {layer.name} must take one input. Received: {len(inputs)}")
        output = _LAYERS[layer.class_name](graph, layer, inputs, weights)
        limits.add(layer.name, output.shape, weights.shapes)
        tensors[layer.name] = output
    probabilities = tensors[last.name]
    if len(probabilities.shape) != 1:
        raise FerError(f"A model must answer once for an image. Received: {probabilities.shape}")
    outputs = {PROBABILITIES: probabilities}
    if with_features:
        outputs[FEATURES] = _flat(graph, tensors[last.inputs[0]])
    for name, tensor in outputs.items():
        graph.name_output(tensor.name, name)
    return graph.serialize(
        blueprint.name,
        {PIXELS: (BATCH, *blueprint.input_shape)},
        {name: (BATCH, *tensor.shape) for name, tensor in outputs.items()},
    )


def _conv2d(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    settings = layer.settings
    filters, groups, channels = settings["filters"], settings["groups"], inputs[0].shape[-1]
    if channels % groups or filters % groups:
        raise FerError(f"The layer {layer.name} must split its channels into equal groups.")
    strides, dilation = settings["strides"], settings["dilation_rate"]
    if max(strides) > 1 and max(dilation) > 1:
        raise FerError(f"The layer {layer.name} must not have both strides and dilation.")
    sides = settings["kernel_size"]
    window = [(side - 1) * rate + 1 for side, rate in zip(sides, dilation, strict=True)]
    sizes, pads = _slide(layer, inputs[0], window, strides)
    kernel = weights.read("kernel", *sides, channels // groups, filters)
    operands = [inputs[0].name, graph.constant(kernel.transpose(3, 2, 0, 1))]
    if settings["use_bias"]:
        operands.append(graph.constant(weights.read("bias", filters)))
    output = graph.add(
        "Conv",
        *operands,
        strides=strides,
        pads=pads,
        dilations=dilation,
        group=groups,
        kernel_shape=sides,
    )
    return _Tensor(_activate(graph, settings["activation"], output), (*sizes, filters))


def _dense(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    units, shape = layer.settings["units"], inputs[0].shape
    kernel = weights.read("kernel", shape[-1], units)
    bias = weights.read("bias", units) if layer.settings["use_bias"] else np.zeros(units)
    if len(shape) == 3:  # the same for every pixel
        operator, attributes = "Conv", {"kernel_shape": (1, 1)}
        kernel = kernel.T[:, :, None, None]
    else:
        operator, attributes = "Gemm", {}
    operands = [graph.constant(kernel), graph.constant(bias)]
    output = graph.add(operator, inputs[0].name, *operands, **attributes)
    return _Tensor(_activate(graph, layer.settings["activation"], output), (*shape[:-1], units))


def _batch_normalization(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    shape, axis = inputs[0].shape, layer.settings["axis"]
    if axis not in (-1, len(shape)):
        raise UnsupportedModelError(f"{layer.name} normalizes another axis than the channels")
    channels = shape[-1]
    gamma = weights.read("gamma", channels) if layer.settings["scale"] else np.ones(channels)
    beta = weights.read("beta", channels) if layer.settings["center"] else np.zeros(channels)
    moments = [weights.read(name, channels) for name in ("moving_mean", "moving_variance")]
    operands = [graph.constant(each) for each in (gamma, beta, *moments)]
    epsilon = layer.settings["epsilon"]
    output = graph.add("BatchNormalization", inputs[0].name, *operands, epsilon=epsilon)
    return _Tensor(output, shape)


def _rescaling(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    shape, name = inputs[0].shape, inputs[0].name
    for operator, setting in (("Mul", "scale"), ("Add", "offset")):
        values = np.asarray(layer.settings[setting], np.float32)
        if values.size not in (1, shape[-1]):
            raise FerError(
                f"The {setting} of the layer {layer.name} must be one, or one a channel."
            )
        per_channel = values.reshape(-1, *(1,) * (len(shape) - 1))
        name = graph.add(operator, name, graph.constant(per_channel))
    return _Tensor(name, shape)


def _pooling(operator: str, **attributes: Any) -> _Add:
    def add(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
        window = layer.settings["pool_size"]
        strides = layer.settings["strides"] or window
        sizes, pads = _slide(layer, inputs[0], window, strides)
        output = graph.add(
            operator, inputs[0].name, kernel_shape=window, strides=strides, pads=pads, **attributes
        )
        return _Tensor(output, (*sizes, inputs[0].shape[-1]))

    return add


def _global_pooling(operator: str) -> _Add:
    def add(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
        _check_image(layer, inputs[0])
        channels = inputs[0].shape[-1]
        pooled = _Tensor(graph.add(operator, inputs[0].name), (1, 1, channels))
        return pooled if layer.settings["keepdims"] else _flat(graph, pooled)

    return add


def _sum(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    if len({len(each.shape) for each in inputs}) > 1:
        raise UnsupportedModelError(f"{layer.name} adds images to features")
    total = inputs[0]
    for each in inputs[1:]:
        try:
            shape = np.broadcast_shapes(total.shape, each.shape)
        except ValueError as error:
            raise FerError(f"The layer {layer.name} must add what has one size. {error}") from error
        total = _Tensor(graph.add("Add", total.name, each.name), shape)
    return total


def _concatenate(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    if any(len(each.shape) > 1 for each in inputs):
        raise UnsupportedModelError(f"{layer.name} joins images")
    output = graph.add("Concat", *(each.name for each in inputs), axis=1)
    return _Tensor(output, (sum(each.shape[0] for each in inputs),))


def _resizing(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    _check_image(layer, inputs[0])
    *_, channels = inputs[0].shape
    height, width = layer.settings["height"], layer.settings["width"]
    output = graph.add(
        "Resize",
        *(inputs[0].name, "", "", graph.integers([height, width])),  # no region, no scales
        axes=(2, 3),
        mode="linear",
        coordinate_transformation_mode="half_pixel",  # as Keras
    )
    return _Tensor(output, (height, width, channels))


def _flatten(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    return _flat(graph, inputs[0])


def _same(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    return inputs[0]


def _activation(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    output = _activate(graph, layer.settings["activation"], inputs[0].name)
    return _Tensor(output, inputs[0].shape)


def _relu(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    """Adds `keras.activations.relu`: x above the threshold, and slope × (x - threshold) below."""
    x, largest = inputs[0].name, layer.settings["max_value"]
    slope, threshold = layer.settings["negative_slope"], layer.settings["threshold"]
    if slope and largest is None and not threshold:
        return _Tensor(graph.add("LeakyRelu", x, alpha=slope), inputs[0].shape)
    # Not ThresholdedRelu: with a threshold of zero onnxruntime would not fuse it.
    output = graph.add("ThresholdedRelu", x, alpha=threshold) if threshold else graph.add("Relu", x)
    if largest is not None:
        output = graph.add("Clip", output, graph.constant(0.0), graph.constant(largest))
    if slope:
        below = graph.add("Relu", graph.add("Sub", graph.constant(threshold), x))
        output = graph.add("Sub", output, graph.add("Mul", below, graph.constant(slope)))
    return _Tensor(output, inputs[0].shape)


_LAYERS: dict[str, _Add] = {
    "Activation": _activation,
    "Add": _sum,
    "AveragePooling2D": _pooling("AveragePool", count_include_pad=0),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Dense": _dense,
    "Dropout": _same,
    "Flatten": _flatten,
    "GlobalAveragePooling2D": _global_pooling("GlobalAveragePool"),
    "GlobalMaxPooling2D": _global_pooling("GlobalMaxPool"),
    "MaxPooling2D": _pooling("MaxPool"),
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Resizing": _resizing,
}
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", _SELU),
    "gelu": ("Gelu", {"approximate": "none"}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"axis": 1}),  # the channels, or the features
}


def _activate(graph: Graph, activation: str, x: str) -> str:
    if activation == "linear":
        return x
    if activation == "silu":
        return graph.add("Mul", x, graph.add("Sigmoid", x))
    operator, attributes = _ACTIVATIONS[activation]
    return graph.add(operator, x, **attributes)


def _flat(graph: Graph, tensor: _Tensor) -> _Tensor:
    """Flattens an image in Keras's order, channels last."""
    if len(tensor.shape) == 1:
        return tensor
    height, width, channels = tensor.shape
    name = tensor.name
    if height * width > 1:
        name = graph.add("Transpose", name, perm=_TO_CHANNELS_LAST)
    return _Tensor(graph.add("Flatten", name, axis=1), (height * width * channels,))


def _check_image(layer: Layer, tensor: _Tensor) -> None:
    if len(tensor.shape) != 3:
        raise FerError(f"The layer {layer.name} must take an image. Received: {tensor.shape}")


def _slide(
    layer: Layer, tensor: _Tensor, window: Sequence[int], strides: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Returns height and width of what a sliding window makes of an image, and its padding.

    With the padding "same" an odd pixel of it goes to the bottom and the right, as in TensorFlow.
    """
    _check_image(layer, tensor)
    sizes, before, after = [], [], []
    for length, side, stride in zip(tensor.shape[:2], window, strides, strict=True):
        if layer.settings["padding"] == "same":
            size = -(-length // stride)
            pad = max(0, (size - 1) * stride + side - length)
        else:
            size, pad = (length - side) // stride + 1, 0
        if size < 1:
            raise FerError(f"The layer {layer.name} must not be larger than what it takes.")
        sizes.append(size)
        before.append(pad // 2)
        after.append(pad - pad // 2)
    return sizes, before + after
