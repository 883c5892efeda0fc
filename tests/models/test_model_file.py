"""Model files that anybody may have made: the sound ones load as ever, the others are refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from fer_core.errors import FerError
from fer_core.inference.recognition import Classifier
from fer_core.models.architectures import build_model, load_model, save_model
from fer_core.models.onnx_model import load_for_prediction
from fer_core.models.prediction import predict
from fer_core.release.publish import to_float16
from fer_core.runs.config import TrainConfig
from fer_core.runs.recipes import RECIPES
from fer_core.runs.submit import create_run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from tests.models import hostile_models
from tests.models.hostile_models import contents, packed, sound_model

MEGABYTE = 2**20
SHIPPED = paths.PROJECT / "fer_core" / "pretrained" / "residual-cnn" / "model.keras"
# One for each line of the code that refuses a file.
REFUSED = (
    "a million units",
    "code",
    "three thousand layers",
    "missing outputs",
    "an unknown size",
    "a layer that is its own input",
    "sums of different sizes",
    "a deep description",
    "a gigabyte of nothing",
    "weights in another file",
    "a link to another file",
    "a circle",
    "words",
    "NaN",
    "a missing layer",
    "the axes exchanged",
    "encrypted",
    "an unknown method",
    "packed weights of 200 MB",
    "a long list",
    "damaged weights",
    "weights alone",
    "an image of a thousand channels",
)


def same_as_keras(path: Path) -> bool:
    ours, theirs = load_model(path), keras.models.load_model(path, compile=False)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, *ours.input_shape[1:]), dtype="uint8")
    return np.array_equal(predict(ours, pixels), predict(theirs, pixels))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "cnn_classic" else pytest.mark.slow)
        for name in sorted(RECIPES)
    ],
)
def test_every_recipe_answers_as_when_keras_loads_it(name: str, tmp_path: Path) -> None:
    config = replace(RECIPES[name].config, weights="none")
    model = build_model(config, 7)
    rng = np.random.default_rng(0)
    model.set_weights([each + rng.uniform(0, 0.1, each.shape) for each in model.get_weights()])
    save_model(model, tmp_path / "whole.keras")
    to_float16(tmp_path / "whole.keras", tmp_path / "half.keras")
    assert same_as_keras(tmp_path / "whole.keras")
    assert same_as_keras(tmp_path / "half.keras")


def test_the_pretrained_model_answers_as_when_keras_loads_it() -> None:
    assert same_as_keras(SHIPPED)


def test_keys_of_a_layer_that_do_not_affect_the_answer_are_ignored(tmp_path: Path) -> None:
    config, weights = sound_model()
    path = tmp_path / "model.keras"
    path.write_bytes(packed(json.dumps(config).encode(), weights))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1), dtype="uint8")
    expected = predict(load_model(path), pixels)
    harmful = {"module": "os", "class_name": "system", "config": "touch harmed"}
    for layer in config["config"]["layers"]:
        layer["config"]["kernel_initializer"] = layer["config"]["unknown"] = harmful
        layer["module"] = layer["registered_name"] = "os"
    path.write_bytes(packed(json.dumps(config).encode(), weights))
    assert np.array_equal(predict(load_model(path), pixels), expected)


@pytest.fixture(scope="module")
def hostile() -> dict[str, Callable[[], bytes]]:
    return contents(*sound_model())


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_model_is_refused(
    name: str, hostile: dict[str, Callable[[], bytes]], tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(hostile[name]())
    for load in (load_model, load_for_prediction):
        with pytest.raises(FerError, match="model.keras"):
            load(path, classes=7)


@pytest.mark.slow
def test_no_hostile_model_takes_memory_or_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", hostile_models.__name__, str(tmp_path)]
    done = subprocess.run(
        command, cwd=paths.PROJECT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) > 260  # each file is loaded for Keras and for onnxruntime
    assert [each for each in records if each["outcome"] != "FerError"] == []
    assert max(each["bytes"] for each in records) < 50 * MEGABYTE
    assert max(each["seconds"] for each in records) < 2


@pytest.mark.parametrize("other", [{"image_size": (64, 64)}, {"classes": 2}], ids=str)
def test_a_model_that_is_not_of_its_run_is_refused(other: dict[str, Any], workspace: Path) -> None:
    run = create_run(TrainConfig(recipe="cnn_classic", dataset="tiny"))
    write_json(run.directory / "dataset.json", {"class_names": ["sad", "happy", "fear"]})
    classes = other.pop("classes", 3)
    save_model(build_model(replace(run.config, **other), classes), run.directory / "model.keras")
    with pytest.raises(FerError, match="model of its run"):
        Classifier.load(run)


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = build_model(TrainConfig(), 7)
    model.set_weights([np.full(each.shape, 3e38, "float32") for each in model.get_weights()])
    save_model(model, tmp_path / "model.keras")
    for each in (model, load_for_prediction(tmp_path / "model.keras")):
        with pytest.raises(FerError, match="finite"):
            predict(each, np.full((1, 48, 48, 1), 255, "uint8"))


def vgg19_file(path: Path, group: str) -> list[np.ndarray]:
    """Writes weights of VGG19's shapes; `group` is a template of their places in the file."""
    backbone = keras.applications.VGG19(include_top=False, weights=None, input_shape=(48, 48, 3))
    arrays = backbone.get_weights()
    names = [layer.name for layer in backbone.layers if layer.weights]
    with h5py.File(path, "w") as file:
        for number, name in enumerate(names):
            place = group.format(name=name, number=f"_{number}" if number else "")
            file[f"{place}/0"], file[f"{place}/1"] = arrays[2 * number : 2 * number + 2]
    return arrays


@pytest.mark.parametrize(
    "group",
    ["{name}/{name}", "model_weights/{name}/vgg19/{name}", "layers/conv2d{number}/vars"],
    ids=["weights of Keras 2", "a model of Keras 2", "weights of Keras 3"],
)
def test_weights_of_vgg19_are_found_wherever_keras_puts_them(group: str, tmp_path: Path) -> None:
    arrays = vgg19_file(tmp_path / "vgg19.h5", group)
    config = replace(RECIPES["vgg19_dropout"].config, weights=str(tmp_path / "vgg19.h5"))
    model = build_model(config, 7)
    assert all(map(np.array_equal, model.get_weights(), arrays))


@pytest.mark.parametrize(
    "harm",
    [
        "NaN",
        "nothing",
        "text",
        pytest.param("pipe", marks=pytest.mark.skipif(os.name == "nt", reason="needs pipes")),
    ],
)
def test_hostile_weights_of_vgg19_are_refused(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "vgg19.h5"
    if harm == "text":
        path.write_text("weights")
    elif harm == "pipe":
        os.mkfifo(path)
    else:
        vgg19_file(path, "{name}/{name}")
        with h5py.File(path, "r+") as file:
            kernel = file.pop("block5_conv4/block5_conv4/0")[()]
            if harm == "NaN":
                file["block5_conv4/block5_conv4/0"] = np.full_like(kernel, np.nan)
            else:
                file.create_dataset("block5_conv4/block5_conv4/0", (2**14, 2**14), "f4")
    with pytest.raises(FerError, match="VGG19"):
        build_model(replace(RECIPES["vgg19_dropout"].config, weights=str(path)), 7)
