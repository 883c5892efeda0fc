"""Models that onnxruntime runs answer as Keras does, layer by layer and as a whole."""

import json
import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from keras import layers

from fer_core.errors import FerError
from fer_core.models.architectures import build_model, load_model, save_model
from fer_core.models.blueprint import _LAYERS, Activation
from fer_core.models.onnx_model import OnnxModel, load_for_prediction, reason_for_keras
from fer_core.models.prediction import predict
from fer_core.models.tta import predict_tta
from fer_core.release.publish import to_float16
from fer_core.runs.recipes import RECIPES
from fer_core.storage import paths
from tests.models.hostile_models import packed, setting, sound_model

Build = Callable[[keras.KerasTensor], keras.KerasTensor]
SHIPPED = paths.PROJECT / "fer_core" / "pretrained" / "residual-cnn" / "model.keras"


def dense(activation: str) -> Build:
    return lambda x: layers.Dense(6, activation)(layers.Flatten()(x))


def added(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Add()([x, layers.Conv2D(3, 1)(x), x])


def pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.GlobalAveragePooling2D()(x)


def reshaped(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Conv2D(2, 1)(layers.Reshape((3, 4, 18))(layers.Flatten()(x)))


def normalized_features(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.BatchNormalization(center=False)(layers.Flatten()(x))


# What stands between the pixels, (9, 8, 3), and the last layer.
CASES: dict[str, Build] = {
    "Conv2D, same, even kernel": layers.Conv2D(4, (2, 4), padding="same"),
    "Conv2D, same, strides": layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
    "Conv2D, valid, strides": layers.Conv2D(4, (3, 2), strides=(2, 3), activation="relu"),
    "Conv2D, dilation": layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
    "Conv2D, groups": layers.Conv2D(6, 3, groups=3, activation="softmax"),
    "MaxPooling2D, same": layers.MaxPooling2D(3, strides=2, padding="same"),
    "MaxPooling2D, valid": layers.MaxPooling2D(2),
    "AveragePooling2D, same": layers.AveragePooling2D(4, strides=3, padding="same"),
    "AveragePooling2D, valid": layers.AveragePooling2D((3, 2)),
    "GlobalAveragePooling2D": layers.GlobalAveragePooling2D(),
    "GlobalMaxPooling2D, keepdims": layers.GlobalMaxPooling2D(keepdims=True),
    "BatchNormalization": layers.BatchNormalization(epsilon=0.01),
    "BatchNormalization of features": normalized_features,
    "Rescaling, one a channel": layers.Rescaling([0.1, 2.0, -1.0], [0.5, 0.0, 1.0]),
    "LayerNormalization": layers.LayerNormalization(),
    "LayerNormalization, each image": layers.LayerNormalization(
        axis=(1, 2, 3), center=False, scale=False
    ),
    "LayerNormalization, two axes": layers.LayerNormalization(axis=[3, 1], epsilon=0.1),
    "DepthwiseConv2D": layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu"),
    "DepthwiseConv2D, multiplied": layers.DepthwiseConv2D(
        (2, 3), depth_multiplier=2, use_bias=False
    ),
    "SeparableConv2D": layers.SeparableConv2D(4, 3, padding="same", activation="elu"),
    "SeparableConv2D, multiplied": layers.SeparableConv2D(
        5, 2, depth_multiplier=3, dilation_rate=2, use_bias=False
    ),
    "ZeroPadding2D": layers.ZeroPadding2D(((1, 2), (0, 3))),
    "Cropping2D": layers.Cropping2D(((1, 2), (0, 3))),
    "Resizing": layers.Resizing(9, 17),
    "Resizing, larger": layers.Resizing(31, 40),
    "Reshape": reshaped,
    "Reshape, a side left open": lambda x: layers.Reshape((4, -1, 6))(x),
    "Permute": layers.Permute((3, 1, 2)),
    "Concatenate": lambda x: layers.Concatenate()([x, layers.Conv2D(2, 1)(x)]),
    "Concatenate, rows": lambda x: layers.Concatenate(axis=1)([x, layers.MaxPooling2D((3, 1))(x)]),
    "Concatenate, features": lambda x: layers.Concatenate()([pooled(x), layers.Flatten()(x)]),
    "Add": added,
    "Average": lambda x: layers.Average()([x, layers.Conv2D(3, 1)(x), x]),
    "Maximum": lambda x: layers.Maximum()([x, layers.Conv2D(3, 1)(x)]),
    "Multiply": lambda x: layers.Multiply()([x, layers.Reshape((1, 1, 3))(pooled(x))]),
    "Dropout": layers.Dropout(0.5),
    "SpatialDropout2D": layers.SpatialDropout2D(0.5),
    "AlphaDropout": layers.AlphaDropout(0.5),
    "GaussianDropout": layers.GaussianDropout(0.5),
    "GaussianNoise": layers.GaussianNoise(0.5),
    "Dense of every pixel": layers.Dense(4, "tanh"),
    "ReLU": layers.ReLU(),
    "ReLU, slope": layers.ReLU(negative_slope=0.3),
    "ReLU, all settings": layers.ReLU(0.7, negative_slope=0.3, threshold=0.2),
    "ReLU, six": layers.ReLU(6.0),
    "LeakyReLU": layers.LeakyReLU(0.1),
    "ELU": layers.ELU(0.7),
    "PReLU": layers.PReLU(),
    "PReLU, one a channel": layers.PReLU(shared_axes=[1, 2]),
    "Softmax": layers.Softmax(),
    "Softmax, rows": layers.Softmax(axis=1),
    "Activation": layers.Activation("softmax"),
    **{
        f"Dense, {activation}": dense(activation)
        for activation in get_args(Activation)
        if activation not in ("linear", "relu", "softmax")
    },
}


FAST = ("cnn_residual", "cnn_vgg")  # the others are made of the same layers


def randomized(model: keras.Model, seed: int = 0) -> keras.Model:
    """Gives all weights other values, also those that begin as zeros or ones."""
    rng = np.random.default_rng(seed)
    model.set_weights([w + rng.uniform(0.05, 0.3, w.shape) for w in model.get_weights()])
    return model


def both(path: Path) -> tuple[OnnxModel, keras.Model]:
    ours = load_for_prediction(path)
    assert isinstance(ours, OnnxModel)
    return ours, load_model(path)


def random_pixels(model: OnnxModel, count: int = 5) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, *model.input_shape[1:]), dtype="uint8")


@pytest.mark.parametrize("case", CASES)
def test_a_layer_computes_what_keras_computes(case: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((9, 8, 3), name="pixels")
    x = CASES[case](layers.Rescaling(1 / 64, offset=-2)(inputs))
    outputs = layers.Dense(5, "softmax")(layers.Flatten()(x))
    save_model(randomized(keras.Model(inputs, outputs)), tmp_path / "model.keras")
    ours, theirs = both(tmp_path / "model.keras")
    pixels = random_pixels(ours).astype("float32")
    trunk = keras.Model(theirs.inputs, theirs.layers[-1].input)
    features = trunk.predict_on_batch(pixels)
    assert ours.features_on_batch(pixels) == pytest.approx(features, rel=1e-4, abs=1e-5)
    expected = theirs.predict_on_batch(pixels)
    assert ours.predict_on_batch(pixels) == pytest.approx(expected, abs=1e-5)


def test_the_cases_name_every_layer_that_a_model_may_have() -> None:
    tried = {case.partition(",")[0].partition(" ")[0] for case in CASES}
    assert tried | {"InputLayer", "Flatten"} == set(_LAYERS)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in FAST else pytest.mark.slow)
        for name in sorted({each.config.architecture for each in RECIPES.values()})
    ],
)
def test_every_architecture_answers_as_with_keras(name: str, tmp_path: Path) -> None:
    config = next(each.config for each in RECIPES.values() if each.config.architecture == name)
    model = build_model(replace(config, weights="none"), 7)
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(0, 0.01, w.shape) ** 2 for w in model.get_weights()])
    save_model(model, tmp_path / "whole.keras")
    to_float16(tmp_path / "whole.keras", tmp_path / "half.keras")
    for file in ("whole.keras", "half.keras"):
        ours, theirs = both(tmp_path / file)
        pixels = random_pixels(ours)
        assert predict(ours, pixels) == pytest.approx(predict(theirs, pixels), abs=1e-5)


