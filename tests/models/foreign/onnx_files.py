"""Writes small ONNX classifiers, sound and hostile ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

CLASSES = 7


def network(
    *,
    channels: int = 1,
    channels_first: bool = True,
    dtype: int = TensorProto.FLOAT,
    softmax: bool = False,
    batch: int | str = "N",
    opset: int = 17,
    fixed_reshape: bool = False,
    weights_are_inputs: bool = False,
) -> ModelProto:
    """Returns a convolution, a pooling and a dense layer over images of 24×24 pixels."""
    random = np.random.default_rng(0)
    computes_in = TensorProto.FLOAT if dtype == TensorProto.UINT8 else dtype
    numbers = helper.tensor_dtype_to_np_dtype(computes_in)
    arrays = {
        "kernel": random.normal(size=(4, channels, 3, 3)),
        "dense": random.normal(size=(4 * 12 * 12, CLASSES)) / 100,
    }
    weights = [numpy_helper.from_array(each.astype(numbers), name) for name, each in arrays.items()]
    nodes, x = [], "image"
    if dtype == TensorProto.UINT8:
        nodes.append(helper.make_node("Cast", [x], ["numbers"], to=computes_in))
        x = "numbers"
    if not channels_first:
        nodes.append(helper.make_node("Transpose", [x], ["turned"], perm=[0, 3, 1, 2]))
        x = "turned"
    nodes += [
        helper.make_node("Conv", [x, "kernel"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("MaxPool", ["features"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    if fixed_reshape:
        weights.append(numpy_helper.from_array(np.array([1, -1]), "shape"))
        nodes.append(helper.make_node("Reshape", ["pooled", "shape"], ["flat"]))
    else:
        nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "dense"], ["scores" if softmax else "out"]))
    if softmax:
        nodes.append(helper.make_node("Softmax", ["scores"], ["out"], axis=1))
    sides = [channels, 24, 24] if channels_first else [24, 24, channels]
    inputs = [helper.make_tensor_value_info("image", dtype, [batch, *sides])]
    if weights_are_inputs:
        inputs += [
            helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
            for each in weights
        ]
    output = helper.make_tensor_value_info("out", computes_in, [batch, CLASSES])
    graph = helper.make_graph(nodes, "network", inputs, [output], weights)
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=3 if weights_are_inputs else 8,
    )


def with_nodes(*nodes: NodeProto, weights: Sequence[TensorProto] = ()) -> ModelProto:
    """Returns the network with nodes at the end; the last one makes `out` of `scores`."""
    model = network(softmax=True)
    del model.graph.node[-1]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(weights)
    return model


def _node(operator: str, *inputs: str, output: str = "out", **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs, [output], **attributes)


def _sizes(*values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), "sizes")


def _from_size(operator: str, *sizes: int, first: str = "scores") -> ModelProto:
    """Returns a network whose answer depends on something huge that an operator makes."""
    inputs = ["sizes"] if operator == "ConstantOfShape" else [first, "sizes"]
    return with_nodes(
        _node(operator, *inputs, output="huge"),
        _node("ReduceMax", "huge", output="most", keepdims=0),
        _node("Mul", "scores", "most"),
        weights=[_sizes(*sizes)],
    )


def _doubling() -> ModelProto:
    nodes = [
        _node("Concat", name, name, output=f"scores{number}", axis=1)
        for number in range(33)
        for name in [f"scores{number - 1}" if number else "scores"]
    ]
    most = _node("ReduceMax", "scores32", output="most", keepdims=0)
    return with_nodes(*nodes, most, _node("Mul", "scores", "most"))


def _slow() -> ModelProto:
    """Returns a network that multiplies a large matrix with itself, again and again."""
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        _node("ConstantOfShape", "sizes", output="square0", value=one),
        _node("ReduceMax", "scores", output="most", keepdims=0),
        # Of the image, so that it is not computed while the model is loaded.
        _node("Mul", "square0", "most", output="square1"),
        *(
            _node("MatMul", f"square{number}", f"square{number}", output=f"square{number + 1}")
            for number in range(1, 400)
        ),
        _node("ReduceMax", "square400", output="last", keepdims=0),
        _node("Mul", "scores", "last"),
    ]
    return with_nodes(*nodes, weights=[_sizes(2_000, 2_000)])


# Sound files of ONNX that take too much, which only their trial can tell.
GREEDY: dict[str, Callable[[], ModelProto]] = {
    "constant of 40 GB": lambda: _from_size("ConstantOfShape", 100_000, 100_000),
    "constant of 2 GB": lambda: _from_size("ConstantOfShape", 50_000, 10_000),
    "expand": lambda: _from_size("Expand", 10_000_000, 1, 7),
    "tile": lambda: _from_size("Tile", 100_000, 10_000),
    "doubling": _doubling,
    "slow": _slow,
}


def _branch() -> NodeProto:
    body = helper.make_graph(
        [_node("Identity", "scores", output="chosen")],
        "branch",
        [],
        [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)],
    )
    return _node("If", "condition", then_branch=body, else_branch=body)


def _loop(operator: str, **attributes: Any) -> NodeProto:
    body = helper.make_graph([_node("Identity", "scores", output="chosen")], "body", [], [])
    return _node(operator, "scores", "scores", body=body, **attributes)


def _edited(edit: Callable[[ModelProto], object], **settings: Any) -> bytes:
    model = network(**settings)
    edit(model)
    return model.SerializeToString()


def _external(model: ModelProto) -> None:
    weights = model.graph.initializer[1]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")


def _two_inputs(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def _two_outputs(model: ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, None))


def _lying(model: ModelProto) -> None:
    model.graph.initializer[1].dims[:] = [100_000, 100_000]


def _negative(model: ModelProto) -> None:
    model.graph.initializer[1].dims[:] = [-1, -576 * CLASSES]


def _cycle(model: ModelProto) -> None:
    model.graph.node[0].input[0] = "out"


def _text(model: ModelProto) -> None:
    model.graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [1], [b"a"]))


def _function(model: ModelProto) -> None:
    opset = helper.make_opsetid("", 17)
    model.functions.append(
        helper.make_function("own", "F", ["a"], ["b"], [_node("Relu", "a", output="b")], [opset])
    )


def _sound(*nodes: NodeProto, weights: Sequence[TensorProto] = ()) -> Callable[[], bytes]:
    return lambda: with_nodes(*nodes, weights=weights).SerializeToString()


def _nested() -> bytes:
    """Returns a graph in an attribute of a node of a graph, and so on, 2,000 times."""
    content = b""
    for _ in range(2_000):
        for field in (6, 5, 1):  # the graph of an attribute, of a node, of a graph
            content = _field(field, content)
    return b"\x08\x08" + _field(7, content)


def _field(number: int, content: bytes) -> bytes:
    """Returns a field with bytes, as the wire of protocol buffers has it."""
    size, length = len(content), []
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


# Files that are refused before anything is computed.
HOSTILE: dict[str, Callable[[], bytes]] = {
    "weights in another file": lambda: _edited(_external),
    "condition": _sound(_branch()),
    "loop": _sound(_loop("Loop")),
    "scan": _sound(_loop("Scan", num_scan_inputs=1)),
    "custom operator": _sound(_node("Relu", "scores", domain="com.example")),
    "unknown operator": _sound(_node("Run", "scores")),
    "function": lambda: _edited(_function),
    "random numbers": _sound(_node("RandomNormalLike", "scores")),
    "size by pixels": _sound(
        _node("Cast", "scores", output="whole", to=TensorProto.INT64),
        _node("Expand", "scores", "whole"),
    ),
    "lying size": lambda: _edited(_lying),
    "negative size": lambda: _edited(_negative),
    "two inputs": lambda: _edited(_two_inputs),
    "two outputs": lambda: _edited(_two_outputs),
    "cycle": lambda: _edited(_cycle),
    "text": lambda: _edited(_text),
    "old opset": lambda: _edited(lambda model: None, opset=3),
    "future opset": lambda: _edited(lambda model: None, opset=999),
    "no opset": lambda: _edited(lambda model: model.ClearField("opset_import")),
    "four channels": lambda: network(channels=4).SerializeToString(),
    "batch of eight": lambda: network(batch=8).SerializeToString(),
    "whole numbers": lambda: _edited(
        lambda model: setattr(model.graph.input[0].type.tensor_type, "elem_type", TensorProto.INT64)
    ),
    "cut off": lambda: network().SerializeToString()[:-1_000],
    "nothing": lambda: b"\x08\x08",
    "noise": lambda: b"\x08\x08" + np.random.default_rng(0).bytes(10_000),
    "million empty nodes": lambda: b"\x08\x08" + _field(7, b"\x0a\x00" * 1_000_000),
    "nested": _nested,
    "packed numbers": lambda: b"\x08\x08" + _field(7, _field(5, _field(7, bytes(20_000_000)))),
}
