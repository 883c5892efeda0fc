"""The moving average of the weights, and the statistics of batch normalization for it."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_core.models.layers import BatchNormalization
from fer_core.models.optimizers import make_optimizer
from fer_core.runs.config import TrainConfig
from fer_core.training.weight_average import AveragedModel

IMAGES = np.random.default_rng(0).uniform(0, 255, (24, 6, 6, 1)).astype("float32")
TARGETS = np.eye(2, dtype="float32")[np.arange(24) % 2]


@pytest.fixture
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(3, 3)(layers.Rescaling(1 / 255)(inputs))
    x = layers.ReLU()(BatchNormalization()(x))
    x = BatchNormalization()(layers.Conv2D(2, 3)(x))
    outputs = layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    config = TrainConfig(dataset="faces", ema=0.9, optimizer="sgd", learning_rate=0.5)
    model.compile(make_optimizer(config, 1), "categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def trainable(model: keras.Model) -> list[np.ndarray]:
    return [np.array(variable) for variable in model.trainable_variables]


def test_the_average_is_that_of_the_weights_after_each_step(model: keras.Model) -> None:
    average = AveragedModel(model)
    expected: list[np.ndarray] = []
    for step in range(4):
        model.train_on_batch(IMAGES, TARGETS)
        pairs = zip(expected, trainable(model), strict=True) if step else ()
        expected = [0.9 * a + 0.1 * w for a, w in pairs] if step else trainable(model)
    before = model.get_weights()
    average.update()
    for ours, wanted in zip(trainable(average.model), expected, strict=True):
        assert ours == pytest.approx(wanted, abs=1e-6)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert not np.allclose(trainable(model)[0], expected[0], atol=1e-4)


def test_statistics_are_recomputed_for_the_averaged_weights(model: keras.Model) -> None:
    for _ in range(3):
        model.train_on_batch(IMAGES, TARGETS)
    average = AveragedModel(model)
    average.update()
    average.recompute_statistics([IMAGES[:12], IMAGES[12:]])
    _, _, conv, norm, *_ = average.model.layers
    outputs = [np.array(conv(images / 255)) for images in (IMAGES[:12], IMAGES[12:])]
    for ours, reduce in ((norm.moving_mean, np.mean), (norm.moving_variance, np.var)):
        wanted = np.mean([reduce(each, axis=(0, 1, 2)) for each in outputs], axis=0)
        assert np.array(ours) == pytest.approx(wanted, rel=1e-3)
    assert norm.momentum == BatchNormalization().momentum
