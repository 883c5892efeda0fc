"""Writes small LiteRT classifiers, sound and hostile ones, by the tables of their format."""

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIDE, CLASSES = 8, 7
_OPERATORS = schema.BuiltinOperator
_TYPES = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32}
_TYPES |= {"int8": schema.TensorType.INT8, "uint8": schema.TensorType.UINT8}


class Network:
    """Collects the tables of a model; `model` may be changed before it is written."""

    def __init__(self) -> None:
        """Begins with an image of one channel."""
        self.model = schema.ModelT()
        self.graph = schema.SubGraphT()
        self.model.version = 3
        self.model.subgraphs = [self.graph]
        self.model.operatorCodes, self.model.buffers = [], [schema.BufferT()]
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs = [self.tensor([1, SIDE, SIDE, 1])]

    def tensor(
        self, shape: list[int], values: np.ndarray | None = None, dtype: str = "float32"
    ) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = shape, _TYPES[dtype], 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype(dtype).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add(self, operator: int, *inputs: int, shape: list[int], dtype: str = "float32") -> int:
        code, operation = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = operator
        code.version = 1
        self.model.operatorCodes.append(code)
        operation.opcodeIndex = len(self.model.operatorCodes) - 1
        output = self.tensor(shape, dtype=dtype)
        operation.inputs, operation.outputs = list(inputs), [output]
        self.graph.operators.append(operation)
        return output

    def written(self) -> bytes:
        """Returns the bytes of the file."""
        builder = flatbuffers.Builder(1_000)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def network(*, softmax: bool = True) -> Network:
    """Returns a dense layer over all pixels, and a softmax."""
    made = Network()
    sides = np.array([-1, SIDE * SIDE])
    flat = made.add(
        _OPERATORS.RESHAPE,
        made.graph.inputs[0],
        made.tensor([2], sides, "int32"),
        shape=[1, SIDE * SIDE],
    )
    kernel = np.random.default_rng(0).normal(size=(CLASSES, SIDE * SIDE)) / 100
    dense = made.tensor([CLASSES, SIDE * SIDE], kernel)
    options = schema.FullyConnectedOptionsT()
    last = made.add(_OPERATORS.FULLY_CONNECTED, flat, dense, -1, shape=[1, CLASSES])
    _options(made, schema.BuiltinOptions.FullyConnectedOptions, options)
    if softmax:
        last = made.add(_OPERATORS.SOFTMAX, last, shape=[1, CLASSES])
        beta = schema.SoftmaxOptionsT()
        beta.beta = 1.0
        _options(made, schema.BuiltinOptions.SoftmaxOptions, beta)
    made.graph.outputs = [last]
    return made


def _options(made: Network, kind: int, options: Any) -> None:
    operation = made.graph.operators[-1]
    operation.builtinOptionsType, operation.builtinOptions = kind, options


def dense_kernel(made: Network) -> np.ndarray:
    """Returns the weights of `network`: (classes, pixels)."""
    return made.model.buffers[2].data.view(np.float32).reshape(CLASSES, -1)


def _edited(edit: Callable[[Network], object]) -> Callable[[], bytes]:
    def write() -> bytes:
        made = network()
        edit(made)
        return made.written()

    return write


def _custom(made: Network) -> None:
    code = made.model.operatorCodes[-1]
    code.builtinCode = code.deprecatedBuiltinCode = _OPERATORS.CUSTOM
    code.customCode = "FlexSoftmax"


def _operator(operator: int) -> Callable[[Network], None]:
    def edit(made: Network) -> None:
        code = made.model.operatorCodes[-1]
        code.builtinCode, code.deprecatedBuiltinCode = operator, min(operator, 127)

    return edit


def _sized_by_pixels(made: Network) -> None:
    sides = made.add(_OPERATORS.CAST, made.graph.outputs[0], shape=[CLASSES], dtype="int32")
    made.graph.outputs = [
        made.add(_OPERATORS.FILL, sides, made.tensor([], np.zeros(())), shape=[1, CLASSES])
    ]


def _huge(made: Network) -> None:
    made.graph.tensors[made.graph.outputs[0]].shape = [100_000, 100_000]


def _lying(made: Network) -> None:
    made.graph.tensors[3].shape = [CLASSES, 1_000_000]


def _outside(made: Network) -> None:
    made.graph.operators[0].inputs = [0, 1_000]


def _state(made: Network) -> None:
    made.graph.tensors[0].isVariable = True


def _two_graphs(made: Network) -> None:
    made.model.subgraphs = [made.graph, made.graph]


def _two_inputs(made: Network) -> None:
    made.graph.inputs = [0, 1]


def _audio(made: Network) -> None:
    made.graph.tensors[0].shape = [1, 16_000]


HOSTILE: dict[str, Callable[[], bytes]] = {
    "custom operator": _edited(_custom),
    "loop": _edited(_operator(_OPERATORS.WHILE)),
    "call": _edited(_operator(_OPERATORS.CALL_ONCE)),
    "unknown operator": _edited(_operator(5_000)),
    "size by pixels": _edited(_sized_by_pixels),
    "huge tensor": _edited(_huge),
    "lying size": _edited(_lying),
    "tensor outside": _edited(_outside),
    "state": _edited(_state),
    "two graphs": _edited(_two_graphs),
    "two inputs": _edited(_two_inputs),
    "no image": _edited(_audio),
    "cut off": lambda: network().written()[:200],
    "start alone": lambda: b"\x1c\x00\x00\x00TFL3",
    "noise": lambda: b"\x1c\x00\x00\x00TFL3" + np.random.default_rng(0).bytes(5_000),
}


def greedy() -> bytes:
    """Returns a model that repeats its answer 100 million times."""
    made = network()
    many = made.tensor([2], np.array([100_000_000, 1]), "int32")
    huge = made.add(_OPERATORS.TILE, made.graph.outputs[0], many, shape=[1, CLASSES])
    axis = made.tensor([1], np.array([0]), "int32")
    made.graph.outputs = [made.add(_OPERATORS.REDUCE_MAX, huge, axis, shape=[1, CLASSES])]
    options = schema.ReducerOptionsT()
    options.keepDims = True
    _options(made, schema.BuiltinOptions.ReducerOptions, options)
    return made.written()
