"""The images that one run learns from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.run_data import open_run_data


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=20)


def test_validation_images_are_never_augmented(config: TrainConfig) -> None:
    data = open_run_data(replace(config, augmentation=Augmentation(rotation=10, flip=True)))
    assert np.array_equal(data.rows("val")[:], data.pixels[data.positions("val")])
    assert data.rows("val")[:].dtype == np.uint8


def test_only_the_chosen_classes_are_used_in_label_order(config: TrainConfig) -> None:
    data = open_run_data(replace(config, class_names=("neutral", "angry", "happy")))
    assert data.class_names == ("angry", "happy", "neutral")
    assert set(data.index["expression"]) == {"angry", "happy", "neutral"}
    assert data.counts.to_dict("list") == {"train": [16] * 3, "val": [2] * 3, "test": [2] * 3}


def test_unknown_classes_are_named(config: TrainConfig) -> None:
    with pytest.raises(ValueError, match="Received: bored"):
        open_run_data(replace(config, class_names=("happy", "bored")))


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
