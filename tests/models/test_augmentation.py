"""What training does to images."""

import keras
import numpy as np
import pytest
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from skimage import data

from fer_core.models.augmentation import augment, augmentation_examples, draw_matrices
from fer_core.runs.config import Augmentation
from fer_core.vision.images import face_pixels

TARGETS = np.eye(7, dtype="float32")[[0, 1, 2]]
EVERYTHING = Augmentation(rotation=15, shift=0.1, shear=10, zoom=0.2, flip=True)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    astronaut = data.astronaut()[0:220, 110:330]
    return np.stack([face_pixels(astronaut[i:, i:], (48, 48), 3) for i in (0, 10, 20)])


def test_without_augmentation_images_do_not_change(faces: np.ndarray) -> None:
    images, targets = augment(faces, TARGETS, Augmentation(), (0, 0, 0))
    assert np.array_equal(images, faces)
    assert targets is TARGETS


def test_the_same_seed_gives_the_same_images(faces: np.ndarray) -> None:
    one, two, other = (
        np.asarray(augment(faces, TARGETS, EVERYTHING, seed)[0])
        for seed in ((1, 2, 3), (1, 2, 3), (1, 2, 4))
    )
    assert np.array_equal(one, two)
    assert not np.allclose(one, other)


def test_pixels_stay_in_their_range(faces: np.ndarray) -> None:
    images = np.asarray(augment(faces, TARGETS, EVERYTHING, (5,))[0])
    assert images.dtype == np.float32 and images.shape == faces.shape
    assert images.min() >= 0 and images.max() <= 255


def test_a_flip_mirrors_exactly(faces: np.ndarray) -> None:
    many = np.repeat(faces[:1], 64, axis=0)
    images = np.asarray(augment(many, TARGETS, Augmentation(flip=True), (0,))[0])
    mirrored = [np.array_equal(image, many[0, :, ::-1]) for image in images]
    same = [np.array_equal(image, many[0]) for image in images]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (Augmentation(shear=20), {"shear"}),
        (Augmentation(zoom=0.2), {"zx", "zy"}),
        (Augmentation(rotation=20), {"theta"}),
        (Augmentation(shift=0.1), {"tx", "ty"}),
        (EVERYTHING, {"theta", "tx", "ty", "shear", "zx", "zy"}),
    ],
)
def test_transforms_match_keras_image_data_generator(
    faces: np.ndarray, settings: Augmentation, names: set[str]
) -> None:
    ours = np.asarray(augment(faces[:1], TARGETS, settings, (3,))[0])[0]
    parameters = _parameters(settings, (3,), faces.shape[1:3])
    assert {name for name in names if parameters[name] not in (0.0, 1.0)} == names
    generator = ImageDataGenerator(fill_mode="nearest", interpolation_order=1)
    theirs = generator.apply_transform(faces[0].astype("float32"), parameters)
    assert np.abs(ours - theirs).max() < 0.5  # of 255: both interpolate bilinearly


