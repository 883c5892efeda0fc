"""Exact resuming and precision. Architectures are real where their layers matter, else small."""

import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.datasets.pixel_cache import open_pixels
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.models import architectures
from fer_core.models.architectures import load_model
from fer_core.models.prediction import predict
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.submit import create_run
from fer_core.storage import paths
from tests.runs.test_submit import begun_with, weights
from tests.training.in_process import go_on, interrupted, same, trained

VGG19 = ((2, 4), (2, 8), (4, 16), (4, 16), (4, 16))  # convolutions and channels of the blocks


@pytest.fixture
def config(workspace: Path) -> TrainConfig:
    draw_dataset("faces", count=140)
    return TrainConfig(dataset="faces", batch_size=16, epochs=3, learning_rate=1e-3)


@pytest.fixture
def shallow_cnn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds as `cnn_vgg` a convolution with batch normalization and dropout."""

    def body(x: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
        x = keras.layers.Conv2D(4, 5, strides=3, use_bias=False)(x)
        x = keras.layers.Activation("relu")(architectures.BatchNormalization()(x))
        return keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))

    monkeypatch.setitem(architectures._BODIES, "cnn_vgg", body)


@pytest.fixture
def narrow_vgg19(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds VGG19 with its layers, but of 4 to 16 channels, which train in a third of the time."""

    def build(include_top: bool, weights: None, input_tensor: keras.KerasTensor) -> keras.Model:
        x = input_tensor
        for block, (convolutions, channels) in enumerate(VGG19, 1):
            for number in range(1, convolutions + 1):
                name = f"block{block}_conv{number}"
                x = keras.layers.Conv2D(channels, 3, padding="same", name=name)(x)
            x = keras.layers.MaxPooling2D(name=f"block{block}_pool")(x)
        return keras.Model(keras.utils.get_source_inputs(input_tensor), x)

    monkeypatch.setattr(keras.applications, "VGG19", build)


def test_resuming_from_a_checkpoint_equals_never_having_stopped(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, augmentation=Augmentation(rotation=10, flip=True))
    whole = trained(config)
    run = interrupted(config, monkeypatch, epoch=1)
    assert run.result is None and len(run.history) == 2
    go_on(run)
    assert same(run, whole)


@pytest.mark.slow
@pytest.mark.usefixtures("narrow_vgg19")
@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "mixed_bfloat16"},
        {
            "architecture": "vgg19_dropout",
            "image_size": (32, 32),
            "feature_views": 2,
            "precision": "mixed_bfloat16",
        },
    ],
)
def test_resuming_is_exact_in_mixed_precision_and_with_lost_features(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, changes: dict
) -> None:
    flipped = Augmentation(zoom=0.1, flip=True)
    config = replace(config, batch_size=32, epochs=2, augmentation=flipped, **changes)
    whole = trained(config)
    run = interrupted(config, monkeypatch, epoch=0)
    shutil.rmtree(paths.cache_root())
    assert same(go_on(run), whole)


STAGED = {
    "architecture": "vgg19_finetuned",
    "image_size": (32, 32),
    "head_epochs": 1,
    "unfrozen_blocks": 1,
    "schedule": "cosine",
    "weight_decay": 0.01,
}


@pytest.mark.slow
@pytest.mark.usefixtures("narrow_vgg19", "shallow_cnn")
@pytest.mark.parametrize(
    "changes",
    [
        {
            "architecture": "cnn_residual",
            "image_size": (32, 32),
            "optimizer": "sgd",
            "schedule": "cosine",
            "warmup": 0.5,
            "mixup": 0.2,
            "label_smoothing": 0.1,
            "augmentation": Augmentation(contrast=0.2, erasing=0.5),
        },
        STAGED | {"feature_views": 2},
        {"architecture": "cnn_vgg", "ema": 0.9},
        {"architecture": "cnn_vgg", "sharpness": 0.05},
        {
            "mixup": 0.2,
            "cutmix": 1.0,
            "augmentation": Augmentation(crop=0.17, blur=1.5, low_light=0.3, jpeg=0.5),
        },
    ],
)
def test_resuming_is_exact_through_schedules_stages_and_batch_normalization(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, changes: dict
) -> None:
    few = {"class_names": ("happy", "sad"), "batch_size": 8}
    config = replace(config, epochs=3, learning_rate=0.01, **few, **changes)
    whole = trained(config)
    # Those with stages in the first one too.
    for epoch in (0, 1) if "head_epochs" in changes else (1,):
        run = interrupted(config, monkeypatch, epoch=epoch)
        assert same(go_on(run), whole)


@pytest.mark.slow
@pytest.mark.usefixtures("narrow_vgg19")
def test_after_the_head_epochs_only_the_unfrozen_blocks_learn(config: TrainConfig) -> None:
    head = trained(replace(config, **STAGED | {"epochs": 1}))
    both = trained(replace(config, **STAGED | {"epochs": 2}, learning_rate=1e-3))
    rates = both.history["learning_rate"]
    assert rates[0] == pytest.approx(both.config.head_learning_rate)
    one, other = (load_model(run.model_file) for run in (head, both))
    moved = {
        layer.name
        for layer, later in zip(one.layers, other.layers, strict=True)
        if not all(map(np.array_equal, layer.get_weights(), later.get_weights()))
    }
    blocks = {name.partition("_")[0] for name in moved if name.startswith("block")}
    assert blocks <= {"block5"}
    if both.result.best_epoch == 1:
        assert blocks == {"block5"}


@pytest.mark.slow
@pytest.mark.usefixtures("narrow_vgg19")
@pytest.mark.parametrize("views", [0, 2])
def test_in_mixed_precision_validation_equals_that_of_the_saved_model(
    config: TrainConfig, views: int
) -> None:
    config = replace(config, epochs=1, precision="mixed_bfloat16")
    if views:
        config = replace(
            config, architecture="vgg19_dropout", image_size=(32, 32), feature_views=views
        )
    run = trained(config)
    assert run.environment["precision"] == "mixed_bfloat16"
    keras.config.set_dtype_policy("float32")
    model = load_model(run.model_file)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    dataset = open_dataset("faces")
    pixels = open_pixels(dataset, config.image_size, config.channels)[dataset.select("val")]
    columns = [f"p_{name}" for name in run.class_names]
    assert np.allclose(predict(model, pixels), run.predictions("val")[columns], atol=2e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("narrow_vgg19")
def test_a_frozen_backbone_comes_along_and_stays_when_the_run_goes_on(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, architecture="vgg19_dropout", image_size=(32, 32), weights="none")
    first = trained(replace(config, epochs=1))
    theirs = weights(load_model(first.model_file))
    frozen = len(theirs) - 4  # two dense layers on top
    run = create_run(replace(config, seed=7, weights="imagenet", initial_run=first.id))
    assert run.config.weights == "none"  # nothing is downloaded for what comes from the run
    begun = begun_with(run, monkeypatch)
    go_on(run, epochs=1, since=0)
    resumed = begun_with(run, monkeypatch)
    for ours in (begun, resumed):
        assert all(map(np.array_equal, ours[:frozen], theirs[:frozen]))
    assert all(map(np.array_equal, begun, theirs))
    assert not np.array_equal(resumed[-2], theirs[-2])  # the head has learned since
