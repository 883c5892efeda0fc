"""Writes the three networks of MTCNN as ONNX graphs, from the weights of the `mtcnn` package.

Each takes pixels with channels last, and has one output with all of its answers. The graphs compute
what the package does, in a form that takes onnxruntime half as long.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fer_core.onnx_graphs import Graph

REFINED_PATCH = 24  # pixels a side of the input of the second network
PATCH = 48  # pixels a side of the input of the third network
GRAY = 127.5  # the networks were trained on (pixels - gray) / range
_RANGE = 128.0
_BLOCK = 16  # channels that onnxruntime computes together; it pads convolutions, but no pooling

_Weights = Iterator[np.ndarray]
_Pooling = tuple[int, str]
# By convolution: the side of the pooling after it, with a stride of two. With "same" there is a
# last window that reaches beyond an odd image.
_REFINEMENT = ((3, "same"), (3, "valid"), None)
_OUTPUT = ((3, "same"), (3, "valid"), (2, "same"), None)


def proposal_network() -> bytes:
    """Returns the network of sheets, uint8 (1, height, width, 3).

    Its output is (1, 5, rows, columns): the offsets of a box's corners, and its logit.
    """
    graph, weights = Graph(), _weights("p")
    x = graph.add("Cast", "pixels", to=1)  # float32
    x = graph.add("Transpose", x, perm=(0, 3, 1, 2))
    x = _pooled_prelu(graph, x, next(weights), next(weights), next(weights).ravel())
    x = _convolutions(graph, x, weights, (None, None))
    x = _convolve(graph, x, *_heads(weights))
    graph.name_output(x, "boxes")
    shape, outputs = (1, "height", "width", 3), (1, 5, "rows", "columns")
    return graph.serialize("p", {"pixels": shape}, {"boxes": outputs}, takes=np.uint8)


def refinement_network() -> bytes:
    """Returns the network of patches in [0, 255], float32 (n, 24, 24, 3).

    Its output is (n, 5): the offsets of a box's corners, and its logit.
    """
    return _patch_network("r", _REFINEMENT, REFINED_PATCH, 5)


def output_network() -> bytes:
    """Returns the network of patches in [0, 255], float32 (n, 48, 48, 3).

    Its output is (n, 15): the offsets of a box's corners, the landmarks, and the logit.
    """
    return _patch_network("o", _OUTPUT, PATCH, 15)


def _patch_network(
    name: str, poolings: Sequence[_Pooling | None], side: int, outputs: int
) -> bytes:
    graph, weights = Graph(), _weights(name)
    x = graph.add("Transpose", "pixels", perm=(0, 3, 1, 2))
    x = _convolutions(graph, x, weights, poolings)
    # Columns before rows, as the weights were trained.
    x = graph.add("Flatten", graph.add("Transpose", x, perm=(0, 3, 2, 1)))
    x = graph.add("Gemm", x, graph.constant(next(weights)), graph.constant(next(weights)))
    x = _prelu(graph, x, next(weights))
    x = graph.add("Gemm", x, *map(graph.constant, _heads(weights)))
    graph.name_output(x, "boxes")
    shape = ("patches", side, side, 3)
    return graph.serialize(name, {"pixels": shape}, {"boxes": ("patches", outputs)})


def _weights(name: str) -> _Weights:
    """Returns the weights of a network, as the `mtcnn` package saved them with joblib.

    They are pickled: the file is that of the package, never one of the current directory, where
    the package would look first. The package itself would import TensorFlow.
    """
    import joblib

    spec = find_spec("mtcnn")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).resolve().parent / "assets" / "weights" / f"{name}net.lz4"
    kernel, bias, *others = (np.asarray(array, np.float32) for array in joblib.load(path))
    kernel = kernel / _RANGE  # the first layer normalizes the pixels
    return iter([kernel, bias - GRAY * kernel.sum(axis=(0, 1, 2)), *others])


def _convolutions(
    graph: Graph, x: str, weights: _Weights, poolings: Sequence[_Pooling | None]
) -> str:
    """Adds convolutions with PReLU, and the pooling after each."""
    empty = 0  # channels of x
    for pooling in poolings:
        kernel, bias, slopes = next(weights), next(weights), next(weights).ravel()
        before, empty = empty, -len(bias) % _BLOCK if pooling else 0
        kernel = np.pad(kernel, ((0, 0), (0, 0), (0, before), (0, empty)))
        bias, slopes = np.pad(bias, (0, empty)), np.pad(slopes, (0, empty))
        x = _prelu(graph, _convolve(graph, x, kernel, bias), slopes[:, None, None])
        if pooling:
            x = _pool(graph, x, *pooling)
    return x


def _convolve(graph: Graph, x: str, kernel: np.ndarray, bias: np.ndarray) -> str:
    first_outputs = kernel.transpose(3, 2, 0, 1)
    return graph.add("Conv", x, graph.constant(first_outputs), graph.constant(bias))


def _pool(graph: Graph, x: str, side: int, padding: str) -> str:
    beyond = int(padding == "same")
    pads = (0, 0, beyond, beyond)
    return graph.add("MaxPool", x, kernel_shape=(side, side), strides=(2, 2), pads=pads)


def _prelu(graph: Graph, x: str, slopes: np.ndarray) -> str:
    """Adds x for positive x, and slopes × x for others.

    As slopes × x + (1 - slopes) × relu(x): onnxruntime leaves the layout of its convolutions for
    PRelu, and the first network takes 1.7 times as long with it.
    """
    scaled = graph.add("Mul", x, graph.constant(slopes))
    rest = graph.add("Mul", graph.add("Relu", x), graph.constant(1 - slopes))
    return graph.add("Add", scaled, rest)


def _pooled_prelu(
    graph: Graph, x: str, kernel: np.ndarray, bias: np.ndarray, slopes: np.ndarray
) -> str:
    """Adds a convolution with PReLU and a pooling of 2×2, by pooling first.

    Most of the network's time would go into the PReLU of this layer, before the pooling. With p the
    largest x of a window, and q the largest -x, the largest prelu(x) is prelu(p) for a positive
    slope, where prelu rises, and max(p, -slope × q) for a negative one. So the convolution also
    computes -x for the negative slopes, which fit into the block; after the pooling the answer is
    a × p + b × relu(c × p + d × q), by convolutions of 1×1.
    """
    negative = np.flatnonzero(slopes < 0)
    both = np.concatenate([kernel, -kernel[..., negative]], axis=-1)
    x = _convolve(graph, x, both, np.concatenate([bias, -bias[negative]]))
    x = _pool(graph, x, 2, "same")
    channels = len(slopes)
    inner = np.eye(channels, both.shape[-1], dtype=np.float32)
    inner[negative, negative] = -1
    inner[negative, channels + np.arange(len(negative))] = -slopes[negative]
    straight = np.where(slopes < 0, 1, slopes)[:, None] * np.eye(channels, both.shape[-1])
    bent = np.diag(np.where(slopes < 0, 1, 1 - slopes))
    relu = graph.add("Relu", _mix(graph, x, inner))
    return graph.add("Add", _mix(graph, relu, bent), _mix(graph, x, straight))


def _mix(graph: Graph, x: str, matrix: np.ndarray) -> str:
    """Adds the product of a matrix (outputs, inputs) and the channels of each pixel."""
    return graph.add("Conv", x, graph.constant(matrix[:, :, None, None]))


def _heads(weights: _Weights) -> tuple[np.ndarray, np.ndarray]:
    """Returns kernel and bias of all heads; of the two classes the difference of their logits."""
    arrays = list(weights)
    kernels, biases = arrays[::2], arrays[1::2]
    kernels[-1] = kernels[-1][..., 1:] - kernels[-1][..., :1]
    biases[-1] = biases[-1][1:] - biases[-1][:1]
    return np.concatenate(kernels, axis=-1), np.concatenate(biases)
