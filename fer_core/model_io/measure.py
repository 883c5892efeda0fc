"""Predicts faces with an export or with its model, in a process of its own on one core.

In one process, runtimes would share threads and memory, and whatever was loaded first.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_core.errors import FerError
from fer_core.hardware import subprocess_env
from fer_core.storage import paths, replacing

BATCH = 32
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_MAX_SECONDS = 900.0  # of the process
_WAIT_SECONDS = 0.3

WhileWaiting = Callable[[], None]


@dataclass(frozen=True)
class Measurement:
    """Holds the answers for some faces, and how long they took on one core."""

    probabilities: np.ndarray  # (faces, classes)
    load_seconds: float  # of the imports and the model
    milliseconds: tuple[float, float]  # a face, one at a time and in batches of `BATCH`


def measure_export(faces: np.ndarray, folder: Path, while_waiting: WhileWaiting) -> Measurement:
    """Predicts uint8 faces (n, height, width, channels) with `predict.py` of an export's folder.

    Args:
        while_waiting: called a few times a second; what it raises ends the process.

    Raises:
        RuntimeError: the process failed.
    """
    faces_file, answers_file = folder / ".faces.npy", folder / ".answers.npz"
    try:
        return _measure(faces, faces_file, answers_file, [], while_waiting)
    finally:
        answers_file.unlink(missing_ok=True)


def measure_model(
    faces: np.ndarray, model_file: Path, folder: Path, while_waiting: WhileWaiting
) -> Measurement:
    """Predicts as `measure_export`, with Keras and the model's own file.

    Answers of the same model for the same faces are taken from the folder, since every format is
    compared with them, and loading TensorFlow takes long.
    """
    with model_file.open("rb") as file:
        content = hashlib.file_digest(file, "sha256")
    content.update(np.ascontiguousarray(faces).data)
    answers_file = folder / f".model-{content.hexdigest()[:32]}.npz"
    with contextlib.suppress(OSError, KeyError, ValueError, FerError):  # missing, or damaged
        return _read(answers_file, len(faces))
    for outdated in folder.glob(".model-*.npz"):
        outdated.unlink(missing_ok=True)
    arguments = ["--keras", str(model_file)]
    with replacing(answers_file) as temporary:
        return _measure(faces, folder / ".faces.npy", temporary, arguments, while_waiting)


def _measure(
    faces: np.ndarray,
    faces_file: Path,
    answers_file: Path,
    arguments: list[str],
    while_waiting: WhileWaiting,
) -> Measurement:
    np.save(faces_file, faces)
    try:
        _run([str(faces_file), str(answers_file), *arguments], faces_file.parent, while_waiting)
    finally:
        faces_file.unlink()
    return _read(answers_file, len(faces))


def _read(answers_file: Path, faces: int) -> Measurement:
    with np.load(answers_file, allow_pickle=False) as found:
        one, many = found["milliseconds"].tolist()
        probabilities = found["probabilities"]
        if len(probabilities) != faces:
            raise FerError("There must be an answer for every face.")
        return Measurement(probabilities, float(found["load_seconds"]), (one, many))


def _run(arguments: list[str], folder: Path, while_waiting: WhileWaiting) -> None:
    command = [sys.executable, "-m", "fer_core.model_io.measure_child", *arguments]
    environment = subprocess_env(low_latency=True) | dict.fromkeys(_THREADS, "1")
    search = [str(paths.PROJECT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, search))
    deadline = time.monotonic() + _MAX_SECONDS
    # The child ends when its standard input closes, be it that this process was killed.
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.PIPE) as child:
        try:
            while child.poll() is None:
                while_waiting()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"It took more than {_MAX_SECONDS:.0f} s: {command}")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_WAIT_SECONDS)
        finally:
            child.kill()
    if child.returncode:
        raise RuntimeError(f"It exited with {child.returncode}; see the log above: {command}")
