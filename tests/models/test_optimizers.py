"""The optimizer and its learning rate, step by step."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from fer_core.models.optimizers import FINAL_RATE_FRACTION, make_optimizer
from fer_core.runs.config import TrainConfig

PLAIN = TrainConfig(epochs=10, learning_rate=0.1)


def rates(config: TrainConfig, steps: list[int], *, head_only: bool = False) -> list[float]:
    """The learning rate after so many steps, with ten steps an epoch."""
    optimizer = make_optimizer(config, 10, head_only=head_only)
    optimizer.build([keras.Variable(np.zeros(1, "float32"))])
    found = []
    for step in steps:
        optimizer.iterations.assign(step)
        found.append(float(optimizer.learning_rate))
    return found


def test_a_constant_learning_rate_does_not_change() -> None:
    assert rates(PLAIN, [0, 50, 500]) == pytest.approx([0.1, 0.1, 0.1])


def test_the_classic_decay_follows_its_formula() -> None:
    config = replace(PLAIN, learning_rate_decay=0.01)
    assert rates(config, [0, 100, 300]) == pytest.approx([0.1, 0.05, 0.025])


def test_a_cosine_schedule_ends_at_a_thousandth() -> None:
    config = replace(PLAIN, schedule="cosine")
    last = 0.1 * FINAL_RATE_FRACTION
    middle = (0.1 + last) / 2
    assert rates(config, [0, 50, 100, 150]) == pytest.approx([0.1, middle, last, last])


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_learning_rate_rises_linearly_during_warmup(schedule: str) -> None:
    config = replace(PLAIN, schedule=schedule, warmup=2.0)
    assert rates(config, [0, 5, 10, 20]) == pytest.approx([0, 0.025, 0.05, 0.1])
    end = {"constant": 0.1, "cosine": 0.1 * FINAL_RATE_FRACTION}[schedule]
    assert rates(config, [100]) == pytest.approx([end])


def test_head_only_epochs_have_their_own_learning_rate() -> None:
    config = replace(
        PLAIN,
        architecture="vgg19_finetuned",
        schedule="cosine",
        head_epochs=4,
        head_learning_rate=0.02,
        unfrozen_blocks=1,
    )
    assert rates(config, [0, 39], head_only=True) == pytest.approx([0.02, 0.02])
    assert rates(config, [0, 60]) == pytest.approx([0.1, 0.1 * FINAL_RATE_FRACTION])


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_weight_decay_applies_to_kernels_only(name: str) -> None:
    config = replace(PLAIN, optimizer=name, weight_decay=0.5)
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    layer.bias.assign([1.0, 1.0])
    kernel = layer.kernel.numpy()
    optimizer = make_optimizer(config, 10)
    still = [np.zeros_like(variable) for variable in layer.get_weights()]
    optimizer.apply(list(map(keras.ops.convert_to_tensor, still)), layer.trainable_variables)
    assert layer.kernel.numpy() == pytest.approx(kernel * (1 - 0.1 * 0.5))
    assert layer.bias.numpy().tolist() == [1, 1]


def test_sgd_uses_nesterov_momentum() -> None:
    optimizer = make_optimizer(replace(PLAIN, optimizer="sgd"), 10)
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)
