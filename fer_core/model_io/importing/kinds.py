"""Tells by its first bytes what kind of model a file holds, and which function reads it.

Another kind is a row of `KINDS`: a way to recognize it, and the name of a function
`read(files, choices, folder) -> ForeignModel`, which runs in a process of its own with limits on
memory and time. With choices it also writes the model into the folder: `model.keras` or, of a
model that onnxruntime runs as it is, `model.onnx`. It takes pixels in [0, 255] (n, height, width,
channels), RGB or gray, and gives probabilities. What it raises besides a FerError is reported as a
damaged file.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel

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


KINDS: tuple[Kind, ...] = ()
