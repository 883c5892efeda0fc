"""Layers that train faster and learn the same as Keras's."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_core.models.architectures import build_model, save_model
from fer_core.models.layers import BatchNormalization, Conv2D
from fer_core.runs.config import MIXED
from fer_core.runs.recipes import RECIPES


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def gradients(layer: keras.Layer, images: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """What a layer gives and what its kernel and bias learn, as training computes it."""

    @tf.function
    def run(pixels: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = layer(pixels)
            loss = tf.reduce_sum(tf.square(tf.cast(outputs, "float32")))
        return outputs, tape.gradient(loss, [layer.kernel.value, layer.bias.value])

    outputs, learned = run(tf.constant(images))
    return outputs.numpy(), [array.numpy() for array in learned]


@pytest.mark.parametrize("precision", ["float32", MIXED])
def test_a_convolution_gives_and_learns_what_keras_s_does(precision: str) -> None:
    keras.config.set_dtype_policy(precision)
    images = np.random.default_rng(0).normal(size=(5, 9, 8, 3)).astype("float32")
    ours, theirs = Conv2D(4, 3, activation="relu"), keras.layers.Conv2D(4, 3, activation="relu")
    for layer in (ours, theirs):
        layer.build(images.shape)
    ours.bias.assign([0.5, -0.25, 0.0, 0.125])
    theirs.set_weights(ours.get_weights())
    (outputs, learned), (expected, taught) = gradients(ours, images), gradients(theirs, images)
    assert np.array_equal(outputs, expected)
    for array, other in zip(learned, taught, strict=True):
        assert np.allclose(array, other, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("precision", ["float32", MIXED])
def test_normalising_gives_and_learns_what_keras_s_does(precision: str) -> None:
    keras.config.set_dtype_policy(precision)
    images = np.random.default_rng(0).normal(3, 2, (6, 5, 4, 3)).astype("float32")
    pair = [BatchNormalization(momentum=0.5), keras.layers.BatchNormalization(momentum=0.5)]
    found = []
    for layer in pair:
        layer.build(images.shape)
        layer.gamma.assign([1.0, 0.5, -2.0])

        @tf.function
        def run(pixels: tf.Tensor, layer: keras.Layer = layer) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(pixels)
                outputs = tf.cast(layer(pixels, training=True), "float32")
                loss = tf.reduce_sum(outputs**3)
            sources = [pixels, layer.gamma.value, layer.beta.value]
            return [outputs, *tape.gradient(loss, sources)]

        found.append([array.numpy() for array in run(tf.constant(images))])
        found[-1] += [layer.moving_mean.numpy(), layer(images, training=False)]
    close = {"rtol": 1e-3, "atol": 1e-3} if precision == "float32" else {"rtol": 0.05, "atol": 0.3}
    for name, ours, theirs in zip(("outputs", "pixels", "gamma", "beta"), *found, strict=False):
        assert np.allclose(ours, theirs, **close), name
    assert np.allclose(found[0][4], found[1][4], rtol=1e-3)
    count = 6 * 5 * 4  # ours remembers the variance of a sample
    theirs = (pair[1].moving_variance.numpy() - 0.5) * count / (count - 1) + 0.5
    assert pair[0].moving_variance.numpy() == pytest.approx(theirs, rel=1e-2)


def test_a_frozen_normalisation_stays_as_it_is() -> None:
    layer = BatchNormalization()
    images = np.random.default_rng(0).normal(3, 2, (6, 5, 4, 3)).astype("float32")
    layer.build(images.shape)
    layer.trainable = False
    assert np.allclose(layer(images, training=True), layer(images, training=False))
    assert layer.moving_mean.numpy().tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["cnn_classic", "cnn_classic_wide", "cnn_residual"])
@pytest.mark.parametrize("precision", ["float32", MIXED])
def test_what_is_saved_holds_keras_s_own_layers(name: str, precision: str, tmp_path: Path) -> None:
    keras.config.set_dtype_policy(precision)
    save_model(build_model(RECIPES[name].config, 7), tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = archive.read("config.json").decode()
    modules = {layer["module"] for layer in json.loads(config)["config"]["layers"]}
    assert modules == {"keras.layers"}
    assert "fer_core" not in config and MIXED not in config
