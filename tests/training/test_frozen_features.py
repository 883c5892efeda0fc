"""Features of a frozen backbone, kept for several views."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.models.augmentation import augment_view
from fer_core.models.prediction import predict
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.run_data import RunData, open_run_data
from fer_core.storage import paths
from fer_core.training.frozen_features import TrainingStage, open_stage
from fer_core.training.setup import configure_backend
from tests.training.in_process import small_model as build_model


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=70)
    return TrainConfig(
        dataset="faces",
        architecture="vgg19_dropout",
        image_size=(32, 32),
        batch_size=16,
        augmentation=Augmentation(zoom=0.2, flip=True),
        feature_views=2,
    )


def opened(config: TrainConfig) -> tuple[RunData, keras.Model, TrainingStage]:
    configure_backend(config)
    data = open_run_data(config)
    model = build_model(config, len(data.class_names))
    return data, model, open_stage(data, model)


def kept() -> dict[str, int]:
    """The feature files in the cache, and when each was written."""
    folder = paths.cache_root() / "features"
    return {path.name: path.stat().st_ino for path in folder.glob("*.npy")}


def test_the_head_on_features_answers_what_the_whole_network_answers(config: TrainConfig) -> None:
    data, model, lessons = opened(config)
    assert np.allclose(lessons.validate(), predict(model, data.rows("val")), atol=1e-6)


def test_what_the_head_learns_the_whole_network_knows(config: TrainConfig) -> None:
    data, model, lessons = opened(config)
    before = lessons.validate()
    for batch in lessons.batches(0):
        lessons.model.train_on_batch(batch.images, batch.targets)
    assert not np.allclose(lessons.validate(), before, atol=1e-6)
    assert np.allclose(lessons.validate(), predict(model, data.rows("val")), atol=1e-6)


def test_an_epoch_shows_every_image_once_in_one_of_its_views(config: TrainConfig) -> None:
    data, model, lessons = opened(config)
    pixels = data.rows("train")[:]
    views = [augment_view(pixels, config.augmentation, view) for view in (0, 1)]
    assert np.array_equal(views[0], pixels)
    known = [model_features(model, view) for view in views]
    shown = np.concatenate([batch.images for batch in lessons.batches(0)])
    assert len(shown) == len(pixels)
    distances = [np.abs(shown[:, None] - view[None]).max(axis=2) for view in known]
    nearest = np.minimum(*distances).argmin(axis=1)
    assert sorted(nearest) == list(range(len(pixels)))
    assert np.minimum(*distances).min(axis=1).max() < 2e-3 * np.abs(shown).max()
    of_first = (distances[0].min(axis=1) < distances[1].min(axis=1)).mean()
    assert 0.2 < of_first < 0.8


def model_features(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    first = next(layer for layer in model.layers if layer.trainable and layer.weights)
    backbone = keras.Model(model.inputs, first.input)
    return np.asarray(backbone.predict_on_batch(pixels.astype("float32")))


def test_epochs_draw_other_views_and_each_is_always_the_same(config: TrainConfig) -> None:
    _, _, lessons = opened(config)
    first, again, other = (
        np.concatenate([batch.images for batch in lessons.batches(epoch)]) for epoch in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_second_run_with_another_head_computes_nothing(config: TrainConfig) -> None:
    opened(config)
    before = kept()
    opened(replace(config, learning_rate=0.01, seed=0, batch_size=8))
    assert kept() == before and len(before) == 3


def test_more_views_compute_only_the_new_ones(config: TrainConfig) -> None:
    opened(config)
    before = kept()
    opened(replace(config, feature_views=3))
    assert before.items() < kept().items() and len(kept()) == 4


@pytest.mark.parametrize(
    "change",
    [{"image_size": (40, 40)}, {"class_names": ("happy", "sad")}, {"seed": 1}],
)
def test_settings_that_change_frozen_features_compute_new_ones(
    config: TrainConfig, change: dict
) -> None:
    opened(config)
    before = kept()
    opened(replace(config, **change))  # with random weights, the seed decides them
    assert not before.keys() & (kept().keys() - before.keys()) and len(kept()) == 6


def test_other_augmentation_keeps_the_view_as_it_is(config: TrainConfig) -> None:
    opened(config)
    opened(replace(config, augmentation=Augmentation(rotation=5)))
    assert len(kept()) == 4


def test_odd_views_are_mirrored_where_images_are_flipped() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), "uint8")
    assert np.array_equal(
        augment_view(images, Augmentation(flip=True), 1), images[:, :, ::-1].astype("float32")
    )


def test_only_a_frozen_backbone_has_features_to_keep() -> None:
    with pytest.raises(ValueError, match="a frozen backbone.*feature_views=2 for cnn_classic"):
        TrainConfig(feature_views=2)


def test_stopping_while_features_are_computed_leaves_nothing_half_made(
    config: TrainConfig,
) -> None:
    configure_backend(config)
    data = open_run_data(config)
    model = build_model(config, 7)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_stage(data, model, progress=stop)
    folder = paths.cache_root() / "features"
    assert not list(folder.glob("*.npy")) and not list(folder.glob(".*.npy"))
