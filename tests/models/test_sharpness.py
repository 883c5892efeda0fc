"""Steps of sharpness-aware minimization."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_core.models.sharpness import SharpnessAwareModel

IMAGES = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
TARGETS = np.eye(3, dtype="float32")[np.arange(12) % 3]
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, 12).astype("float32")
RATE, RADIUS = 0.5, 0.3


def compiled(radius: float | None, *, normalized: bool = False) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    x = layers.BatchNormalization()(inputs) if normalized else inputs
    outputs = layers.Dense(3, "softmax")(x)
    model = (
        keras.Model(inputs, outputs)
        if radius is None
        else SharpnessAwareModel(inputs, outputs, radius=radius)
    )
    model.compile(keras.optimizers.SGD(RATE), "categorical_crossentropy", metrics=["accuracy"])
    return model


def gradients(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns those of the mean weighted cross-entropy of a softmax, derived by hand."""
    logits = IMAGES @ kernel + bias
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = (answers - TARGETS) * WEIGHTS[:, None] / len(IMAGES)
    return IMAGES.T @ errors, errors.sum(axis=0)


def test_a_step_takes_the_gradient_at_the_worst_weights_nearby() -> None:
    model = compiled(RADIUS)
    kernel, bias = model.get_weights()
    first = gradients(kernel, bias)
    norm = np.sqrt(sum((each**2).sum() for each in first))
    worst = [w + RADIUS * g / norm for w, g in zip((kernel, bias), first, strict=True)]
    logs = model.train_on_batch(IMAGES, TARGETS, sample_weight=WEIGHTS, return_dict=True)
    plain = compiled(None).test_on_batch(IMAGES, TARGETS, WEIGHTS, return_dict=True)
    assert logs == pytest.approx(plain, rel=1e-5)  # of the weights before the step
    for ours, before, gradient in zip(
        model.get_weights(), (kernel, bias), gradients(*worst), strict=True
    ):
        assert ours == pytest.approx(before - RATE * gradient, abs=1e-6)


def test_batch_normalization_remembers_the_weights_themselves() -> None:
    models = compiled(RADIUS, normalized=True), compiled(None, normalized=True)
    for model in models:
        model.train_on_batch(IMAGES, TARGETS)
    ours, theirs = (model.layers[1].get_weights() for model in models)
    assert ours[2] == pytest.approx(theirs[2]) and ours[3] == pytest.approx(theirs[3])


def test_sharpness_aware_training_needs_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ValueError, match="requires Keras on TensorFlow. Received: 0.05 on jax"):
        SharpnessAwareModel(radius=0.05)
