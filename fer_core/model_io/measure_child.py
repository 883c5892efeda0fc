"""Predicts faces with an export or with its model, on one core; started by `measure`.

python -m fer_core.model_io.measure_child FACES ANSWERS      runs predict.py of the current folder
python -m fer_core.model_io.measure_child FACES ANSWERS --keras FILE
"""

import argparse
import os
import runpy
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from fer_core import models
from fer_core.model_io.measure import BATCH
from fer_core.model_io.readme import PROGRAM

_MIN_REPEATS, _ENOUGH_SECONDS = 3, 0.5

_Predict = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m fer_core.model_io.measure_child")
    parser.add_argument("faces", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--keras", type=Path)
    arguments = parser.parse_args()
    _end_with_parent()
    _stay_on_one_core()
    faces = np.load(arguments.faces, allow_pickle=False).astype("float32")
    # Processor time: on a busy machine the clock tells how long a process waits for its turn.
    started = time.process_time()
    predict = _load(arguments.keras)
    loaded = time.process_time() - started
    batches = [predict(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
    np.savez(
        arguments.answers,
        probabilities=np.concatenate(batches),
        load_seconds=loaded,
        milliseconds=[1000 * _seconds_a_face(predict, faces[:count]) for count in (1, BATCH)],
    )


def _end_with_parent() -> None:
    """Ends this process at once when the other end of its standard input closes."""

    def wait() -> None:
        os.read(0, 1)  # not by sys.stdin, whose lock the interpreter needs when it exits
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _stay_on_one_core() -> None:
    """Moves this process to one core; not every system can."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        process.cpu_affinity(process.cpu_affinity()[-1:])


def _load(keras: Path | None) -> _Predict:
    if keras is None:
        predict: _Predict = runpy.run_path(PROGRAM)["predict"]
        return predict
    load = models.load_model if keras.suffix == ".keras" else models.load_for_prediction
    return load(keras).predict_on_batch


def _seconds_a_face(predict: _Predict, faces: np.ndarray) -> float:
    predict(faces)  # the first time, memory is allocated
    repeats, started = 0, time.process_time()
    while repeats < _MIN_REPEATS or time.process_time() - started < _ENOUGH_SECONDS:
        predict(faces)
        repeats += 1
    return (time.process_time() - started) / repeats / len(faces)


if __name__ == "__main__":
    main()