def _parameters(
    settings: Augmentation, seed: tuple[int, ...], size: tuple[int, int]
) -> dict[str, float | bool]:
    """What `draw_matrices` drew, in ImageDataGenerator's words: drawn again in the same order."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-1, 1, 1)[0] * settings.rotation
    shift = rng.uniform(-1, 1, (2, 1))[:, 0] * settings.shift * size
    shear = rng.uniform(-1, 1, 1)[0] * settings.shear
    zoom = 1 + rng.uniform(-1, 1, (2, 1))[:, 0] * settings.zoom
    flip = bool(settings.flip and rng.uniform(size=1)[0] < 0.5)
    return {
        "theta": theta, "tx": shift[0], "ty": shift[1], "shear": shear,
        "zx": zoom[0], "zy": zoom[1], "flip_horizontal": flip,
    }  # fmt: skip


def test_transforms_use_their_whole_range_and_stay_in_it() -> None:
    matrices = draw_matrices(2000, Augmentation(zoom=0.2), (0,))
    heights = matrices[:, 0, 0]
    assert 0.8 <= heights.min() < 0.81 and 1.19 < heights.max() <= 1.2
    assert keras.ops.shape(matrices) == (2000, 3, 3)


def test_contrast_and_brightness_change_as_documented(faces: np.ndarray) -> None:
    gray = np.stack([np.full((8, 8, 1), 100), np.tile([[[60], [140]]], (8, 4, 1))]).astype("uint8")
    many = np.repeat(gray, 50, axis=0)
    targets = np.zeros((100, 2), "float32")
    harder, _ = augment(many, targets, Augmentation(contrast=0.5), (1,))
    assert np.allclose(harder[:50], 100)  # without contrast none can be changed
    spread = harder[50:].max(axis=(1, 2, 3)) - harder[50:].min(axis=(1, 2, 3))
    assert 40 <= spread.min() < 50 and 110 < spread.max() <= 120
    assert np.allclose(harder[50:].mean(axis=(1, 2, 3)), 100, atol=1e-3)
    lighter, _ = augment(many, targets, Augmentation(brightness=0.2), (1,))
    shifts = (lighter - many).reshape(100, -1)
    assert np.allclose(shifts.min(axis=1), shifts.max(axis=1), atol=1e-4)
    assert -51 <= shifts.min() < -40 and 40 < shifts.max() <= 51
    dark, _ = augment(faces, TARGETS, Augmentation(contrast=1.0, brightness=1.0), (1,))
    assert dark.min() >= 0 and dark.max() <= 255


def test_erasing_covers_a_rectangle_in_a_fraction_of_the_images() -> None:
    white = np.full((400, 48, 40, 1), 255, "uint8")
    erased, _ = augment(white, np.zeros((400, 7)), Augmentation(erasing=0.25), (1,))
    changed = erased[..., 0] != 255
    hit = changed.any(axis=(1, 2))
    assert 70 < hit.sum() < 130
    for hidden in changed[hit]:
        rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert hidden.sum() > 0.95 * height * width  # noise may be white here and there
        assert 0.01 * 48 * 40 < height * width < 0.28 * 48 * 40
    assert (white == 255).all()


def test_transforms_are_drawn_independently(faces: np.ndarray) -> None:
    moved, _ = augment(faces, TARGETS, Augmentation(rotation=20), (1, 2))
    both, _ = augment(faces, TARGETS, Augmentation(rotation=20, brightness=0.01), (1, 2))
    assert np.abs(moved - both).max() <= 0.01 * 255 + 1e-3


def test_the_preview_uses_the_augmentation_of_training(faces: np.ndarray) -> None:
    drawn = augmentation_examples(faces, EVERYTHING, 3, 2)
    assert drawn.shape == (3, *faces.shape) and drawn.dtype == np.uint8
    assert np.array_equal(drawn[0], faces)
    for epoch in range(2):
        images, _ = augment(faces, TARGETS, EVERYTHING, (3, epoch))
        assert np.abs(drawn[1 + epoch] - images).max() <= 0.5
    assert not np.array_equal(drawn[1], drawn[2])


def test_a_crop_shows_a_part_of_the_image_and_leaves_other_draws_alone() -> None:
    matrices = draw_matrices(500, Augmentation(crop=0.2), (0,))
    sides = matrices[:, 0, 0]
    assert 0.8 <= sides.min() < 0.82 and 0.98 < sides.max() <= 1
    assert np.array_equal(sides, matrices[:, 1, 1])
    reach = np.abs(matrices[:, :2, 2]) + sides[:, None] / 2  # of the farther border
    assert reach.max() <= 0.5 + 1e-9 and np.abs(matrices[:, :2, 2]).max() > 0.08
    rotated = Augmentation(rotation=20, zoom=0.1, flip=True)
    both = draw_matrices(500, Augmentation(rotation=20, zoom=0.1, flip=True, crop=0.2), (0,))
    assert np.allclose(both, draw_matrices(500, rotated, (0,)) @ matrices)
