"""Checks the bytes of an .onnx file that anybody may have made, before onnxruntime reads them.

Nothing is allocated but what the file holds itself. What its operators could make of that is
measured in a process of its own: see `trial`.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer_core.errors import FerError
from fer_core.models.foreign.shapes import Node, sized_by_pixels
from fer_core.models.foreign.wire import WireWalk
from fer_core.text import shortened

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

MIN_OPSET = 7  # before it, tensors of different shapes were added otherwise
_MAX_NODES = 5_000
_MAX_RANK = 8
_DOMAINS = ("", "ai.onnx")  # two names of the standard
_MAX_IR_VERSION = 13

# Operators of image classifiers. None has a subgraph, draws random numbers, reads a file, or
# makes text or sequences; and none gives something whose size depends on the values it takes,
# except for those of `_SIZES`.
_NAMES = """
Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat
Constant ConstantOfShape Conv ConvInteger ConvTranspose DepthToSpace DequantizeLinear Div
Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand Flatten Floor Gather
GatherElements Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual
GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization LRN
LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul
MatMulInteger Max MaxPool Mean Min Mish Mul Neg Not Or PRelu Pad Pow QLinearConv QLinearMatMul
QuantizeLinear RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean
ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid
Sign Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tanh
ThresholdedRelu Tile Transpose Unsqueeze Upsample Where Xor
"""
OPERATORS = frozenset(_NAMES.split())
_SIZES = {
    "ConstantOfShape": 0,
    "Expand": 1,
    "Pad": 1,
    "Range": 0,
    "Reshape": 1,
    "Resize": 1,
    "Slice": 1,
    "Split": 1,
    "Squeeze": 1,
    "Tile": 1,
    "Unsqueeze": 1,
    "Upsample": 1,
    **{each: 1 for each in OPERATORS if each.startswith("Reduce")},
}
_FORGETFUL = frozenset({"Shape", "Size"})


def parse_onnx(data: bytes) -> "ModelProto":
    """Returns the model that the bytes of an .onnx file hold, checked.

    Raises:
        FerError: it is not one, or no image classifier of operators of the table.
    """
    import onnx
    from google.protobuf.message import DecodeError

    WireWalk(data).check(onnx.ModelProto.DESCRIPTOR)
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise FerError("It is damaged.") from error
    if not model.graph.node:
        raise FerError("It is no ONNX file, or has no layers.")
    _check_versions(model)
    _check_nodes(model)
    for tensor in _tensors(model):
        _check_tensor(tensor)
    image_input(model)
    class_output(model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise FerError(f"It breaks a rule of ONNX: {shortened(str(error))}") from error
    return model


def _check_versions(model: "ModelProto") -> None:
    import onnx

    used = [each.version for each in model.opset_import if each.domain in _DOMAINS]
    newest = onnx.defs.onnx_opset_version()
    if len(used) != 1 or not MIN_OPSET <= used[0] <= newest:
        raise FerError(
            f"It must use one opset from {MIN_OPSET} to {newest} of ONNX. Received: "
            f"{', '.join(map(str, used[:5])) or 'none'}. Convert it with onnx.version_converter, "
            "or export it again with another opset."
        )
    if model.ir_version > _MAX_IR_VERSION:
        raise FerError(
            f"The version of the file's format must be at most {_MAX_IR_VERSION}. Received: "
            f"{model.ir_version}. Export it for an older version of onnxruntime."
        )
    others = (
        ("functions of its own", model.functions),
        ("training steps", model.training_info),
        ("sparse weights", model.graph.sparse_initializer),
    )
    for what, found in others:
        if found:
            raise FerError(f"It must not have {what}. Export it for inference, without them.")


def _check_nodes(model: "ModelProto") -> None:
    from onnx import AttributeProto

    plain = (
        AttributeProto.FLOAT,
        AttributeProto.INT,
        AttributeProto.STRING,
        AttributeProto.TENSOR,
        AttributeProto.FLOATS,
        AttributeProto.INTS,
        AttributeProto.STRINGS,
    )
    nodes = model.graph.node
    if len(nodes) > _MAX_NODES:
        raise FerError(f"It must have at most {_MAX_NODES:,} operations. Received: {len(nodes):,}")
    for node in nodes:
        if node.domain not in _DOMAINS or node.op_type not in OPERATORS:
            name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            raise FerError(
                "Its operations must be those of an image classifier, without loops, conditions "
                f"or custom operators. Received: {shortened(name)}"
            )
        if any(each.type not in plain or each.ref_attr_name for each in node.attribute):
            raise FerError(f"The operation {node.op_type} must not contain another graph.")
    sized = sized_by_pixels(
        [Node(node.op_type, node.input, node.output) for node in nodes],
        image_input(model).name,
        _SIZES,
        _FORGETFUL,
    )
    if sized:
        raise FerError(
            f"What it computes must have the same size for every image. {sized} depends on the "
            "values of pixels."
        )


def _tensors(model: "ModelProto") -> list["TensorProto"]:
    """Returns all weights and constants."""
    attributes = [each for node in model.graph.node for each in node.attribute]
    constants = [each.t for each in attributes if each.HasField("t")]
    return [*model.graph.initializer, *constants]


def _check_tensor(tensor: "TensorProto") -> None:
    """Checks that a tensor is in the file as large as it says it is, and of numbers."""
    from onnx import TensorProto, helper

    name = shortened(tensor.name) or "a constant"
    if tensor.data_location != TensorProto.DEFAULT or tensor.external_data:
        raise FerError(
            f"All weights must be in the file itself; {name} is in another. Save the model again "
            "with onnx.save_model(…, save_as_external_data=False)."
        )
    known = set(helper.get_all_tensor_dtypes()) - {TensorProto.STRING, TensorProto.UNDEFINED}
    if tensor.data_type not in known:
        raise FerError(f"Its weights must be numbers. {name} is not.")
    if len(tensor.dims) > _MAX_RANK or any(side < 0 for side in tensor.dims):
        raise FerError(f"{name} must have up to {_MAX_RANK} sides, none negative.")
    size = math.prod(tensor.dims)
    stored = max(len(tensor.raw_data) * 2, *(len(getattr(tensor, each)) for each in _DATA))
    # `onnx.checker` compares them exactly; four bits a number are the least.
    if size > stored:
        raise FerError(f"{name} must have {size:,} numbers in the file. It has fewer.")


_DATA = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")


def image_input(model: "ModelProto") -> "ValueInfoProto":
    """Returns the one input that is no weight.

    Raises:
        FerError: there are several, or none.
    """
    weights = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    if len(inputs) != 1:
        raise FerError(f"It must take one image. Its inputs: {_names(inputs)}")
    return inputs[0]


def class_output(model: "ModelProto") -> "ValueInfoProto":
    """Returns the one output.

    Raises:
        FerError: there are several, or none.
    """
    outputs = model.graph.output
    if len(outputs) != 1:
        raise FerError(
            "It must give one output, a number for each class. Export it with that one alone. Its "
            f"outputs: {_names(outputs)}"
        )
    return outputs[0]


def _names(values: Sequence[Any]) -> str:
    return ", ".join(shortened(each.name) for each in values[:10]) or "none"
