"""Measures the start of a training: decoding the images once, and every later start.

    python -m tests.benchmarks.startup [--rounds 3]

FER2013_DIR is the folder with fer2013.py. Prints images per second for decoding all 35,887 images,
from JPEG files and from fer2013.csv, then the seconds from the start of a process to the end of the
first training step with cached pixels. For comparison, "bare" loads only TensorFlow and Keras and
trains on one batch without a dataset.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

LAYOUTS = ("jpeg", "csv")
SIZE = (48, 48)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures decoding and starts, and prints the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--start", choices=("bare", *LAYOUTS))
    options = parser.parse_args(arguments)
    if options.start:
        _start(options.start)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FER_HOME"] = f"{folder}/home"
        for layout in LAYOUTS:
            _import(layout, Path(folder))
            rates = [_decode(layout) for _ in range(options.rounds)]
            print(f"{layout}: {statistics.median(rates):,.0f} images per second")  # noqa: T201
        seconds: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for what in ("bare", *LAYOUTS):
                seconds.setdefault(what, []).append(_timed_start(what))
    for what, times in seconds.items():
        print(f"first step, {what}: {statistics.median(times):.1f} s")  # noqa: T201


def _import(layout: str, folder: Path) -> None:
    from fer_core.datasets.importing.import_task import import_source

    program = Path(os.environ["FER2013_DIR"]) / "fer2013.py"
    source = folder / ("fer2013.csv" if layout == "csv" else "faces")
    command = [sys.executable, program, "csv" if layout == "csv" else "folders", source]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    import_source(source, layout)


def _decode(layout: str) -> float:
    """Returns images per second with an empty pixel cache, but files in the system's cache."""
    from fer_core.datasets.pixel_cache import open_pixels
    from fer_core.datasets.registry import open_dataset
    from fer_core.storage import paths

    dataset = open_dataset(layout)
    for old in (paths.cache_root() / "pixels").glob(f"{dataset.pixels_key()}*"):
        old.unlink()
    started = time.perf_counter()
    pixels = open_pixels(dataset, SIZE, 1)
    return len(pixels) / (time.perf_counter() - started)


def _timed_start(what: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.startup", "--start", what]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def _start(what: str) -> None:
    """Does what a run does up to its first step; `bare` without a dataset."""
    import numpy as np

    from fer_core.models.architectures import build_model
    from fer_core.runs.recipes import RECIPES
    from fer_core.runs.run_data import open_run_data
    from fer_core.training.batches import Batch, training_batches
    from fer_core.training.setup import configure_backend

    config = replace(RECIPES["cnn_classic"].config, dataset=what)
    if what == "bare":
        configure_backend(config)
        batch = Batch(
            np.zeros((64, *SIZE, 1), "float32"), np.eye(7, dtype="float32")[[0] * 64], None
        )
    else:
        data = open_run_data(config)
        configure_backend(config)
        batch = next(training_batches(data, 0))
    build_model(config, 7).train_on_batch(batch.images, batch.targets, return_dict=True)


if __name__ == "__main__":
    main()
