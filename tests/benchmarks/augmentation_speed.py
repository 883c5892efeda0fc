"""Measures how many images a recipe's augmentation prepares per second of one core.

    python -m tests.benchmarks.augmentation_speed [--recipes cnn_residual camera] [--rounds 5]

Augments batches of 128 gray images of 48 pixels, the recipes in turn, and prints the best round
of each, in CPU seconds; then how many microseconds each camera effect adds to an image.
"""

import argparse
import time
from dataclasses import fields, replace

import cv2
import numpy as np

from fer_core.models.augmentation import augment
from fer_core.runs.config import Augmentation
from fer_core.runs.recipes import RECIPES

BATCH, BATCHES = 128, 10


def main() -> None:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipes", nargs="+", default=["cnn_residual", "camera"])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)  # as in training
    recipes = {name: RECIPES[name].config.augmentation for name in options.recipes}
    effects = {
        entry.name: alone
        for entry in fields(Augmentation)
        if (value := getattr(RECIPES["camera"].config.augmentation, entry.name))
        and (alone := replace(Augmentation(), **{entry.name: value})).has_camera_effects
    }
    none = {"": Augmentation()}
    fastest: dict[str, float] = {}
    for number in range(options.rounds):
        for name, settings in (recipes | effects | none).items():
            seconds = _seconds(settings, number)
            fastest[name] = min(seconds, fastest.get(name, seconds))
    for name in recipes:
        print(f"{name:16} {1 / fastest[name]:8,.0f} images per CPU-second")  # noqa: T201
    for name in effects:
        print(f"  {name:16} {1e6 * (fastest[name] - fastest['']):5.1f} µs")  # noqa: T201


def _seconds(settings: Augmentation, number: int) -> float:
    """Returns the CPU seconds for an image."""
    images = np.random.default_rng(0).integers(0, 256, (BATCH, 48, 48, 1), dtype="uint8")
    targets = np.zeros((BATCH, 7), "float32")
    started = time.process_time()
    for step in range(BATCHES):
        augment(images, targets, settings, (0, number, step))
    return (time.process_time() - started) / (BATCH * BATCHES)


if __name__ == "__main__":
    main()
