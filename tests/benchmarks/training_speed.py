"""Compares the training speed of a classic model with common alternatives.

    python -m tests.benchmarks.training_speed [--rounds 5] [--recipe cnn_classic_wide]
        [--torch PYTHON]

Every measurement runs in its own process, and the contenders alternate:

1. script    the classic script: `ImageDataGenerator.flow_from_directory` on JPEG files with shear,
             zoom and flip, and plain `fit`
2. guide     `keras.utils.image_dataset_from_directory` with Keras's augmentation layers
3. ours      FER Studio's batches, with the same augmentation
4. limit     the same steps on one batch in memory
5. torch     the same model and batch size in PyTorch, channels last, without augmentation, on one
             batch in memory; in the interpreter given with --torch

each in float32 and, if the CPU supports it, in bfloat16 mixed precision. The images are FER2013's
training split if FER2013_DIR is set, else drawn faces. The table shows medians of images per second
and ratios of medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

CONTENDERS = ("script", "guide", "ours", "limit", "torch")
PRECISIONS = ("float32", "mixed_bfloat16")
SHEAR, ZOOM = 0.2, 0.2
WARM_UP = 20  # batches


def main(arguments: Sequence[str] | None = None) -> None:
    """Alternates the contenders and prints the table."""
    options = _options(arguments)
    if options.one:
        contender, precision = options.one
        rate = _measure(contender, precision, options.recipe, options.folder, options.seconds)
        print(f"rate {rate}")  # noqa: T201
        return
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder), options.images)
        found: dict[tuple[str, str], list[float]] = {}
        for number in range(options.rounds):
            for precision in PRECISIONS:
                for contender in CONTENDERS:
                    python = options.torch if contender == "torch" else sys.executable
                    if python:
                        rate = _in_a_process(python, contender, precision, options, folder)
                        found.setdefault((contender, precision), []).append(rate)
            print(f"round {number + 1} of {options.rounds}", flush=True)  # noqa: T201
    _print_table(options.recipe, found)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="per measurement")
    parser.add_argument("--images", type=int, default=6400)
    parser.add_argument("--recipe", default="cnn_classic_wide")
    parser.add_argument("--torch", default="", help="Python interpreter with PyTorch")
    parser.add_argument("--one", nargs=2, metavar=("CONTENDER", "PRECISION"))
    parser.add_argument("--folder", type=Path)
    return parser.parse_args(arguments)


def _in_a_process(
    python: str, contender: str, precision: str, options: argparse.Namespace, folder: str
) -> float:
    command = [python, str(Path(__file__)), "--one", contender, precision]
    command += ["--folder", folder, "--recipe", options.recipe, "--seconds", str(options.seconds)]
    project = str(Path(__file__).resolve().parents[2])
    environment = dict(os.environ)
    if contender in ("ours", "limit"):
        from fer_core import (
            hardware as machine,
        )  # not at the top: this file also runs without the project

        environment = machine.subprocess_env()
    environment |= {"PYTHONPATH": project, "FER_HOME": f"{folder}/home"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"{contender} failed:\n{answer.stderr[-3000:]}")
    return float(answer.stdout.rpartition("rate ")[2])


def _prepare(folder: Path, count: int) -> None:
    """Writes JPEG files, one folder per class, and imports them as a dataset."""
    import numpy as np
    from PIL import Image

    from fer_core.datasets.importing.import_task import import_source
    from fer_core.datasets.synthetic.generate import draw_dataset

    os.environ["FER_HOME"] = str(folder / "home")
    if os.environ.get("FER2013_DIR"):
        sys.path.insert(0, os.environ["FER2013_DIR"])
        import fer2013

        pixels, rows = fer2013.load()
        labels = [row["emotion"] for row in rows]
    else:
        drawn = draw_dataset("drawn", count=count)
        labels = list(drawn.index["expression"])
        pixels = np.stack([drawn.image(position)[..., 0] for position in range(count)])
    for number in range(count):
        path = folder / "faces" / "train" / labels[number] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[number]).save(path, quality=95)
    import_source(folder / "faces", "faces", validation_fraction=0.05)


def _measure(contender: str, precision: str, recipe: str, folder: Path, seconds: float) -> float:
    if contender == "torch":
        return _torch(precision, recipe, seconds)
    import keras

    from fer_core.models import architectures as models
    from fer_core.runs.config import Augmentation
    from fer_core.runs.recipes import RECIPES
    from fer_core.training.setup import configure_backend

    if contender in ("script", "guide"):  # these use Keras's own layers
        models.Conv2D, models.Dropout = keras.layers.Conv2D, keras.layers.Dropout
    augmentation = Augmentation(shear=SHEAR, zoom=ZOOM, flip=True)
    config = replace(RECIPES[recipe].config, dataset="faces", weights="none", feature_views=0)
    config = replace(config, augmentation=augmentation, precision=precision)
    configure_backend(config)
    model = models.build_model(config, 7)
    if contender in ("script", "guide"):
        images = _generator(folder, config) if contender == "script" else _guide(folder, config)
        watch = _Watch(config.batch_size, seconds)
        keras.Model.fit(model, images, epochs=1000, verbose=0, callbacks=[watch.callback()])
        return watch.rate
    return timed(_step(model, config, constant=contender == "limit"), config.batch_size, seconds)


def _step(model: Any, config: Any, *, constant: bool) -> Callable[[], None]:
    from fer_core.runs.run_data import open_run_data
    from fer_core.training.batches import training_batches

    data = open_run_data(config)
    batches: Iterator[Any] = (
        batch for epoch in cycle(range(1000)) for batch in training_batches(data, epoch)
    )
    if constant:
        first = next(batches)
        batches = cycle([first])

    def step() -> None:
        batch = next(batches)
        model.train_on_batch(batch.images, batch.targets, return_dict=True)

    return step


def timed(step: Callable[[], Any], batch_size: int, seconds: float) -> float:
    """Returns images per second over steps of one batch each, after a warm-up."""
    for _ in range(WARM_UP):
        step()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        step()
        steps += 1
    return steps * batch_size / (time.perf_counter() - started)


def _generator(folder: Path, config: Any) -> Any:
    """Returns the image generator of the classic scripts; scaling is a layer of the model."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(shear_range=SHEAR, zoom_range=ZOOM, horizontal_flip=True)
    return generator.flow_from_directory(
        folder / "faces" / "train",
        target_size=config.image_size,
        color_mode="grayscale" if config.channels == 1 else "rgb",
        batch_size=config.batch_size,
    )


