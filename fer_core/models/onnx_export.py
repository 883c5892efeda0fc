"""Writes the ONNX graph of a saved model from its blueprint, without TensorFlow.

Each layer of the blueprint's table has a function here that adds its nodes. Inside the graph images
have their channels first, as onnxruntime computes them; its input and outputs are those of Keras.
"""

import math
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
_CHANNELS_FIRST_AXES = {1: 2, 2: 3, 3: 1}  # of a batch of images, by the axis with channels last
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_MERGES = ("Add", "Average", "Concatenate", "Maximum", "Multiply")  # layers of several inputs
_SELU = {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}  # Keras's, as ONNX's


class UnsupportedModelError(Exception):
    """Tells that a sound model, which Keras can run, has no ONNX graph here."""


@dataclass(frozen=True)
class _Tensor:
    """Describes the output of a layer; an image has the shape (height, width, channels)."""

    name: str
    shape: tuple[int, ...]  # of one image; or (features,)

    def activated(self, graph: Graph, layer: Layer) -> "_Tensor":
        """Returns it after the activation of the layer."""
        return _Tensor(_activate(graph, layer.settings["activation"], self.name), self.shape)


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
    graph = Graph()
    last = blueprint.layers[-1]
    tensors = _add_layers(graph, blueprint.layers, blueprint.input_shape, arrays)
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


