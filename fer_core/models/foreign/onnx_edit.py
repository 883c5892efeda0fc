"""Edits a checked .onnx file so that it takes the pixels of this program and gives probabilities.

What a person chose becomes nodes of the graph, so that the file is all one needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.errors import FerError
from fer_core.models.foreign.onnx_checks import class_output, image_input
from fer_core.models.foreign.preparation import EPSILON, Preparation
from fer_core.models.onnx_export import BATCH, PIXELS, PROBABILITIES
from fer_core.runs import LARGEST_IMAGE

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

_PREFIX = "imported_"  # before the names of the file, which could be those added here
_AXES_ARE_INPUTS = 18  # since this opset, of ReduceMean
_MAX_IR_VERSION, _MIN_IR_VERSION = 10, 4  # read by onnxruntime 1.19 and later; weights are no input


@dataclass(frozen=True)
class ImageInput:
    """Describes the input of a foreign model."""

    height: int
    width: int
    channels: int
    channels_first: bool
    dtype: str  # of NumPy
    one_by_one: bool  # it takes one image at a time

    @property
    def takes_bytes(self) -> bool:
        """Tells whether it takes whole numbers from 0 to 255."""
        return self.dtype == "uint8"


def describe_input(model: "ModelProto") -> ImageInput:
    """Tells what image the model takes.

    Raises:
        FerError: it takes something else than one gray or RGB image of a fixed size.
    """
    from onnx import helper

    tensor = image_input(model).type.tensor_type
    shape = [each.dim_value if each.HasField("dim_value") else 0 for each in tensor.shape.dim]
    try:
        dtype = str(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    except (KeyError, TypeError, ValueError):
        dtype = "an unknown type"
    return image_from_shape(shape, dtype)


def image_from_shape(shape: Sequence[int], dtype: str) -> ImageInput:
    """Tells what image an input of this shape is; 0 stands for any size.

    Raises:
        FerError: it is none of those that can be imported.
    """
    wanted = (
        f"It must take gray or RGB images of one size up to {LARGEST_IMAGE} pixels a side, as "
        "(batch, height, width, channels) or (batch, channels, height, width)"
    )
    sides = "×".join(str(side) if side > 0 else "?" for side in shape) or "no shape"
    if len(shape) != 4 or shape[0] not in (-1, 0, 1):
        raise FerError(f"{wanted}, with any number of images or one. Received: {sides}")
    first = shape[1] in (1, 3) and shape[3] not in (1, 3)
    height, width, channels = (*shape[2:], shape[1]) if first else shape[1:]
    if channels not in (1, 3) or not all(1 <= side <= LARGEST_IMAGE for side in (height, width)):
        raise FerError(f"{wanted}. Received: {sides}. Export it with a fixed size.")
    if dtype not in ("float32", "float16", "float64", "uint8"):
        raise FerError(
            f"It must take images of float32, float16, float64 or uint8. Received: {dtype}. "
            "Export it in one of these."
        )
    return ImageInput(height, width, channels, first, dtype, one_by_one=shape[0] == 1)


def edit_onnx(
    model: "ModelProto",
    image: ImageInput,
    preparation: Preparation,
    classes: int | None,
    *,
    are_scores: bool = False,
) -> bytes:
    """Returns an .onnx file from `pixels` (faces, height, width, channels) to `probabilities`.

    Args:
        model: checked; see `parse_onnx`. It is left as it is.
        image: what it takes; with `one_by_one` the file takes one face at a time too.
        classes: numbers in its output; None leaves what it gives as it is.
        are_scores: see `as_probabilities`.
    """
    from onnx import compose, helper

    source = compose.add_prefix(model, _PREFIX)
    opset = next(each.version for each in source.opset_import if each.domain in ("", "ai.onnx"))
    added = _Nodes(opset)
    _prepare(added, image, preparation, image_input(source).name)
    before, added.nodes = added.nodes, []
    _finish(added, class_output(source).name, classes, are_scores)
    batch: int | str = 1 if image.one_by_one else BATCH
    pixels = (batch, image.height, image.width, image.channels)
    graph = helper.make_graph(
        [*before, *source.graph.node, *added.nodes],
        "imported",
        [helper.make_tensor_value_info(PIXELS, _FLOAT, pixels)],
        [helper.make_tensor_value_info(PROBABILITIES, _FLOAT, (batch, classes or "classes"))],
        initializer=[*source.graph.initializer, *added.weights],
    )
    edited = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=min(_MAX_IR_VERSION, max(_MIN_IR_VERSION, source.ir_version)),
        producer_name="FER Studio",
    )
    return edited.SerializeToString()


_FLOAT = 1  # TensorProto.FLOAT


class _Nodes:
    """Collects nodes and weights that are added to a graph of some opset."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._count = 0

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = output or self._name()
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, values: object, dtype: str = "float32") -> str:
        from onnx import numpy_helper

        name = self._name()
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def mean(self, name: str) -> str:
        """Returns the mean of each image."""
        axes = [1, 2, 3]
        if self.opset >= _AXES_ARE_INPUTS:
            return self.add("ReduceMean", name, self.constant(axes, "int64"), keepdims=1)
        return self.add("ReduceMean", name, axes=axes, keepdims=1)

    def _name(self) -> str:
        self._count += 1
        return f"added_{self._count}"


def _prepare(added: _Nodes, image: ImageInput, preparation: Preparation, target: str) -> None:
    """Adds what becomes of the pixels until the model takes them as `target`."""
    from onnx import helper

    name = PIXELS
    if preparation.bgr:
        name = added.add("Gather", name, added.constant([2, 1, 0], "int64"), axis=3)
    for operator, values, neutral in (
        ("Mul", preparation.scale, 1.0),
        ("Add", preparation.offset, 0.0),
    ):
        if set(values) != {neutral}:
            name = added.add(operator, name, added.constant(values))
    if preparation.standardized:
        name = _standardize(added, name)
    if image.takes_bytes:
        name = added.add("Floor", added.add("Add", name, added.constant(0.5)))
    if image.channels_first:
        name = added.add("Transpose", name, perm=(0, 3, 1, 2))
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(image.dtype))
    added.add("Cast", name, output=target, to=dtype)


def _standardize(added: _Nodes, name: str) -> str:
    centered = added.add("Sub", name, added.mean(name))
    variance = added.mean(added.add("Mul", centered, centered))
    deviation = added.add("Sqrt", added.add("Add", variance, added.constant(EPSILON)))
    return added.add("Div", centered, deviation)


def _finish(added: _Nodes, name: str, classes: int | None, are_scores: bool) -> None:
    """Adds what makes probabilities of the output."""
    name = added.add("Flatten", added.add("Cast", name, to=_FLOAT), axis=1)
    if classes is None:
        added.add("Identity", name, output=PROBABILITIES)
        return
    if are_scores:
        added.add("Softmax", name, output=PROBABILITIES, axis=1)
        return
    # By a matrix of ones, since the operator for sums differs between opsets.
    total = added.add("MatMul", name, added.constant(np.ones((classes, classes))))
    positive = added.add("Add", total, added.constant(1e-12))
    added.add("Div", name, positive, output=PROBABILITIES)
