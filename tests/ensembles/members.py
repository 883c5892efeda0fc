"""Small runs with random weights that can be members of an ensemble."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_core.runs.run import Run
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json


def member(
    source: Run,
    name: str,
    *,
    size: tuple[int, int] = (48, 48),
    channels: int = 1,
    class_names: Sequence[str] = (),
    seed: int = 0,
) -> Run:
    """A copy of a run under another name, with a small model of its own."""
    import keras
    from keras import layers

    from fer_core.models.architectures import save_model

    run = Run(source.directory.with_name(name))
    shutil.copytree(source.directory, run.directory)
    architecture = "cnn_classic" if channels == 1 else "vgg19_dropout"
    config = replace(source.config, architecture=architecture, image_size=size)
    write_json(run.directory / "config.json", config.to_dict())
    names = list(class_names or source.class_names)
    change(run.directory / "dataset.json", class_names=names)
    keras.utils.set_random_seed(seed)
    x = pixels = keras.Input((*size, channels))
    x = layers.Rescaling(1 / 64)(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(len(names), "softmax")(x)
    model = keras.Model(pixels, x)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, each.shape) for each in model.get_weights()])
    save_model(model, run.directory / "model.keras")
    return run


def change(file: Path, **entries: object) -> None:
    """Replaces entries of a JSON file."""
    write_json(file, read_json(file) | entries)
