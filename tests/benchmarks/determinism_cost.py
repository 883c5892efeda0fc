"""Measures what op determinism costs, and whether a model needs it on this machine.

    python -m tests.benchmarks.determinism_cost [--rounds 5] [--steps 150]

Op determinism cannot be disabled again within a process, so every measurement runs in its own
process, alternating between on and off. Each trains the recipe's model on the same random images
and prints the images per second and the SHA-256 of the final weights.
"""

import argparse
import hashlib
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

RECIPES = ("cnn_classic", "cnn_classic_wide", "vgg19_dropout")


def measure(recipe: str, deterministic: bool, steps: int) -> tuple[float, str]:
    """Returns images per second over `steps` batches and the checksum of the final weights."""
    import keras
    import numpy as np

    from fer_core.models.architectures import build_model
    from fer_core.runs.recipes import RECIPES
    from fer_core.training.setup import configure_backend

    config = replace(RECIPES[recipe].config, weights="none", deterministic=deterministic)
    configure_backend(config)
    model = build_model(config, 7)
    rng = np.random.default_rng(0)
    shape = (config.batch_size, *config.image_size, config.channels)
    images = rng.integers(0, 256, shape).astype("float32")
    targets = np.eye(7, dtype="float32")[rng.integers(0, 7, config.batch_size)]
    for _ in range(5):
        model.train_on_batch(images, targets)
    started = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(images, targets)
    rate = steps * config.batch_size / (time.perf_counter() - started)
    trained = b"".join(keras.ops.convert_to_numpy(one).tobytes() for one in model.weights)
    return rate, hashlib.sha256(trained).hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> None:
    """Alternates both variants and prints a line for every recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--one", nargs=2, metavar=("RECIPE", "DETERMINISTIC"))
    options = parser.parse_args(arguments)
    if options.one:
        rate, checksum = measure(options.one[0], options.one[1] == "True", options.steps)
        print(rate, checksum)  # noqa: T201
        return
    for recipe in options.recipes:
        steps = options.steps if recipe.startswith("cnn") else max(5, options.steps // 10)
        found: dict[bool, list[tuple[float, str]]] = {False: [], True: []}
        for _ in range(options.rounds):
            for deterministic in (False, True):
                found[deterministic].append(_in_a_process(recipe, deterministic, steps))
        without, with_ = (statistics.median(rate for rate, _ in found[on]) for on in (False, True))
        ends = {on: len({checksum for _, checksum in found[on]}) for on in (False, True)}
        print(  # noqa: T201
            f"{recipe}: {without:.0f} images/s without, {with_:.0f} with determinism, ratio "
            f"{with_ / without:.3f}; different final weights of {options.rounds}: "
            f"{ends[False]} without, {ends[True]} with",
            flush=True,
        )


def _in_a_process(recipe: str, deterministic: bool, steps: int) -> tuple[float, str]:
    command = [sys.executable, "-m", "tests.benchmarks.determinism_cost"]
    command += ["--one", recipe, str(deterministic), "--steps", str(steps)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    rate, checksum = answer.stdout.split()[-2:]
    return float(rate), checksum


if __name__ == "__main__":
    main()
