"""The images that one run learns from."""

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


def test_validation_images_are_never_augmented(config: TrainConfig) -> None:
    data = open_run_data(replace(config, augmentation=Augmentation(rotation=10, flip=True)))
    assert np.array_equal(data.rows("val")[:], data.pixels[data.positions("val")])
    assert data.rows("val")[:].dtype == np.uint8


def test_only_the_chosen_classes_are_used_in_label_order(config: TrainConfig) -> None:
    data = open_run_data(replace(config, class_names=("neutral", "angry", "happy")))
    assert data.class_names == ("angry", "happy", "neutral")
    assert set(data.index["expression"]) == {"angry", "happy", "neutral"}
    assert data.counts.to_dict("list") == {"train": [16] * 3, "val": [2] * 3, "test": [2] * 3}
    assert epoch(data, 0)[1].shape == (48, 3)


def test_unknown_classes_are_named(config: TrainConfig) -> None:
    with pytest.raises(ValueError, match="Received: bored"):
        open_run_data(replace(config, class_names=("happy", "bored")))


def test_class_weights_let_every_class_weigh_the_same(config: TrainConfig) -> None:
    data = open_run_data(replace(config, class_weights=True))
    disgusted = data.index.index[data.index["expression"] == "disgust"]
    data = replace(data, index=data.index.drop(disgusted[4:12]))
    weights = np.concatenate([batch.weights for batch in training_batches(data, 0)])
    labels = np.concatenate([batch.targets for batch in training_batches(data, 0)]).argmax(axis=1)
    sums = [weights[labels == label].sum() for label in range(7)]
    assert np.allclose(sums, sums[0]) and np.isclose(weights.mean(), 1)


def test_predictions_carry_key_truth_and_probabilities(config: TrainConfig) -> None:
    data = open_run_data(config)
    probabilities = np.full((14, 7), 1 / 7, "float32")
    table = data.predictions("val", probabilities)
    columns = ["path", "row", "expression", "leaked", *(f"p_{name}" for name in data.class_names)]
    assert list(table) == columns
    assert list(table["expression"]) == list(data.index.loc[data.positions("val"), "expression"])


def test_predictions_tell_which_images_were_learned_from(config: TrainConfig) -> None:
    data = open_run_data(config)
    assert not data.predictions("val", np.zeros((14, 7)))["leaked"].any()
    learned, seen = data.positions("train")[3], data.positions("val")[5]
    index = data.index.copy()
    index.loc[seen, "content"] = index.loc[learned, "content"]
    leaks = replace(data, index=index).predictions("val", np.zeros((14, 7)))["leaked"]
    assert np.flatnonzero(leaks).tolist() == [5]
