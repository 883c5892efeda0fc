"""Defines the recipes: named, complete sets of training settings."""

from dataclasses import dataclass, replace

from fer_core import hardware
from fer_core.runs.config import FERPLUS, IMPORTED_RECIPE, MIXED, Augmentation, TrainConfig


@dataclass(frozen=True)
class Recipe:
    """Names a complete set of training settings."""

    title: str
    description: str
    config: TrainConfig


_CLASSIC = TrainConfig(
    recipe="cnn_classic",
    architecture="cnn_classic",
    epochs=50,
    batch_size=64,
    learning_rate=1e-4,
    learning_rate_decay=1e-6,
    test_at_end=True,
)

_STRONG = Augmentation(
    rotation=12.0,
    shift=0.1,
    zoom=0.12,
    flip=True,
    contrast=0.25,
    brightness=0.08,
    erasing=0.25,
)

_CAMERA = replace(
    _STRONG,
    exposure=1.0,
    gamma=0.5,
    color_cast=0.5,
    blur=1.5,
    low_resolution=0.6,
    low_light=0.2,
    jpeg=0.3,
)

_RESIDUAL = TrainConfig(
    recipe="cnn_residual",
    architecture="cnn_residual",
    epochs=60,
    batch_size=128,
    learning_rate=2e-3,
    schedule="cosine",
    warmup=1.0,
    weight_decay=0.05,
    label_smoothing=0.1,
    augmentation=_STRONG,
    average_views=True,
)

RECIPES = {
    "cnn_classic": Recipe(
        "Classic CNN",
        "The small Keras CNN of the FER2013 tutorials: 48×48 gray faces, 333 thousand parameters.",
        _CLASSIC,
    ),
    "cnn_classic_wide": Recipe(
        "Classic CNN, wide",
        "The most widely copied variant: 2.3 million parameters, several times slower.",
        replace(_CLASSIC, recipe="cnn_classic_wide", architecture="cnn_classic_wide"),
    ),
    "vgg19_dropout": Recipe(
        "VGG19 + dropout",
        "VGG19 with frozen ImageNet weights; only a small head is trained.",
        TrainConfig(
            recipe="vgg19_dropout",
            architecture="vgg19_dropout",
            epochs=8,
            batch_size=32,
            learning_rate=1e-4,
            augmentation=Augmentation(shear=0.2, zoom=0.2, flip=True),
            weights="imagenet",
            # Measured on FER2013's PublicTest, three seeds each: 38.6 % with one view, 38.1 % with
            # two, 37.1 % without the cache (tests/benchmarks/frozen_features.py).
            feature_views=1,
            test_at_end=True,
        ),
    ),
    "cnn_residual": Recipe(
        "Residual CNN",
        "Six residual blocks, 2.8 million parameters, with strong augmentation and regularization.",
        _RESIDUAL,
    ),
    # Speeds: tests/benchmarks/architecture_speed.py.
    "cnn_vgg": Recipe(
        "VGG, small",
        "Eight convolutions in pairs, 1.8 million parameters. An image takes 0.9 times as long as "
        "with the pretrained model, and so does training.",
        replace(_RESIDUAL, recipe="cnn_vgg", architecture="cnn_vgg"),
    ),
    "cnn_residual_unpooled": Recipe(
        "Residual CNN, full resolution",
        "Eight residual blocks without early pooling, 2.8 million parameters. An image takes 1.3 "
        "times as long as with the pretrained model, training 1.5 times.",
        replace(_RESIDUAL, recipe="cnn_residual_unpooled", architecture="cnn_residual_unpooled"),
    ),
    "cnn_residual_large": Recipe(
        "Residual CNN, large",
        "The same blocks twice as wide, 11.2 million parameters: a teacher for distillation. An "
        "image takes 5 times as long as with the pretrained model, training 5.6 times.",
        replace(_RESIDUAL, recipe="cnn_residual_large", architecture="cnn_residual_large"),
    ),
    "camera": Recipe(
        "Residual CNN, camera",
        "The residual CNN for faces from cameras: also trained on dark, overexposed, blurred, "
        "small and compressed images. Suits fine-tuning the pretrained model.",
        replace(_RESIDUAL, recipe="camera", augmentation=_CAMERA),
    ),
    "ferplus": Recipe(
        "Residual CNN, FER+",
        "The residual CNN on FER+'s labels for FER2013: eight expressions with contempt. The "
        "targets are the distribution of the votes.",
        replace(
            _RESIDUAL, recipe="ferplus", labels=FERPLUS, votes=1.0, label_smoothing=0.0, mixup=0.2
        ),
    ),
    "vgg19_finetuned": Recipe(
        "VGG19, fine-tuned",
        "Trains the head on VGG19's ImageNet features first, then the two upper blocks as well.",
        TrainConfig(
            recipe="vgg19_finetuned",
            architecture="vgg19_finetuned",
            epochs=12,
            batch_size=64,
            learning_rate=1e-4,
            schedule="cosine",
            weight_decay=0.01,
            label_smoothing=0.1,
            head_epochs=3,
            unfrozen_blocks=2,
            feature_views=2,
            augmentation=_STRONG,
            weights="imagenet",
            average_views=True,
        ),
    ),
}


def recipe_title(config: TrainConfig) -> str:
    """Returns the title of a run's recipe; the architecture if the recipe is unknown."""
    if config.recipe == IMPORTED_RECIPE:
        return "Imported"
    recipe = RECIPES.get(config.recipe)
    title = recipe.title if recipe else config.architecture
    return f"{title}, imported layers" if config.family == "imported" else title


def settings_here(name: str) -> TrainConfig:
    """Returns a recipe's settings in the precision that is fastest on this machine.

    Half precision trains the wide classic CNN 1.6 times as fast on two Zen 5 cores, at the same
    accuracy (see the README for both).
    """
    config = RECIPES[name].config
    return replace(config, precision=MIXED) if hardware.has_bfloat16() else config