def test_the_pretrained_model_answers_as_with_keras() -> None:
    ours, theirs = both(SHIPPED)
    pixels = random_pixels(ours)
    assert predict(ours, pixels) == pytest.approx(predict(theirs, pixels), abs=1e-5)
    assert predict_tta(ours, pixels) == pytest.approx(predict_tta(theirs, pixels), abs=1e-5)
    assert ours.output_shape == theirs.output_shape
    assert predict(ours, pixels[:0]).shape == (0, 7)


def test_the_graph_has_the_names_that_programs_ask_for(tmp_path: Path) -> None:
    ours, _ = both(SHIPPED)
    assert ours._session.input_shape == ("faces", 48, 48, 1)
    shapes = {"probabilities": ("faces", 7), "features": ("faces", 256)}
    assert ours._session.output_shapes == shapes


def test_keras_runs_what_has_no_graph_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inputs = keras.Input((9, 8, 3))
    rows = layers.BatchNormalization(axis=1)(inputs)
    outputs = layers.Dense(5, "softmax")(layers.Flatten()(rows))
    save_model(keras.Model(inputs, outputs), tmp_path / "model.keras")
    with caplog.at_level(logging.WARNING):
        model = load_for_prediction(tmp_path / "model.keras", classes=5)
    assert isinstance(model, keras.Model)
    assert "batch_normalization" in caplog.text and "TensorFlow" in caplog.text
    assert predict(model, np.zeros((2, 9, 8, 3), "uint8")).shape == (2, 5)


