"""Compares what an image costs with each architecture: to predict it, and to train on it.

    python -m tests.benchmarks.architecture_speed [--rounds 5] [--only predict]

Runs on one core, every architecture in turn, and prints medians of CPU milliseconds per image and
their ratio to the architecture of the pretrained model. Predictions are computed as in the app,
one face at a time with onnxruntime; training takes batches of the recipe's size in float32.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

SHIPPED = "cnn_residual"
FACES = 30  # predicted in a round
Work = Callable[[], None]


def main() -> None:
    """Parses the command line and prints a row per architecture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("predict", "train"))
    parser.add_argument("--recipes", nargs="+", help="by default all of CNNs")
    options = parser.parse_args()
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # not on macOS, where only the threads are limited
        process.cpu_affinity([process.cpu_affinity()[0]])
    os.environ["OMP_NUM_THREADS"] = "1"
    from fer_core.runs import RECIPES

    names = options.recipes or [name for name in RECIPES if name.startswith("cnn")]
    for kind, prepare in (("predict", _prediction), ("train", _training)):
        if options.only in (None, kind):
            _compare(kind, {name: prepare(name) for name in names}, options.rounds)


def _compare(kind: str, works: dict[str, tuple[Work, int]], rounds: int) -> None:
    costs: dict[str, list[float]] = {name: [] for name in works}
    for number in range(1 + rounds):
        for name, (work, images) in works.items():
            started = time.process_time()
            work()
            if number:  # the first round traces graphs and allocates
                costs[name].append(1000 * (time.process_time() - started) / images)
    medians = {name: statistics.median(times) for name, times in costs.items()}
    for name, cost in medians.items():
        ratio = f"{cost / medians[SHIPPED]:.2f} times {SHIPPED}" if SHIPPED in medians else ""
        print(f"{kind:<8} {name:<24} {cost:8.2f} CPU ms an image   {ratio}")  # noqa: T201


def _prediction(name: str) -> tuple[Work, int]:
    import numpy as np

    from fer_core.models import build_model, load_for_prediction, predict, save_model
    from fer_core.runs import RECIPES

    config = RECIPES[name].config
    with tempfile.TemporaryDirectory() as folder:
        save_model(build_model(config, 7), Path(folder) / "model.keras")
        model = load_for_prediction(Path(folder) / "model.keras")
    face = np.zeros((1, *config.image_size, config.channels), "uint8")

    def work() -> None:
        for _ in range(FACES):
            predict(model, face)

    return work, FACES


def _training(name: str) -> tuple[Work, int]:
    import numpy as np

    from fer_core.models import build_model
    from fer_core.runs import RECIPES

    config = RECIPES[name].config
    model = build_model(config, 7)
    images = np.zeros((config.batch_size, *config.image_size, config.channels), "float32")
    targets = np.eye(7, dtype="float32")[np.arange(config.batch_size) % 7]

    def work() -> None:
        model.train_on_batch(images, targets)

    return work, config.batch_size


if __name__ == "__main__":
    main()
