"""The flaws of cameras and of their light in training images."""

import cv2
import numpy as np
import pytest

from fer_core.models.augmentation import augment
from fer_core.runs.config import Augmentation
from fer_core.runs.recipes import RECIPES

CAMERA = RECIPES["camera"].config.augmentation
ALL = {
    "exposure": 1.0, "gamma": 0.5, "color_cast": 0.5, "blur": 1.5, "low_resolution": 0.6,
    "low_light": 0.5, "jpeg": 0.5,
}  # fmt: skip


def seen(images: np.ndarray, seed: int = 1, **settings: float) -> np.ndarray:
    """The images as training sees them with these settings alone."""
    targets = np.zeros((len(images), 2), "float32")
    return augment(images, targets, Augmentation(**settings), (seed,))[0]


def gray(level: int, count: int = 100, channels: int = 1) -> np.ndarray:
    return np.full((count, 12, 10, channels), level, "uint8")


def noise(channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 24, 20, channels), dtype="uint8")


@pytest.mark.parametrize("channels", [1, 3])
def test_every_effect_is_the_same_for_the_same_seed_and_stays_in_range(channels: int) -> None:
    images = noise(channels)
    before = images.copy()
    for name, value in ALL.items():
        assert Augmentation(**{name: value}).has_camera_effects
        changed = seen(images, **{name: value})
        assert np.array_equal(changed, seen(images, **{name: value}))
        assert not np.array_equal(changed, seen(images, seed=2, **{name: value}))
        assert changed.dtype == np.float32 and changed.shape == images.shape
        assert changed.min() >= 0 and changed.max() <= 255
        differences = np.abs(changed - images).reshape(len(images), -1).max(axis=1)
        assert len(np.unique(differences)) > len(images) / 4  # each image has its own
    assert np.array_equal(images, before)


def test_exposure_multiplies_by_stops_and_clips() -> None:
    levels = seen(gray(100), exposure=1.0)[:, 0, 0, 0]
    assert 50 <= levels.min() < 55 and 180 < levels.max() <= 200
    assert (seen(gray(200), exposure=1.0).max(axis=(1, 2, 3)) == 255).sum() > 20


def test_gamma_keeps_black_and_white_and_bends_what_is_between() -> None:
    for level in (0, 255):
        assert seen(gray(level), gamma=0.5) == pytest.approx(level, abs=1e-3)
    levels = seen(gray(64), gamma=0.5)[:, 0, 0, 0]
    darkest, lightest = (255 * (64 / 255) ** power for power in (1.5, 1 / 1.5))
    assert darkest <= levels.min() < darkest + 3 and lightest - 5 < levels.max() <= lightest + 0.01


def test_a_color_cast_dims_each_color_by_itself_and_gray_as_a_whole() -> None:
    colors = seen(gray(200, channels=3), color_cast=0.5)[:, 0, 0] / 200
    assert 0.5 <= colors.min() < 0.53 and 0.97 < colors.max() <= 1
    assert np.abs(colors[:, 0] - colors[:, 2]).max() > 0.3
    grays = seen(gray(200), color_cast=0.5)[:, 0, 0, 0] / 200
    as_gray = colors @ np.array([0.299, 0.587, 0.114], "float32")
    assert grays == pytest.approx(as_gray, abs=1e-5)


def test_blur_and_low_resolution_take_detail_away() -> None:
    for settings in ({"blur": 1.5}, {"low_resolution": 0.6}):
        images = noise()
        detail = seen(images, **settings).std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
        assert detail.min() < 0.45 and 0.8 < detail.max() <= 1.01
        assert seen(gray(90), **settings) == pytest.approx(90, abs=1e-3)


def test_low_light_darkens_a_fraction_of_the_images_and_adds_noise() -> None:
    bent = seen(gray(200, count=400), gamma=0.5)
    both = seen(gray(200, count=400), gamma=0.5, low_light=0.25)
    is_dark = (bent != both).any(axis=(1, 2, 3))
    assert 70 < is_dark.sum() < 130
    dark = seen(gray(200, count=400), low_light=0.25)[is_dark]
    means, spreads = dark.mean(axis=(1, 2, 3)), dark.std(axis=(1, 2, 3))
    assert 18 < means.min() < 30 and 90 < means.max() < 102
    assert 0.8 < spreads.min() < 2 and 5 < spreads.max() < 7


def test_jpeg_artifacts_are_those_of_a_file_of_low_quality() -> None:
    images = noise(3)
    changed = seen(images, jpeg=0.5)
    is_compressed = (changed != images).any(axis=(1, 2, 3))
    assert 18 < is_compressed.sum() < 42
    number = int(np.flatnonzero(is_compressed)[0])
    copies = []
    for quality in range(10, 61):
        data = cv2.imencode(".jpg", images[number, ..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        copies.append(cv2.imdecode(data[1], cv2.IMREAD_COLOR)[..., ::-1])
    assert any(np.array_equal(changed[number], copy) for copy in copies)


def test_the_camera_recipe_has_every_effect() -> None:
    assert all(getattr(CAMERA, name) for name in ALL)
    others = [name for name, recipe in RECIPES.items() if name != "camera"
              if recipe.config.augmentation.has_camera_effects]  # fmt: skip
    assert not others