def layer_shapes(
    layers: Sequence[Layer], arrays: Mapping[str, h5py.Dataset]
) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each layer's output for an image, by its name; checks every weight.

    Args:
        layers: in their order, the input first.

    Raises:
        FerError: as `export_onnx`.
        UnsupportedModelError: as `export_onnx`.
    """
    shape = layers[0].settings["batch_shape"][1:]
    return {
        name: tensor.shape for name, tensor in _add_layers(Graph(), layers, shape, arrays).items()
    }


def _add_layers(
    graph: Graph,
    layers: Sequence[Layer],
    input_shape: tuple[int, int, int],
    arrays: Mapping[str, h5py.Dataset],
) -> dict[str, _Tensor]:
    """Adds all layers to a graph, and returns their outputs by their names."""
    limits = Limits(input_shape)
    pixels = graph.add("Transpose", PIXELS, perm=_TO_CHANNELS_FIRST)
    tensors = {layers[0].name: _Tensor(pixels, input_shape)}
    for layer in layers[1:]:
        weights = _Weights(layer, layer.saved_weights(arrays))
        inputs = [tensors[name] for name in layer.inputs]
        if len(inputs) > 1 and layer.class_name not in _MERGES:
            raise FerError(f"The layer {layer.name} must take one input. Received: {len(inputs)}")
        output = _LAYERS[layer.class_name](graph, layer, inputs, weights)
        limits.add(layer.name, output.shape, weights.shapes)
        tensors[layer.name] = output
    return tensors


def _conv2d(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    filters, groups = layer.settings["filters"], layer.settings["groups"]
    channels = inputs[0].shape[-1]
    if channels % groups or filters % groups:
        raise FerError(f"The layer {layer.name} must split its channels into equal groups.")
    _check_image(layer, inputs[0])
    kernel = weights.read("kernel", *layer.settings["kernel_size"], channels // groups, filters)
    bias = weights.read("bias", filters) if layer.settings["use_bias"] else None
    output = _convolve(graph, layer, inputs[0], kernel.transpose(3, 2, 0, 1), bias, groups)
    return output.activated(graph, layer)


def _depthwise_conv2d(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    output = _depthwise(graph, layer, inputs[0], weights, has_bias=layer.settings["use_bias"])
    return output.activated(graph, layer)


def _separable_conv2d(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    between = _depthwise(graph, layer, inputs[0], weights, has_bias=False)
    filters, channels = layer.settings["filters"], between.shape[-1]
    kernel = weights.read("pointwise", 1, 1, channels, filters).transpose(3, 2, 0, 1)
    bias = weights.read("bias", filters) if layer.settings["use_bias"] else np.zeros(filters)
    operands = [graph.constant(kernel), graph.constant(bias)]
    output = graph.add("Conv", between.name, *operands, kernel_shape=(1, 1))
    return _Tensor(output, (*between.shape[:-1], filters)).activated(graph, layer)


def _depthwise(
    graph: Graph, layer: Layer, image: _Tensor, weights: _Weights, *, has_bias: bool
) -> _Tensor:
    """Adds a convolution of each channel for itself, which makes `depth_multiplier` of each."""
    _check_image(layer, image)
    channels, multiplier = image.shape[-1], layer.settings["depth_multiplier"]
    sides = layer.settings["kernel_size"]
    kernel = weights.read("depthwise", *sides, channels, multiplier)
    kernel = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, *sides)
    bias = weights.read("bias", channels * multiplier) if has_bias else None
    return _convolve(graph, layer, image, kernel, bias, channels)


def _convolve(
    graph: Graph,
    layer: Layer,
    image: _Tensor,
    kernel: np.ndarray,  # (filters, channels of a group, height, width)
    bias: np.ndarray | None,
    groups: int,
) -> _Tensor:
    strides, dilation = layer.settings["strides"], layer.settings["dilation_rate"]
    if max(strides) > 1 and max(dilation) > 1:
        raise FerError(f"The layer {layer.name} must not have both strides and dilation.")
    sides = kernel.shape[2:]
    window = [(side - 1) * rate + 1 for side, rate in zip(sides, dilation, strict=True)]
    sizes, pads = _slide(layer, image, window, strides)
    operands = [graph.constant(kernel)] if bias is None else map(graph.constant, (kernel, bias))
    output = graph.add(
        "Conv",
        *(image.name, *operands),
        strides=strides,
        pads=pads,
        dilations=dilation,
        group=groups,
        kernel_shape=sides,
    )
    return _Tensor(output, (*sizes, len(kernel)))


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


def _merging(operator: str) -> _Add:
    """Returns what adds a layer that combines its inputs number by number."""

    def add(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
        if len({len(each.shape) for each in inputs}) > 1:
            raise UnsupportedModelError(f"{layer.name} combines images with features")
        total = inputs[0]
        for each in inputs[1:]:
            try:
                shape = np.broadcast_shapes(total.shape, each.shape)
            except ValueError as error:
                raise FerError(
                    f"The layer {layer.name} must combine what has one size. {error}"
                ) from error
            total = _Tensor(graph.add(operator, total.name, each.name), shape)
        return total

    return add


def _average(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    total = _merging("Add")(graph, layer, inputs, weights)
    share = graph.constant(1 / len(inputs))
    return _Tensor(graph.add("Mul", total.name, share), total.shape)


def _concatenate(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    rank = len(inputs[0].shape)
    axis = _axes(layer, inputs[0])[0] - 1
    others = {(*each.shape[:axis], *each.shape[axis + 1 :]) for each in inputs}
    if len({len(each.shape) for each in inputs}) > 1 or len(others) > 1:
        raise FerError(f"The layer {layer.name} must join what has one size.")
    shape = list(inputs[0].shape)
    shape[axis] = sum(each.shape[axis] for each in inputs)
    place = _CHANNELS_FIRST_AXES[axis + 1] if rank == 3 else 1
    return _Tensor(graph.add("Concat", *(each.name for each in inputs), axis=place), tuple(shape))


def _axes(layer: Layer, tensor: _Tensor) -> list[int]:
    """Returns the layer's axes, counted from 1, of images or features with channels last.

    Raises:
        FerError: the tensor has no such axis.
    """
    axes, rank = layer.settings["axis"], len(tensor.shape)
    found = [
        rank if axis == -1 else axis for axis in (axes if isinstance(axes, tuple) else (axes,))
    ]
    if not all(1 <= axis <= rank for axis in found) or len(set(found)) < len(found):
        raise FerError(f"The layer {layer.name} must name axes of what it takes. Received: {axes}")
    return sorted(found)


def _places(axes: Sequence[int], tensor: _Tensor) -> list[int]:
    """Returns where axes, counted from 1 with channels last, lie inside of the graph."""
    return [_CHANNELS_FIRST_AXES[axis] if len(tensor.shape) == 3 else axis for axis in axes]


def _layer_normalization(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    x, shape = inputs[0].name, inputs[0].shape
    axes = _axes(layer, inputs[0])
    places = graph.integers(_places(axes, inputs[0]))
    centered = graph.add("Sub", x, graph.add("ReduceMean", x, places))
    variance = graph.add("ReduceMean", graph.add("Mul", centered, centered), places)
    epsilon = graph.constant(layer.settings["epsilon"])
    name = graph.add("Div", centered, graph.add("Sqrt", graph.add("Add", variance, epsilon)))
    for operator, weight, setting in (("Mul", "gamma", "scale"), ("Add", "beta", "center")):
        if layer.settings[setting]:
            values = weights.read(weight, *(shape[axis - 1] for axis in axes))
            full = values.reshape([side if n in axes else 1 for n, side in enumerate(shape, 1)])
            name = graph.add(operator, name, graph.constant(_channels_first(full)))
    return _Tensor(name, shape)


def _channels_first(values: np.ndarray) -> np.ndarray:
    """Returns numbers for each place of an image, or each feature, as the graph has them."""
    return values.transpose(2, 0, 1) if values.ndim == 3 else values


def _prelu(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    x, shape = inputs[0].name, inputs[0].shape
    shared = layer.settings["shared_axes"] or ()
    sides = [1 if axis in shared else side for axis, side in enumerate(shape, 1)]
    slope = graph.constant(_channels_first(weights.read("alpha", *sides)))
    return _Tensor(graph.add("PRelu", x, slope), shape)


def _leaky_relu(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    slope = layer.settings["negative_slope"]
    return _Tensor(graph.add("LeakyRelu", inputs[0].name, alpha=slope), inputs[0].shape)


def _elu(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    alpha = layer.settings["alpha"]
    return _Tensor(graph.add("Elu", inputs[0].name, alpha=alpha), inputs[0].shape)


def _softmax(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    (place,) = _places(_axes(layer, inputs[0]), inputs[0])
    return _Tensor(graph.add("Softmax", inputs[0].name, axis=place), inputs[0].shape)


def _zero_padding(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    _check_image(layer, inputs[0])
    height, width, channels = inputs[0].shape
    (top, bottom), (left, right) = layer.settings["padding"]
    pads = graph.integers([0, 0, top, left, 0, 0, bottom, right])
    shape = (height + top + bottom, width + left + right, channels)
    return _Tensor(graph.add("Pad", inputs[0].name, pads), shape)


def _cropping(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    _check_image(layer, inputs[0])
    height, width, channels = inputs[0].shape
    (top, bottom), (left, right) = layer.settings["cropping"]
    shape = (height - top - bottom, width - left - right, channels)
    if min(shape) < 1:
        raise FerError(f"The layer {layer.name} must leave something of what it takes.")
    ranges = ([top, left], [height - bottom, width - right], [2, 3])
    return _Tensor(graph.add("Slice", inputs[0].name, *map(graph.integers, ranges)), shape)


def _reshape(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    size, target = math.prod(inputs[0].shape), layer.settings["target_shape"]
    if len(target) == 2:
        raise FerError(f"The layer {layer.name} must make images or features. Received: {target}")
    known = math.prod(side for side in target if side != -1)
    shape = tuple(size // known if side == -1 and known else side for side in target)
    if target.count(-1) > 1 or math.prod(shape) != size or min(shape) < 1:
        raise FerError(
            f"The layer {layer.name} must make as many numbers as it takes. "
            f"It takes {inputs[0].shape} and makes {target}."
        )
    flat = _flat(graph, inputs[0])
    if len(shape) == 1:
        return flat
    # A name for the batch is not possible here: -1 is what the other sides leave.
    image = graph.add("Reshape", flat.name, graph.integers([-1, *shape]))
    return _Tensor(graph.add("Transpose", image, perm=_TO_CHANNELS_FIRST), shape)


def _permute(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    _check_image(layer, inputs[0])
    dims = layer.settings["dims"]
    if len(set(dims)) < 3:
        raise FerError(f"The layer {layer.name} must have each axis once. Received: {dims}")
    image = graph.add("Transpose", inputs[0].name, perm=_TO_CHANNELS_LAST)
    order = [0, *(dims[axis - 1] for axis in _TO_CHANNELS_FIRST[1:])]
    output = graph.add("Transpose", image, perm=order)
    return _Tensor(output, tuple(inputs[0].shape[axis - 1] for axis in dims))


def _resizing(graph: Graph, layer: Layer, inputs: _Inputs, weights: _Weights) -> _Tensor:
    """Adds two products with matrices.

    Not Resize: where onnxruntime moves a Transpose across it, its sizes get lost.
    """
    _check_image(layer, inputs[0])
    height, width, channels = inputs[0].shape
    size = (layer.settings["height"], layer.settings["width"])
    rows, columns = map(_interpolation, (height, width), size)
    output = graph.add("MatMul", inputs[0].name, graph.constant(columns.T))
    output = graph.add("MatMul", graph.constant(rows), output)
    return _Tensor(output, (*size, channels))


def _interpolation(length: int, size: int) -> np.ndarray:
    """Returns the matrix (size, length) that interpolates linearly between pixels' centers."""
    places = (np.arange(size) + 0.5) * length / size - 0.5
    before = np.floor(places).astype(int)
    matrix = np.zeros((size, length))
    for pixel, share in ((before, 1 - (places - before)), (before + 1, places - before)):
        np.add.at(matrix, (np.arange(size), pixel.clip(0, length - 1)), share)
    return matrix


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
    "Add": _merging("Add"),
    "AlphaDropout": _same,
    "Average": _average,
    "AveragePooling2D": _pooling("AveragePool", count_include_pad=0),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Cropping2D": _cropping,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Dropout": _same,
    "ELU": _elu,
    "Flatten": _flatten,
    "GaussianDropout": _same,
    "GaussianNoise": _same,
    "GlobalAveragePooling2D": _global_pooling("GlobalAveragePool"),
    "GlobalMaxPooling2D": _global_pooling("GlobalMaxPool"),
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_relu,
    "MaxPooling2D": _pooling("MaxPool"),
    "Maximum": _merging("Max"),
    "Multiply": _merging("Mul"),
    "PReLU": _prelu,
    "Permute": _permute,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Resizing": _resizing,
    "Reshape": _reshape,
    "SeparableConv2D": _separable_conv2d,
    "Softmax": _softmax,
    "SpatialDropout2D": _same,
    "ZeroPadding2D": _zero_padding,
}
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", _SELU),
    "gelu": ("Gelu", {"approximate": "none"}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),  # of Keras 3
    "hard_silu": ("HardSwish", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "softmax": ("Softmax", {"axis": 1}),  # the channels, or the features
}


def _activate(graph: Graph, activation: str, x: str) -> str:
    if activation == "linear":
        return x
    if activation == "silu":
        return graph.add("Mul", x, graph.add("Sigmoid", x))
    if activation == "relu6":
        return graph.add("Clip", x, graph.constant(0.0), graph.constant(6.0))
    if activation == "log_sigmoid":
        return graph.add("Neg", graph.add("Softplus", graph.add("Neg", x)))
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
