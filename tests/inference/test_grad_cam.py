"""The map of where the network looked follows what decides."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.inference.grad_cam import compute_grad_cam
from fer_core.models.architectures import backbone_and_head, build_model, load_model, save_model
from fer_core.models.optimizers import make_optimizer
from fer_core.runs.config import TrainConfig
from fer_core.runs.recipes import RECIPES

SIDE = 16  # of the patch, in pixels of 48


def pictures(count: int, channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with a patch of stripes anywhere; their direction is the class, 0 or 1."""
    rng = np.random.default_rng(0)
    images = rng.integers(90, 166, (count, 48, 48, 1))
    classes = np.arange(count) % 2
    corners = rng.integers(0, 48 - SIDE + 1, (count, 2))
    stripes = np.where(np.arange(SIDE) % 4 < 2, 20, 235)
    patches = (np.tile(stripes, (SIDE, 1)), np.tile(stripes, (SIDE, 1)).T)
    for image, label, (top, left) in zip(images, classes, corners, strict=True):
        image[top : top + SIDE, left : left + SIDE, 0] = patches[label]
    return images.repeat(channels, axis=3).astype("uint8"), classes, corners


def learned(
    config: TrainConfig, images: np.ndarray, classes: np.ndarray, epochs: int, tmp_path: Path
) -> keras.Model:
    """The network as recognition loads it, when it has learned to tell the two apart."""
    keras.utils.set_random_seed(0)
    model = build_model(config, 2)
    targets = np.eye(2, dtype="float32")[classes]
    student, lessons = model, images.astype("float32")
    if config.freezes_at(0):
        backbone, student = backbone_and_head(model, make_optimizer(config, 1, head_only=True))
        lessons = backbone.predict(lessons, verbose=0)
    student.fit(lessons, targets, epochs=epochs, batch_size=32, verbose=0)
    answers = model.predict(images.astype("float32"), verbose=0).argmax(axis=1)
    assert (answers == classes).mean() > 0.9
    save_model(model, tmp_path / "model.keras")
    return load_model(tmp_path / "model.keras")


def share_on_patch(maps: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Of each map's weight the share that lies on the patch, or within three pixels of it."""
    shares = []
    for each, (top, left) in zip(maps, corners, strict=True):
        rows = slice(max(0, top - 3), top + SIDE + 3)
        columns = slice(max(0, left - 3), left + SIDE + 3)
        shares.append(each[rows, columns].sum() / max(each.sum(), 1e-9))
    return np.array(shares)


def check(model: keras.Model, images: np.ndarray, classes: np.ndarray, corners: np.ndarray) -> None:
    maps = compute_grad_cam(model, images[:40], classes[:40])
    assert maps.shape == (40, 48, 48) and maps.dtype == np.float32
    assert maps.min() == 0 and maps.max() == 1
    by_chance = ((SIDE + 6) / 48) ** 2
    assert np.median(share_on_patch(maps, corners[:40])) > 2 * by_chance


@pytest.mark.slow
def test_grad_cam_of_a_cnn_lies_on_the_patch_that_decides(tmp_path: Path) -> None:
    images, classes, corners = pictures(160, 1)
    config = replace(RECIPES["cnn_classic"].config, learning_rate=1e-3, learning_rate_decay=0.0)
    check(learned(config, images, classes, 40, tmp_path), images, classes, corners)


def test_grad_cam_of_vgg19_lies_on_the_patch_that_decides(
    vgg19_weights: Path, tmp_path: Path
) -> None:
    images, classes, corners = pictures(160, 3)
    recipe = RECIPES["vgg19_finetuned"].config
    config = replace(recipe, weights=str(vgg19_weights), head_learning_rate=0.01)
    check(learned(config, images, classes, 60, tmp_path), images, classes, corners)


@pytest.mark.parametrize(
    "name",
    [
        "cnn_vgg",
        pytest.param("cnn_residual_unpooled", marks=pytest.mark.slow),
        pytest.param("cnn_residual_large", marks=pytest.mark.slow),
    ],
)
def test_the_deepest_layers_of_batch_normalized_cnns_make_a_map(name: str) -> None:
    keras.utils.set_random_seed(0)
    images, classes, _ = pictures(2, 1)
    maps = compute_grad_cam(build_model(RECIPES[name].config, 2), images, classes)
    assert maps.shape == (2, 48, 48)
    assert np.isfinite(maps).all() and maps.max() == 1


def test_no_images_have_no_maps_and_a_model_without_places_is_refused() -> None:
    model = build_model(RECIPES["cnn_classic"].config, 7)
    assert compute_grad_cam(model, np.zeros((0, 48, 48, 1), "uint8"), np.zeros(0, int)).shape == (
        0,
        48,
        48,
    )
    inputs = keras.Input((48, 48, 1))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    plain = keras.Model(inputs, keras.layers.Dense(7, "softmax")(flat), name="plain")
    with pytest.raises(ValueError, match="at least 6×6 positions. plain has none"):
        compute_grad_cam(plain, np.zeros((1, 48, 48, 1), "uint8"), np.zeros(1, int))
