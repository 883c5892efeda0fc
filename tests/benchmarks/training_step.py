"""Measures how hardware settings change the speed of a training step.

    python -m tests.benchmarks.training_step [--rounds 3] [--recipe cnn_classic_wide]
        [--precision float32]

Every measurement runs in its own process, and the variants alternate. All steps use one batch in
memory, so that only computation counts. Prints medians of images per second.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fer_core import hardware as machine
from tests.benchmarks.training_speed import timed

WITHOUT_ONEDNN = "without oneDNN"
VARIANTS = (
    "as it is",
    WITHOUT_ONEDNN,
    "Keras's Conv2D",
    "XLA",
    "20 steps per execution",
    "one thread per operation",
    "one operation at a time",
    "batch of 16",
    "batch of 32",
    "batch of 128",
    "batch of 256",
    "no determinism",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Alternates the variants and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="per measurement")
    parser.add_argument("--recipe", default="cnn_classic_wide")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--variants", nargs="+", default=VARIANTS)
    parser.add_argument("--one", default="")
    options = parser.parse_args(arguments)
    if options.one:
        print(f"rate {_measure(options)}")  # noqa: T201
        return
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for variant in options.variants:
            found.setdefault(variant, []).append(_in_a_process(variant, options))
    usual = statistics.median(found[options.variants[0]])
    print(f"{options.recipe}, {options.precision}: images per second")  # noqa: T201
    for variant, rates in found.items():
        rate = statistics.median(rates)
        print(f"  {variant:25} {rate:6.0f}  {rate / usual:.2f}")  # noqa: T201


def _in_a_process(variant: str, options: argparse.Namespace) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.training_step", "--one", variant]
    command += ["--recipe", options.recipe, "--precision", options.precision]
    command += ["--seconds", str(options.seconds)]
    surroundings = machine.subprocess_env()
    if variant == WITHOUT_ONEDNN:
        surroundings["TF_ENABLE_ONEDNN_OPTS"] = "0"
    answer = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(f"{variant}: {answer.stderr.strip().splitlines()[-1]}")  # noqa: T201
        return float("nan")
    return float(answer.stdout.rpartition("rate ")[2])


def _measure(options: argparse.Namespace) -> float:
    import keras
    import numpy as np
    import tensorflow as tf

    from fer_core.models import architectures as models
    from fer_core.runs.recipes import RECIPES
    from fer_core.training.setup import configure_backend

    variant = options.one
    if variant == "one thread per operation":
        tf.config.threading.set_intra_op_parallelism_threads(1)
    if variant == "one operation at a time":
        tf.config.threading.set_inter_op_parallelism_threads(1)
    config = replace(RECIPES[options.recipe].config, precision=options.precision, weights="none")
    if variant.startswith("batch of"):
        config = replace(config, batch_size=int(variant.rpartition(" ")[2]))
    configure_backend(replace(config, deterministic=variant != "no determinism"))
    if variant == "Keras's Conv2D":
        models.Conv2D = keras.layers.Conv2D
    model = models.build_model(config, 7)
    if variant == "XLA":
        model.compile(model.optimizer, model.loss, metrics=["accuracy"], jit_compile=True)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (config.batch_size, *model.input_shape[1:])).astype("float32")
    targets = np.eye(7, dtype="float32")[rng.integers(0, 7, config.batch_size)]
    if variant == "20 steps per execution":
        return _fitted(model, pixels, targets, options.seconds)
    return timed(lambda: model.train_on_batch(pixels, targets), len(pixels), options.seconds)


def _fitted(model: Any, pixels: Any, targets: Any, seconds: float) -> float:
    import tensorflow as tf

    model.steps_per_execution = 20
    data = tf.data.Dataset.from_tensors((pixels, targets)).repeat()

    def step() -> None:
        model.fit(data, steps_per_epoch=40, shuffle=False, verbose=0)

    step()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        step()
        steps += 40
    return steps * len(pixels) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
