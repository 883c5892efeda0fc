"""Runs .tflite files in LiteRT's interpreter."""

import io
import json
import threading
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.models.foreign.onnx_edit import ImageInput, image_from_shape
from fer_core.models.foreign.preparation import Preparation, as_probabilities
from fer_core.onnx_graphs import default_threads
from fer_core.storage import check_record, parse_json

_RECORD = "import.json"  # in a .zip behind the model, which its interpreter reads past
_MAX_RECORD_BYTES = 10_000


@dataclass(frozen=True)
class LiteRTRecord:
    """Holds what a .tflite file does not say; stored behind it."""

    preparation: Preparation = Preparation()
    are_scores: bool | None = None  # see `as_probabilities`; None: what it gives is left as it is
    one_by_one: bool = True  # it takes one face at a time


class LiteRTModel:
    """Predicts with a .tflite file as a Keras model does; see `prediction.Model`. Thread-safe."""

    def __init__(self, data: bytes, record: LiteRTRecord, name: str) -> None:
        """Opens the bytes of a checked file.

        Raises:
            FerError: the interpreter refuses it, or it takes no image.
        """
        self.name = name
        self.record = record
        self._lock = threading.Lock()  # an interpreter has one set of tensors
        self._interpreter = _interpreter(data)
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self.image = _describe(self._input)
        self._batch = int(self._input["shape"][0])
        sides = (self.image.height, self.image.width, self.image.channels)
        self.input_shape: tuple[Any, ...] = (None, *sides)
        self.output_shape: tuple[Any, ...] = (None, int(np.prod(self._output["shape"][1:])))

    def predict_on_batch(self, x: np.ndarray, /) -> np.ndarray:
        """Returns probabilities (n, classes) of pixels (n, height, width, channels), float32.

        Raises:
            FerError: the interpreter cannot run it.
        """
        outputs = self._outputs(self.record.preparation.apply(x))
        if self.record.are_scores is None:
            return outputs
        return as_probabilities(outputs, are_scores=self.record.are_scores)

    def _outputs(self, images: np.ndarray) -> np.ndarray:
        if self.image.channels_first:
            images = images.transpose(0, 3, 1, 2)
        images = _quantize(images, self._input)
        size = 1 if self.record.one_by_one else max(1, len(images))
        with self._lock:
            parts = [
                self._invoke(images[start : start + size]) for start in range(0, len(images), size)
            ]
        if not parts:
            return np.zeros((0, self.output_shape[1]), np.float32)
        return np.concatenate(parts)

    def _invoke(self, images: np.ndarray) -> np.ndarray:
        try:
            if len(images) != self._batch:
                self._batch = 0  # unless all that follows succeeds
                self._interpreter.resize_tensor_input(self._input["index"], images.shape)
                self._interpreter.allocate_tensors()
                self._batch = len(images)
            self._interpreter.set_tensor(self._input["index"], images)
            self._interpreter.invoke()
            found = self._interpreter.get_tensor(self._output["index"])
        except (RuntimeError, ValueError) as error:
            raise FerError(f"LiteRT cannot run the model {self.name}: {error}") from error
        if len(found) != len(images):
            raise FerError(f"{self.name} must answer for each of {len(images)} images.")
        return _dequantize(found.reshape(len(found), -1), self._output)


def _interpreter(data: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=data, num_threads=default_threads())
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise FerError(f"LiteRT cannot open it: {str(error)[:200]}") from error
    return interpreter


def _describe(details: dict[str, Any]) -> ImageInput:
    shape = [int(side) for side in details["shape"]]
    dtype = np.dtype(details["dtype"]).name
    quantized = dtype in ("int8", "uint8") and _quantization(details) is not None
    return replace(image_from_shape(shape, "float32" if quantized else dtype), one_by_one=True)


def _quantization(details: dict[str, Any]) -> tuple[float, int] | None:
    """Returns scale and zero point of whole numbers that stand for others; None if they do not."""
    scale, zero_point = details["quantization"]
    return (float(scale), int(zero_point)) if scale else None


def _quantize(values: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    dtype, found = np.dtype(details["dtype"]), _quantization(details)
    if dtype.kind not in "iu":
        return np.ascontiguousarray(values, dtype)
    scale, zero_point = found or (1.0, 0)
    info = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + zero_point, info.min, info.max).astype(dtype)


def _dequantize(values: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    scale, zero_point = _quantization(details) or (1.0, 0)
    numbers = values.astype(np.float32)
    return (numbers - zero_point) * np.float32(scale) if values.dtype.kind in "iu" else numbers


def write_litert(data: bytes, record: LiteRTRecord, path: Path) -> None:
    """Writes a .tflite file with the record behind it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_RECORD), json.dumps(asdict(record)))
    path.write_bytes(data + packed.getvalue())


def read_record_of(data: bytes) -> LiteRTRecord:
    """Returns what `write_litert` wrote behind a file.

    Raises:
        FerError: nothing, or something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data[-_MAX_RECORD_BYTES:])) as archive:
            member = archive.getinfo(_RECORD)
            if member.file_size > _MAX_RECORD_BYTES:
                raise FerError("It must be short.")
            text = archive.read(member)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise FerError("It must say how it was imported. Import the .tflite file again.") from error
    return check_record(LiteRTRecord, parse_json(text))
