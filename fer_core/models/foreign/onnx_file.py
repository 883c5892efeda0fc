"""Runs .onnx files that an import wrote."""

import re
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.models.onnx_export import PROBABILITIES
from fer_core.onnx_graphs import Session
from fer_core.text import shortened

_CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


class OnnxFile:
    """Predicts with an .onnx file as a Keras model does; see `prediction.Model`. Thread-safe."""

    def __init__(self, data: bytes, name: str) -> None:
        """Opens the bytes of a checked file; see `edit_onnx`.

        Raises:
            FerError: onnxruntime refuses it.
        """
        self.name = name
        try:
            self._session = Session(data)
        except Exception as error:  # onnxruntime's own have no common class
            raise FerError(f"onnxruntime cannot open it: {_message(error)}") from error
        batch, *sides = self._session.input_shape
        self.input_shape: tuple[Any, ...] = (None, *sides)
        self.output_shape: tuple[Any, ...] = (None, *self._session.output_shapes[PROBABILITIES][1:])
        self._one_by_one = batch == 1

    def predict_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Returns probabilities (n, classes) of pixels (n, height, width, channels), float32.

        Raises:
            FerError: onnxruntime cannot run it.
        """
        size = 1 if self._one_by_one else max(1, len(x))
        parts = [np.zeros((0, self.output_shape[1]), np.float32)]
        try:
            for start in range(0, len(x), size):
                parts.append(self._session.run(x[start : start + size], PROBABILITIES))
        except Exception as error:  # as above
            raise FerError(f"onnxruntime cannot run it: {_message(error)}") from error
        return np.concatenate(parts)


def _message(error: Exception) -> str:
    """Returns what onnxruntime says, without the number and name of its error."""
    text = str(error)
    if "Failed to allocate memory" in text:
        return "it takes too much memory"
    return shortened(_CODE.sub("", text))
