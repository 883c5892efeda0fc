"""Runs as files that other programs read."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.models.architectures import build_model, load_model, save_model
from fer_core.models.prediction import predict
from fer_core.runs.config import TrainConfig
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from fer_core.training.export import VGG19_NAME, export_h5

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype="uint8")
CLASSES = ["angry", "happy", "sad", "neutral"]


def finished(config: TrainConfig) -> Run:
    run = create_run(config)
    write_json(run.directory / "dataset.json", {"class_names": CLASSES, "counts": {}})
    save_model(build_model(config, len(CLASSES)), run.directory / "model.keras")
    return run


def check(run: Run) -> None:
    path = export_h5(run)
    assert path.name == VGG19_NAME
    model = keras.models.load_model(path, compile=False)
    in_unit_range = PIXELS.astype("float32") / 255
    expected = predict(load_model(run.model_file), PIXELS)
    assert np.allclose(model.predict(in_unit_range, verbose=0), expected, atol=1e-6)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)  # flat
    assert json.loads((path.parent / "my_vgg19_dropout_model_classes.json").read_text()) == CLASSES
    assert [file.name for file in run.exports] == [
        VGG19_NAME,
        "my_vgg19_dropout_model_classes.json",
    ]


def test_the_classic_h5_gives_the_runs_probabilities_in_plain_keras(workspace: Path) -> None:
    check(finished(replace(RECIPES["vgg19_dropout"].config, dataset="faces", weights="none")))


def test_an_exported_vgg19_with_imagenet_weights_answers_the_same(
    workspace: Path, vgg19_weights: Path
) -> None:
    config = RECIPES["vgg19_dropout"].config
    check(finished(replace(config, dataset="faces", weights=str(vgg19_weights))))


def test_a_run_without_a_model_is_refused(workspace: Path) -> None:
    run = create_run(replace(RECIPES["vgg19_dropout"].config, dataset="faces"))
    with pytest.raises(ValueError, match="has no model to export"):
        export_h5(run)