def _guide(folder: Path, config: Any) -> Any:
    import keras
    import tensorflow as tf

    images = keras.utils.image_dataset_from_directory(
        folder / "faces" / "train",
        label_mode="categorical",
        color_mode="grayscale" if config.channels == 1 else "rgb",
        batch_size=config.batch_size,
        image_size=config.image_size,
        verbose=False,
    )
    steps = [
        keras.layers.RandomFlip("horizontal", dtype="float32"),
        keras.layers.RandomShear(x_factor=0.003, dtype="float32"),  # 0.2 degrees
        keras.layers.RandomZoom(ZOOM, ZOOM, dtype="float32"),
    ]

    def change(pixels: Any, targets: Any) -> Any:
        for layer in steps:
            pixels = layer(pixels, training=True)
        return pixels, targets

    return images.map(change, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


class _Watch:
    """Measures `fit` with a callback, after a warm-up."""

    def __init__(self, batch_size: int, seconds: float) -> None:
        self.batch_size, self.seconds = batch_size, seconds
        self.batches, self.started, self.rate = 0, 0.0, 0.0

    def callback(self) -> Any:
        import keras

        watch = self

        class Callback(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                watch.batches += 1
                if watch.batches == WARM_UP:
                    watch.started = time.perf_counter()
                elapsed = time.perf_counter() - watch.started
                if watch.batches > WARM_UP and elapsed > watch.seconds:
                    watch.rate = (watch.batches - WARM_UP) * watch.batch_size / elapsed
                    self.model.stop_training = True

        return Callback()


def _torch(precision: str, recipe: str, seconds: float) -> float:
    import torch
    from torch import nn

    def convolution(before: int, after: int) -> list[Any]:
        return [nn.Conv2d(before, after, 3), nn.ReLU()]

    def top(channels: int, flat: int) -> list[Any]:
        middle = []
        for before in (channels, 128):
            middle += [*convolution(before, 128), nn.MaxPool2d(2)]
        dense = [nn.Linear(flat, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 7)]
        return [*middle, nn.Dropout(0.25), nn.Flatten(), *dense]

    bodies = {
        "cnn_classic": [
            *convolution(1, 32), nn.MaxPool2d(2), *convolution(32, 32), nn.MaxPool2d(2),
            nn.Dropout(0.25), *top(32, 128),
        ],
        "cnn_classic_wide": [
            *convolution(1, 32), *convolution(32, 64), nn.MaxPool2d(2), nn.Dropout(0.25),
            *top(64, 2048),
        ],
    }  # fmt: skip
    batch = 64
    model = nn.Sequential(*bodies[recipe]).to(memory_format=torch.channels_last)
    images = torch.rand(batch, 1, 48, 48).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(0, 7, (batch,))
    optimizer, loss = torch.optim.Adam(model.parameters(), 1e-4), nn.CrossEntropyLoss()
    half = precision != "float32"

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16) if half else nullcontext():
            error = loss(model(images).float(), targets)
        error.backward()
        optimizer.step()
        error.item()

    return timed(step, batch, seconds)


def _print_table(recipe: str, found: dict[tuple[str, str], list[float]]) -> None:
    medians = {key: statistics.median(rates) for key, rates in found.items()}
    print(f"{recipe}: median images per second, and the ratio of ours to each")  # noqa: T201
    for (contender, precision), rate in medians.items():
        low, high = min(found[contender, precision]), max(found[contender, precision])
        ours = medians["ours", precision] / rate
        print(  # noqa: T201
            f"  {contender:7} {precision:15} {rate:7.0f} ({low:.0f} to {high:.0f})  {ours:.2f}"
        )
    against = medians["ours", "mixed_bfloat16"] / medians["script", "float32"]
    print(f"  ours in mixed_bfloat16 / script in float32: {against:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
