"""Tests the second output head, which is trained on FER+'s vote distribution."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.errors import FerError
from fer_core.models import architectures
from fer_core.models.architectures import build_model, label_model, load_model
from fer_core.runs.config import TrainConfig
from fer_core.runs.run_data import open_run_data
from fer_core.training.batches import training_batches
from fer_core.training.checkpoints import intact_checkpoints
from tests.datasets.test_ferplus import voted_faces
from tests.training.in_process import go_on, interrupted, same, trained

CONFIG = TrainConfig(
    dataset="faces",
    architecture="cnn_classic",
    class_names=("happy", "sad", "fear"),
    batch_size=16,
    epochs=2,
    learning_rate=1e-3,
    mixup=0.2,
    ema=0.9,
    vote_head=0.5,
)


@pytest.fixture(autouse=True)
def faces(workspace: Path) -> None:
    voted_faces()


def test_checkpoints_have_both_heads_and_the_saved_model_that_of_the_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = trained(CONFIG)
    run = go_on(interrupted(CONFIG, monkeypatch, epoch=0))
    assert same(run, whole)
    saved = load_model(run.model_file)
    assert saved.output_shape == (None, 3) and saved.layers[-1].name == "probabilities"
    alone = build_model(replace(CONFIG, vote_head=0.0), 3)
    shapes = [[each.shape for each in model.get_weights()] for model in (saved, alone)]
    assert shapes[0] == shapes[1]
    trained_model = build_model(CONFIG, 3)
    newest = next(intact_checkpoints(run.directory / "checkpoints"))
    newest.restore(trained_model)
    votes = trained_model.get_layer("votes")
    assert np.any(np.array(votes.bias) != 0)  # it was trained


def test_the_targets_of_the_votes_follow_those_of_the_label_and_are_mixed_like_them() -> None:
    data = open_run_data(replace(CONFIG, ema=0.0, mixup=0.0, label_smoothing=0.3))
    batch = next(training_batches(data, 0))
    labels, votes = np.split(batch.targets, 2, axis=1)
    assert sorted(np.unique(labels.round(3))) == pytest.approx([0.1, 0.8], abs=1e-3)
    assert data.class_names == ("fear", "happy", "sad")
    is_happy = labels.argmax(axis=1) == 1  # seven votes for happy, as every image one for sad
    assert votes[is_happy] == pytest.approx(np.tile([[0, 7 / 8, 1 / 8]], (sum(is_happy), 1)))
    assert votes.sum(axis=1) == pytest.approx(1)
    mixed = next(training_batches(open_run_data(replace(CONFIG, label_smoothing=0.3)), 0))
    assert np.split(mixed.targets, 2, axis=1)[1].sum(axis=1) == pytest.approx(1)
    assert not np.array_equal(mixed.targets, batch.targets)


@pytest.mark.parametrize("changes", [{}, {"sharpness": 0.05}], ids=str)
def test_the_loss_is_that_of_the_label_plus_the_weighted_one_of_the_votes(
    changes: dict[str, float],
) -> None:
    keras.utils.set_random_seed(0)
    model = build_model(replace(CONFIG, architecture="cnn_vgg", **changes), 3)
    images = np.random.default_rng(0).uniform(0, 255, (6, 48, 48, 1)).astype("float32")
    labels = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]
    votes = np.tile(np.array([[0.5, 0.25, 0.25]], "float32"), (6, 1))
    logs = model.test_on_batch(images, np.hstack([labels, votes]), return_dict=True)
    first, second = np.split(model.predict_on_batch(images), 2, axis=1)
    assert first == pytest.approx(label_model(model).predict_on_batch(images), abs=1e-6)
    losses = [-(a * np.log(b)).sum(axis=1).mean() for a, b in ((labels, first), (votes, second))]
    assert logs["loss"] == pytest.approx(losses[0] + 0.5 * losses[1], abs=1e-5)
    assert logs["accuracy"] == pytest.approx((first.argmax(axis=1) == labels.argmax(axis=1)).mean())


def test_without_the_head_the_model_is_the_label_model() -> None:
    model = build_model(replace(CONFIG, vote_head=0.0), 3)
    assert architectures.label_model(model) is model


def test_the_head_needs_votes_and_pixels() -> None:
    data = open_run_data(CONFIG)
    without = data.index.drop(columns=[name for name in data.index if name.startswith("votes_")])
    with pytest.raises(FerError, match="`vote_head` needs a dataset with FER.'s votes"):
        next(training_batches(replace(data, index=without), 0))
    with pytest.raises(FerError, match="`vote_head` requires training on pixels"):
        replace(CONFIG, architecture="vgg19_dropout", ema=0.0, feature_views=1)
