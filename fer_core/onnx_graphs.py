"""Builds ONNX graphs node by node, and runs them with onnxruntime."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_OPSET, _IR_VERSION = 20, 10  # read by onnxruntime 1.19 (2024) and later, also in a browser
_MAX_THREADS = 4  # of a session; networks this small gain nothing from more


class Graph:
    """Collects the nodes and weights of a graph in float32; names are made up in order."""

    def __init__(self) -> None:
        # Imported here, since only those who build a graph need it.
        from onnx import NodeProto, TensorProto

        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []
        self._counts: Counter[str] = Counter()

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with one output, and returns the name of that output."""
        from onnx import helper

        output = self._name(operator)
        self._nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def name_output(self, tensor: str, name: str) -> None:
        """Gives a tensor another name, under which it can be an output."""
        from onnx import helper

        self._nodes.append(helper.make_node("Identity", [tensor], [name], name))

    def constant(self, array: np.ndarray | Sequence[float] | float) -> str:
        """Adds weights, stored in float32, and returns their name."""
        from onnx import numpy_helper

        name = self._name("weights")
        self._weights.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def integers(self, values: Sequence[int]) -> str:
        """Adds whole numbers, such as a size, and returns their name."""
        from onnx import numpy_helper

        name = self._name("integers")
        self._weights.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def serialize(
        self,
        name: str,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Mapping[str, Sequence[int | str]],
        *,
        takes: type = np.float32,
    ) -> bytes:
        """Returns the bytes of an .onnx file.

        Args:
            inputs: shapes by name; a side is a number, or a name where it differs between runs.
            outputs: the same for the outputs, which are float32.
            takes: data type of the inputs.
        """
        from onnx import helper

        taken, given = (
            [
                helper.make_tensor_value_info(
                    each, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
                )
                for each, shape in side.items()
            ]
            for side, dtype in ((inputs, takes), (outputs, np.float32))
        )
        graph = helper.make_graph(self._nodes, name, taken, given, initializer=self._weights)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="FER Studio"
        )
        return model.SerializeToString()

    def _name(self, what: str) -> str:
        self._counts[what] += 1
        return f"{what}_{self._counts[what]}"


class Session:
    """Runs a graph with the input `pixels` in onnxruntime, on the CPU. Threads may share it."""

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        """Opens the bytes of an .onnx file.

        Args:
            threads: that one run uses; by default see `default_threads`.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or default_threads()
        options.inter_op_num_threads = 1
        # Idle threads sleep: they would take the cores from others, such as a training.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors are exceptions anyway
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(model, options, providers=providers)
        # Gives the memory of a large image or batch back after the run.
        self._run_options = onnxruntime.RunOptions()
        self._run_options.log_severity_level = 4
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    @property
    def input_shape(self) -> tuple[int | str, ...]:
        """Returns the shape of `pixels`; a side that differs between runs has a name."""
        (pixels,) = self._session.get_inputs()
        return tuple(pixels.shape)

    @property
    def output_shapes(self) -> dict[str, tuple[int | str, ...]]:
        """Returns the shapes of the outputs by name."""
        return {each.name: tuple(each.shape) for each in self._session.get_outputs()}

    def run(self, pixels: np.ndarray, output: str) -> np.ndarray:
        """Returns an output for `pixels`."""
        (result,) = self._session.run([output], {"pixels": pixels}, self._run_options)
        return np.asarray(result)


def default_threads() -> int:
    """Returns the number of threads of a run: OMP_NUM_THREADS, or the cores of this process."""
    requested = os.environ.get("OMP_NUM_THREADS", "")
    if requested.isdecimal() and int(requested) > 0:
        return int(requested)
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return min(_MAX_THREADS, len(usable) or os.cpu_count() or 1)
