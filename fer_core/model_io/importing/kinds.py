"""Tells by its first bytes what kind of model a file holds, and which function reads it.

Another kind is a row of `KINDS`: a way to recognize it, and the name of a function
`read(files, choices, folder) -> ForeignModel`, which runs in a process of its own with limits on
memory and time. With choices it also writes the model into the folder: `model.keras` or, of a
model that is run as it is, `model.onnx` or `model.tflite`. It takes pixels in [0, 255] (n, height,
width, channels), RGB or gray, and gives probabilities. What it raises besides a FerError is
reported as a damaged file.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.other_files import (
    HDF5,
    START_BYTES,
    ZIP,
    explain,
    explain_folder,
    members,
)
from fer_core.storage import open_regular

Read = Callable[[Files, ImportChoices | None, Path], ForeignModel]


@dataclass(frozen=True)
class Kind:
    """Describes a kind of model file that can be imported."""

    name: str
    recognizes: Callable[[Path, bytes], bool]  # the path of a regular file, and its first bytes
    function: str  # "module:name" of a `Read`

    def read(self, files: Files, choices: ImportChoices | None, folder: Path) -> ForeignModel:
        """Reads the files; see above."""
        module, _, name = self.function.partition(":")
        function: Read = getattr(importlib.import_module(module), name)
        return function(files, choices, folder)


_MAX_JSON_START = 64  # bytes of white space before a description


def _is_keras(path: Path, start: bytes) -> bool:
    """Recognizes .h5 and .keras files, whatever they are called, and descriptions in JSON."""
    if start.startswith(HDF5):
        return True
    if start.startswith(ZIP):
        return (
            b"config.json" in start
            or b"model.weights.h5" in start
            or "config.json" in members(path)
        )
    return start[:_MAX_JSON_START].lstrip().startswith(b"{") and b'"class_name"' in start


def _is_onnx(path: Path, start: bytes) -> bool:
    """Recognizes the version of the format, and a field that may follow it."""
    is_versioned = start[:1] == b"\x08" and start[1:2] in _VERSIONS
    return is_versioned and start[2:3] in _AFTER_VERSION


def _is_litert(path: Path, start: bytes) -> bool:
    return start[4:8] == b"TFL3"


_VERSIONS = tuple(bytes([version]) for version in range(3, 21))
# The name, version, domain or documentation of who made it, the graph, or the opset.
_AFTER_VERSION = (b"\x12", b"\x1a", b"\x22", b"\x28", b"\x32", b"\x3a", b"\x42")
KINDS: tuple[Kind, ...] = (
    Kind("keras", _is_keras, "fer_core.model_io.importing.keras_file:read_keras"),
    Kind("onnx", _is_onnx, "fer_core.model_io.importing.onnx_reader:read_onnx"),
    Kind("litert", _is_litert, "fer_core.model_io.importing.litert_reader:read_litert"),
)


def kind_of(path: Path) -> Kind:
    """Returns the kind of a file that can be imported.

    Raises:
        FerError: it is of none; a sentence tells what it is, and what to do.
    """
    if path.is_dir():
        raise FerError(explain_folder(path))
    with open_regular(path) as file:
        start = file.read(START_BYTES)
    for kind in KINDS:
        if kind.recognizes(path, start):
            return kind
    raise FerError(explain(path, start))
