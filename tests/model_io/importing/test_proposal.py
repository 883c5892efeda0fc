"""Tests proposals, from labeled images, of what a model file does not say."""

import numpy as np
import pytest

from fer_core.expressions import EXPRESSIONS, RAF_DB
from fer_core.model_io.importing.choices import SCALINGS, ImportChoices
from fer_core.model_io.importing.proposal import Sample, compare
from fer_core.model_io.importing.scalings import preparation_of

COUNT, SIDE = 105, 6
ORDERS = {
    "fer2013": EXPRESSIONS,
    "raf-db": tuple(RAF_DB.values()),
    "alphabetical": tuple(sorted(EXPRESSIONS)),
    "found": ("happy", "neutral", "fear", "angry", "surprise", "disgust", "sad"),
}


def sample(channels: int = 1) -> Sample:
    """Noise around a pattern for each class, in color if there are three channels."""
    random = np.random.default_rng(0)
    labels = np.arange(COUNT) % len(EXPRESSIONS)
    patterns = random.integers(60, 196, (len(EXPRESSIONS), SIDE, SIDE, channels))
    noise = random.integers(-40, 40, (COUNT, SIDE, SIDE, channels))
    pixels = (patterns[labels] + noise).astype(np.uint8)
    gray = np.broadcast_to(pixels.mean(axis=3, keepdims=True).astype(np.uint8), pixels.shape)
    both = {"gray": gray, "RGB": pixels} if channels == 3 else {"gray": pixels}
    return Sample(both, labels, EXPRESSIONS)


class Nearest:
    """Answers with the class whose pattern is nearest; always the same for unexpected values."""

    def __init__(self, faces: Sample, choices: ImportChoices) -> None:
        pixels = faces.pixels["gray" if choices.color == "gray" else "RGB"]
        prepared = preparation_of(choices).apply(pixels)
        means = [prepared[faces.labels == number].mean(axis=0) for number in range(7)]
        self._means = np.stack([means[EXPRESSIONS.index(name)] for name in choices.class_names])
        self._usual = prepared.mean(), prepared.std()

    def __call__(self, prepared: np.ndarray) -> np.ndarray:
        answers = np.full((len(prepared), 7), 0.1, np.float32)
        answers[:, 0] = 0.4
        mean, deviation = self._usual
        found = np.array([prepared.mean() - mean, prepared.std() - deviation])
        if np.abs(found).max() < 0.02 * deviation:
            answers[:] = 0.1
            distances = (prepared[:, None] - self._means[None]) ** 2
            nearest = distances.mean(axis=(2, 3, 4)).argmin(axis=1)
            answers[np.arange(len(prepared)), nearest] = 0.4
        return answers


@pytest.mark.parametrize(
    ("scaling", "order"),
    [
        ("0..1", "alphabetical"),
        ("-1..1", "fer2013"),
        ("0..255", "raf-db"),
        ("standardized", "found"),
        ("inverted", "found"),
    ],
)
def test_scaling_and_order_of_classes_are_found(scaling: str, order: str) -> None:
    faces = sample()
    choices = ImportChoices(ORDERS[order], scaling, "gray")
    names = [name for name in SCALINGS if not name.startswith("imagenet")]
    best, warnings = compare(Nearest(faces, choices), faces, names, 7)
    assert best[0].choices() == choices
    assert best[0].order == order
    assert best[0].accuracy.value > 0.9
    assert best[0].accuracy.total == COUNT
    assert best[0].accuracy.value >= best[1].accuracy.value
    assert not warnings


@pytest.mark.parametrize("color", ["gray", "RGB", "BGR"])
def test_the_order_of_colors_is_found(color: str) -> None:
    faces = sample(channels=3)
    choices = ImportChoices(EXPRESSIONS, "-1..1", color)
    best, _ = compare(Nearest(faces, choices), faces, list(SCALINGS), 7)
    assert best[0].choices() == choices


def test_a_model_that_always_says_the_same_is_warned_of() -> None:
    faces = sample()
    answer = np.array([0.9, *[0.1 / 6] * 6], np.float32)
    best, warnings = compare(lambda pixels: np.tile(answer, (len(pixels), 1)), faces, ["0..1"], 7)
    assert best[0].largest_share == 1
    assert len(warnings) == 2


def test_a_model_of_fewer_classes_gets_names_of_its_own() -> None:
    faces = sample()
    choices = ImportChoices(EXPRESSIONS, "0..1", "gray")
    whole = Nearest(faces, choices)
    best, _ = compare(lambda pixels: whole(pixels)[:, [3, 0, 4]], faces, ["0..1"], 3)
    assert best[0].class_names == ("happy", "angry", "sad")


def test_names_in_the_file_are_kept() -> None:
    faces = sample()
    names = ORDERS["raf-db"]
    whole = Nearest(faces, ImportChoices(names, "0..1", "gray"))
    best, _ = compare(whole, faces, ["0..1", "inverted"], 7, names)
    assert best[0].class_names == best[1].class_names == names
