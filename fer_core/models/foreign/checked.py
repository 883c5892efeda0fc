"""Loads .onnx and .tflite files of runs, after a check in a process of its own.

A run may have been copied from anywhere, so what its import checked says nothing. A file that
passed is known by its content from then on.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fer_core.errors import FerError
from fer_core.models.foreign.litert_checks import check_litert
from fer_core.models.foreign.litert_model import LiteRTModel, read_record_of
from fer_core.models.foreign.onnx_checks import parse_onnx
from fer_core.models.foreign.onnx_edit import describe_input
from fer_core.models.foreign.onnx_file import OnnxFile
from fer_core.models.foreign.trial import try_model
from fer_core.models.model_file import MAX_BYTES
from fer_core.models.onnx_export import PIXELS, PROBABILITIES
from fer_core.models.prediction import Model
from fer_core.process_limits import resident_bytes
from fer_core.runs import TrainConfig
from fer_core.storage import DamagedFileError, paths, read_bytes

_MAX_SECONDS = 300.0  # of the check
_PASSED = "checked-models"  # a folder of the cache; change it when checks become stricter


@dataclass(frozen=True)
class Format:
    """Describes a format whose files are run as they are."""

    label: str
    load: Callable[[bytes, str], Model]
    examine: Callable[[bytes], object]  # before it is loaded

    def check(self, path: Path) -> None:
        """Checks a file in this process, which should have limits.

        Raises:
            FerError: it must not be loaded.
        """
        data = read_bytes(path, max_bytes=MAX_BYTES)
        self.examine(data)
        before = resident_bytes()
        try_model(self.load(data, path.stem), before, len(data))


def _examine_onnx(data: bytes) -> None:
    model = parse_onnx(data)
    image = describe_input(model)
    ends = (model.graph.input[0].name, model.graph.output[0].name)
    if ends != (PIXELS, PROBABILITIES) or image.channels_first or image.dtype != "float32":
        raise FerError(
            f"It must take `{PIXELS}`, float32 (faces, height, width, channels), and give "
            f"`{PROBABILITIES}`. Import the original file."
        )


def _load_litert(data: bytes, name: str) -> Model:
    return LiteRTModel(data, read_record_of(data), name)


FORMATS = {
    ".onnx": Format("ONNX", OnnxFile, _examine_onnx),
    ".tflite": Format("LiteRT", _load_litert, check_litert),
}


def load_foreign(
    path: Path, config: TrainConfig | None = None, classes: int | None = None
) -> Model:
    """Loads an .onnx or .tflite file that an import wrote.

    Args:
        config: of the run; the model must take images of its size.
        classes: that the model must tell apart.

    Raises:
        DamagedFileError: the file is missing or damaged, takes too much memory or time, or holds
            another model.
    """
    format = FORMATS[path.suffix]
    what = f"must hold a model in the format {format.label}"
    try:
        data = read_bytes(path, max_bytes=MAX_BYTES)
        _check_elsewhere(path, hashlib.sha256(data).hexdigest())
        model = format.load(data, path.parent.name)
        expected = None if config is None else (*config.image_size, config.channels)
        _check_number("images", model.input_shape[1:], expected)
        _check_number("classes", model.output_shape[-1], classes)
    except FileNotFoundError as error:
        raise DamagedFileError(path, f"{what}. It is missing") from error
    except DamagedFileError:
        raise
    except FerError as error:
        raise DamagedFileError(path, f"{what}. {error}") from error
    return model


def _check_number(what: str, received: object, expected: object) -> None:
    if expected is not None and received != expected:
        raise FerError(
            f"It must be the model of its run, which has {what}: {expected}. Received: {received}"
        )


def _check_elsewhere(path: Path, content: str) -> None:
    """Checks a file in another process, unless one with this content has passed.

    Raises:
        FerError: it must not be loaded.
    """
    passed = paths.cache_root() / _PASSED / content
    if passed.exists():
        return
    command = [sys.executable, "-m", "fer_core.models.foreign", str(path.resolve())]
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=paths.PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FerError(f"Its check took more than {_MAX_SECONDS:.0f} seconds.") from error
    if done.returncode:
        sentence = done.stdout.decode("utf-8", "replace")
        raise FerError(sentence or "It takes too much memory or time, or is damaged.")
    with suppress(OSError):  # it will be checked again
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()
