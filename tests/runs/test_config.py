"""The settings of a run and the table of recipes."""

from dataclasses import fields, replace

import pytest

from fer_core.runs.config import SETTINGS, Augmentation, TrainConfig, weights_file
from fer_core.runs.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_settings_survive_being_written_and_read(name: str) -> None:
    config = replace(RECIPES[name].config, dataset="faces", class_names=("happy", "sad"))
    assert TrainConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_called_what_the_table_calls_it(name: str) -> None:
    assert RECIPES[name].config.recipe == name


def test_the_classic_recipes_are_exactly_the_classic_scripts() -> None:
    cnn = RECIPES["cnn_classic"].config
    assert (cnn.image_size, cnn.channels) == ((48, 48), 1)
    assert (cnn.epochs, cnn.batch_size, cnn.learning_rate) == (50, 64, 1e-4)
    assert cnn.learning_rate_decay == 1e-6
    assert cnn.augmentation.is_none
    vgg = RECIPES["vgg19_dropout"].config
    assert (vgg.epochs, vgg.batch_size, vgg.learning_rate) == (8, 32, 1e-4)
    assert vgg.augmentation == Augmentation(shear=0.2, zoom=0.2, flip=True)
    assert vgg.weights == "imagenet"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "`epochs` must be from 1 to 10000. Received: 0"),
        ({"image_size": (48, 45)}, "The image width must be from 46 to 512 pixels"),
        ({"architecture": "vgg19_dropout", "image_size": (31, 48)}, "height must be from 32"),
        ({"architecture": "resnet"}, "`architecture` must be one of cnn_classic"),
        ({"class_names": ("happy",)}, "at least two expressions"),
        ({"class_names": ("happy", "happy")}, "at least two expressions"),
        ({"learning_rate": 0.0}, "`learning_rate` must be"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be"),
        ({"weights": "imagenet"}, "for the VGG19 family only"),
        ({"validation_fraction": 1.0}, "`validation_fraction` must be"),
        ({"optimizer": "rmsprop"}, "`optimizer` must be adam or sgd. Received: 'rmsprop'"),
        ({"schedule": "step"}, "`schedule` must be constant or cosine. Received: 'step'"),
        ({"warmup": 51.0}, "`warmup` must be from 0 to 50. Received: 51.0"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be from 0 to 0.9"),
        ({"votes": 1.5}, "`votes` must be from 0 to 1"),
        ({"mixup": -1.0}, "`mixup` must be from 0 to 10"),
        ({"schedule": "cosine", "learning_rate_decay": 0.1}, "requires the constant schedule"),
        ({"warmup": 1.0, "learning_rate_decay": 0.1}, "requires the constant schedule"),
        (
            {"head_epochs": 2},
            "are available for vgg19_finetuned only. Received: 2 and 0 for cnn_classic",
        ),
        ({"architecture": "vgg19_finetuned", "unfrozen_blocks": 6}, "`unfrozen_blocks` must be"),
        (
            {"architecture": "vgg19_finetuned", "unfrozen_blocks": 1, "feature_views": 1},
            "require a frozen backbone",
        ),
        (
            {"architecture": "vgg19_dropout", "feature_views": 1, "ema": 0.9},
            "`ema` requires training on pixels, without cached features. Received: 0.9 with",
        ),
    ],
)
def test_what_is_impossible_is_refused_with_a_sentence(settings: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match="(?s).*") as error:
        TrainConfig(**settings)
    assert sentence in str(error.value)


def test_the_backbone_is_frozen_while_the_head_learns_and_where_no_block_is_to_learn() -> None:
    staged = TrainConfig(architecture="vgg19_finetuned", head_epochs=2, unfrozen_blocks=1)
    assert [staged.freezes_at(epoch) for epoch in range(4)] == [True, True, False, False]
    assert replace(staged, unfrozen_blocks=0).freezes_at(3)
    assert TrainConfig(architecture="vgg19_dropout").freezes_at(7)
    assert not TrainConfig().freezes_at(0)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValueError, match="unknown names: epoch"):
        TrainConfig.from_dict({"epoch": 3})


@pytest.mark.parametrize("weights", ["/no/such/file.h5", "weights.txt", "Imagenet"])
def test_weights_that_are_no_file_are_refused(weights: str) -> None:
    config = TrainConfig(architecture="vgg19_dropout", weights=weights)
    with pytest.raises(ValueError, match="path of a VGG19 .h5 file"):
        weights_file(config)


def test_every_setting_has_its_words() -> None:
    names = {entry.name for record in (TrainConfig, Augmentation) for entry in fields(record)}
    assert set(SETTINGS) == names - {"dataset", "recipe", "augmentation"}
