"""The batches of an epoch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.run_data import RunData, open_run_data
from fer_core.training.batches import training_batches


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=20)


def epoch(data: RunData, number: int) -> tuple[np.ndarray, np.ndarray]:
    batches = list(training_batches(data, number))
    assert len(batches) == data.steps_per_epoch
    images = np.concatenate([np.asarray(batch.images) for batch in batches])
    return images, np.concatenate([batch.targets for batch in batches])


def test_an_epoch_holds_every_training_image_once_with_its_label(config: TrainConfig) -> None:
    data = open_run_data(config)
    images, targets = epoch(data, 0)
    positions = data.positions("train")
    assert images.shape == (112, 48, 48, 1) and images.dtype == np.float32
    pairs = {(image.tobytes(), target) for image, target in zip(
        images.astype("uint8"), targets.argmax(axis=1), strict=True)}  # fmt: skip
    expected = {(data.pixels[position].tobytes(), label) for position, label in zip(
        positions, data.labels(positions), strict=True)}  # fmt: skip
    assert pairs == expected and len(pairs) == 112


def test_epochs_differ_and_each_is_always_the_same(config: TrainConfig) -> None:
    data = open_run_data(replace(config, augmentation=Augmentation(rotation=10, flip=True)))
    again = open_run_data(replace(config, augmentation=Augmentation(rotation=10, flip=True)))
    assert np.array_equal(epoch(data, 3)[0], epoch(again, 3)[0])
    assert not np.array_equal(epoch(data, 3)[0], epoch(data, 4)[0])


def test_targets_have_a_column_for_each_chosen_class(config: TrainConfig) -> None:
    data = open_run_data(replace(config, class_names=("neutral", "angry", "happy")))
    assert epoch(data, 0)[1].shape == (48, 3)


def test_class_weights_let_every_class_weigh_the_same(config: TrainConfig) -> None:
    data = open_run_data(replace(config, class_weights=True))
    disgusted = data.index.index[data.index["expression"] == "disgust"]
    data = replace(data, index=data.index.drop(disgusted[4:12]))
    weights = np.concatenate([batch.weights for batch in training_batches(data, 0)])
    labels = np.concatenate([batch.targets for batch in training_batches(data, 0)]).argmax(axis=1)
    sums = [weights[labels == label].sum() for label in range(7)]
    assert np.allclose(sums, sums[0]) and np.isclose(weights.mean(), 1)
