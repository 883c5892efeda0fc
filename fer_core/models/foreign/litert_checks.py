"""Checks the bytes of a .tflite file that anybody may have made, before its interpreter reads them.

The file is a flatbuffer: offsets that lead from table to table. What its operators could make of
memory and time is measured in a process of its own: see `trial`.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fer_core.errors import FerError
from fer_core.models.foreign.shapes import Node, sized_by_pixels

MAGIC = b"TFL3"  # at byte 4
EXTRA = "ai-edge-litert"
_MAX_OPERATORS, _MAX_TENSORS, _MAX_RANK = 5_000, 20_000, 8
_MAX_SIDE = 2**31 - 1
_CUSTOM = 32

# Operators of image classifiers. None has a subgraph, state, random numbers or text.
_NAMES = """
ABS ADD ADD_N ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_TO CAST
CEIL CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV ELU EQUAL EXP
EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GELU GREATER
GREATER_EQUAL HARD_SWISH L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL
LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX
MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 POW PRELU
QUANTIZE RANGE RANK REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1
RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT SELECT_V2 SHAPE
SIGN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE
SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TILE TRANSPOSE TRANSPOSE_CONV UNPACK
ZEROS_LIKE
"""
OPERATORS = frozenset(_NAMES.split())
_RESHAPING = """
BATCH_TO_SPACE_ND BROADCAST_TO EXPAND_DIMS MEAN MIRROR_PAD PAD PADV2 REDUCE_MAX REDUCE_MIN
REDUCE_PROD RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SLICE SPACE_TO_BATCH_ND SPLIT_V
STRIDED_SLICE SUM TILE TRANSPOSE
"""
_SIZES = {
    **dict.fromkeys(("FILL", "RANGE", "TRANSPOSE_CONV"), 0),
    **dict.fromkeys(_RESHAPING.split(), 1),
}
_FORGETFUL = frozenset({"SHAPE", "RANK", "ZEROS_LIKE"})
T = TypeVar("T")


@dataclass(frozen=True)
class LiteRTFacts:
    """Holds what the tables of a .tflite file say."""

    last_operator: str
    parameters: int


def check_litert(data: bytes) -> LiteRTFacts:
    """Checks the bytes of a .tflite file, and tells what they say.

    Raises:
        FerError: it is no .tflite file, or no image classifier of operators of the table; or the
            package that reads it is not installed.
    """
    if data[4:8] != MAGIC:
        raise FerError("It is no LiteRT file: it must have TFL3 at its fifth byte.")
    schema = _schema()
    try:
        return _Checks(schema, schema.Model.GetRootAs(data, 0), len(data)).run()
    except (struct.error, IndexError, OverflowError, TypeError, ValueError) as error:
        if isinstance(error, FerError):
            raise
        raise FerError("It is damaged: a table lies outside of the file.") from error


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise FerError(
            f"LiteRT files need the package {EXTRA}, which is not installed. Install it: "
            f"pip install {EXTRA}"
        ) from error
    return schema_py_generated


class _Checks:
    """Walks through the tables of a model."""

    def __init__(self, schema: Any, model: Any, size: int) -> None:
        self._model, self._size = model, size
        self._names = {
            value: name
            for name, value in vars(schema.BuiltinOperator).items()
            if isinstance(value, int)
        }
        self._sizes = {
            getattr(schema.TensorType, name): size
            for name, size in {
                "FLOAT32": 4,
                "FLOAT16": 2,
                "INT32": 4,
                "UINT8": 1,
                "INT64": 8,
                "BOOL": 1,
                "INT16": 2,
                "INT8": 1,
            }.items()
        }

    def run(self) -> LiteRTFacts:
        """Checks all."""
        if self._model.SubgraphsLength() != 1:
            raise FerError("It must have one graph, without loops and conditions.")
        graph = self._model.Subgraphs(0)
        codes = [self._operator(code) for code in self._all("OperatorCodes", 500)]
        buffers = [self._buffer(each) for each in self._all("Buffers", _MAX_TENSORS)]
        tensors = _listed(graph.TensorsLength(), graph.Tensors, "tensors", _MAX_TENSORS)
        parameters = sum(self._check_tensor(tensor, buffers) for tensor in tensors)
        operators = _listed(graph.OperatorsLength(), graph.Operators, "operators", _MAX_OPERATORS)
        if graph.InputsLength() != 1 or graph.OutputsLength() != 1:
            raise FerError(
                "It must take one image and give one output, a number for each class. It has "
                f"{graph.InputsLength()} inputs and {graph.OutputsLength()} outputs."
            )
        ends = [graph.Inputs(0), graph.Outputs(0)]
        nodes = [self._node(each, codes, len(tensors)) for each in operators]
        if not nodes or any(not 0 <= end < len(tensors) for end in ends):
            raise FerError("It is damaged: it has no operators, or no input.")
        sized = sized_by_pixels(nodes, str(ends[0]), _SIZES, _FORGETFUL)
        if sized:
            raise FerError(
                f"What it computes must have the same size for every image. {sized} depends on "
                "the values of pixels."
            )
        return LiteRTFacts(nodes[-1].operator, parameters)

    def _all(self, what: str, most: int) -> list[Any]:
        length, item = getattr(self._model, f"{what}Length")(), getattr(self._model, what)
        return _listed(length, item, what.lower(), most)

    def _operator(self, code: Any) -> str:
        number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        name = self._names.get(number, str(number))
        if number == _CUSTOM or code.CustomCode():
            custom = (code.CustomCode() or b"").decode("utf-8", "replace")[:100]
            raise FerError(
                f"Its operators must be built in. Received: {custom or 'a custom one'}. Convert "
                "it again without select TensorFlow operators (Flex) and custom ones."
            )
        if name not in OPERATORS:
            raise FerError(
                "Its operators must be those of an image classifier, without loops, conditions "
                f"or state. Received: {name}"
            )
        return name

    def _buffer(self, buffer: Any) -> int:
        """Returns how many bytes it has."""
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise FerError("Its weights must be in its tables, as those of files below 2 GB.")
        length = int(buffer.DataLength())
        if length > self._size:
            raise FerError("It is damaged: weights lie outside of the file.")
        return length

    def _check_tensor(self, tensor: Any, buffers: list[int]) -> int:
        """Checks a tensor, and returns how many weights it has."""
        if tensor.IsVariable() or tensor.Sparsity() is not None:
            raise FerError("It must have no sparse weights, and no state.")
        if tensor.ShapeLength() > _MAX_RANK:
            raise FerError(f"A tensor must have at most {_MAX_RANK} sides.")
        shape = [tensor.Shape(place) for place in range(tensor.ShapeLength())]
        item = self._sizes.get(tensor.Type())
        if item is None:
            raise FerError("It must compute with plain numbers of 8 to 64 bits.")
        if any(side < 0 for side in shape) or math.prod(shape) * item > _MAX_SIDE:
            raise FerError(f"A tensor must have less than 2 GB. Received: {shape}")
        if not 0 <= tensor.Buffer() < max(1, len(buffers)):
            raise FerError("It is damaged: a tensor has no buffer.")
        stored = buffers[tensor.Buffer()] if buffers else 0
        if stored and stored != math.prod(shape) * item:
            raise FerError(f"The weights of shape {shape} must have their size. Received: {stored}")
        return math.prod(shape) if stored else 0

    def _node(self, operator: Any, codes: list[str], tensors: int) -> Node:
        if not 0 <= operator.OpcodeIndex() < len(codes) or operator.CustomOptionsLength():
            raise FerError("It is damaged: an operation is none of its operators.")
        inputs = _numbers(operator.InputsLength(), operator.Inputs, tensors, -1)
        outputs = _numbers(operator.OutputsLength(), operator.Outputs, tensors, 0)
        return Node(codes[operator.OpcodeIndex()], inputs, outputs)


def _numbers(length: int, item: Callable[[int], int], tensors: int, least: int) -> list[str]:
    """Returns tensors as names; -1 stands for one that is left out."""
    numbers = _listed(length, item, "inputs of an operation", 100)
    if any(not least <= number < tensors for number in numbers):
        raise FerError("It is damaged: an operation takes a tensor that it does not have.")
    return [str(number) for number in numbers]


def _listed(length: int, item: Callable[[int], T], what: str, most: int) -> list[T]:
    if length > most:
        raise FerError(f"It must have at most {most:,} {what}. Received: {length:,}")
    return [item(place) for place in range(length)]