def edited_copy(path: Path, edit: Callable[[Any], Any]) -> Path:
    """Copies a .keras file with other answers."""
    copy = path.with_name("copy.keras")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(copy, "w") as changed:
        for name in whole.namelist():
            data = whole.read(name)
            if name == "answers.json":
                data = json.dumps(edit(json.loads(data))).encode()
            changed.writestr(name, data)
    return copy


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    inputs = keras.Input((48, 40, 3))
    outputs = layers.Dense(3, "softmax")(layers.Flatten()(layers.Rescaling(1 / 255)(inputs)))
    path = tmp_path_factory.mktemp("small") / "model.keras"
    save_model(keras.Model(inputs, outputs), path)
    return path


def test_a_graph_that_does_not_answer_as_keras_did_gives_way_to_keras(
    small_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(load_for_prediction(small_file), OnnxModel)
    other = edited_copy(small_file, lambda rows: [[p + 2e-4 for p in row] for row in rows])
    with caplog.at_level(logging.WARNING):
        model = load_for_prediction(other)
    assert isinstance(model, keras.Model)
    assert "differs by 0.0002" in caplog.text and "differs by 0.0002" in reason_for_keras(model)


@pytest.mark.parametrize(
    "edit",
    [lambda rows: rows[:-1], lambda rows: [row[:-1] for row in rows], lambda rows: ["many"]],
)
def test_damaged_answers_are_refused(small_file: Path, edit: Callable[[Any], Any]) -> None:
    with pytest.raises(FerError, match="copy.keras"):
        load_for_prediction(edited_copy(small_file, edit))


@pytest.mark.parametrize(
    "edit",
    [
        setting("conv", "groups", 3),
        setting("pool", "pool_size", [400, 400]),
        setting("conv", "padding", "valid"),
        setting("scaling", "scale", [1.0, 2.0, 3.0]),
        setting("probabilities", "units", 6),
    ],
    ids=["odd groups", "a large pool", "a sum of two sizes", "three scales", "other weights"],
)
def test_layers_that_do_not_fit_together_are_refused(
    edit: Callable[..., None], tmp_path: Path
) -> None:
    config, weights = sound_model()
    edit(config)
    (tmp_path / "model.keras").write_bytes(packed(json.dumps(config).encode(), weights))
    with pytest.raises(FerError, match="model.keras"):
        load_for_prediction(tmp_path / "model.keras")
