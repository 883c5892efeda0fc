"""Models of Keras 1.2 to 3 answer as they did, whatever their files are called."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.keras_file import read_keras
from fer_core.models.onnx_model import load_for_prediction
from tests.model_io.importing import foreign_files
from tests.model_io.importing.foreign_files import CLASSES, FILES, SIDE, by_layer, entries, layer

NAMES = tuple(f"class {number}" for number in range(CLASSES))
CHOICES = ImportChoices(NAMES, "0..255", "gray")


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return foreign_files.network()


def pixels(channels: int = 1) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, (4, SIDE, SIDE, channels)).astype("float32")


def converted(
    folder: Path, data: bytes, second: bytes | None = None, choices: ImportChoices = CHOICES
) -> tuple[ForeignModel, Callable[[np.ndarray], np.ndarray]]:
    """Converts one or two files, and returns what is said of them and the predictor."""
    model, weights = folder / "any.name", folder / "second"
    model.write_bytes(data)
    if second is not None:
        weights.write_bytes(second)
    files = Files(model, None if second is None else weights)
    found = read_keras(files, choices, folder)
    return found, load_for_prediction(folder / "model.keras").predict_on_batch


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_version_answers_as_its_model(
    name: str, network: keras.Model, tmp_path: Path
) -> None:
    found, predict = converted(tmp_path, FILES[name](network))
    assert (found.input_shape, found.classes) == ((SIDE, SIDE, 1), CLASSES)
    assert found.parameters == network.count_params()
    assert predict(pixels()) == pytest.approx(network.predict_on_batch(pixels()), abs=1e-4)


def test_a_description_and_weights_belong_together_in_any_order(
    network: keras.Model, tmp_path: Path
) -> None:
    description = json.dumps(foreign_files.sequential(entries())).encode()
    weights = foreign_files.weights_alone(by_layer(network))
    renamed = {f"{name} of another program": each for name, each in by_layer(network).items()}
    expected = network.predict_on_batch(pixels())
    for files in (
        (description, weights),
        (weights, description),
        (description, foreign_files.weights_alone(renamed)),
    ):
        _, predict = converted(tmp_path, *files)
        assert predict(pixels()) == pytest.approx(expected, abs=1e-4)


def saved(model: keras.Model, folder: Path) -> bytes:
    rng = np.random.default_rng(0)
    model.set_weights([each + rng.uniform(0.05, 0.3, each.shape) for each in model.get_weights()])
    model.save(folder / "theirs.keras")
    return (folder / "theirs.keras").read_bytes()


def mini_xception() -> keras.Model:
    """Returns the end and one block of the most downloaded model of this field."""
    x = inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, use_bias=False)(x)))
    residual = layers.Conv2D(16, 1, strides=2, padding="same", use_bias=False)(x)
    x = layers.SeparableConv2D(16, 3, padding="same", use_bias=False)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.BatchNormalization()(residual)])
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(CLASSES, 3, padding="same")(x))
    return keras.Model(inputs, layers.Activation("softmax")(x))


def chain(*made: Any) -> Callable[[], keras.Model]:
    return lambda: keras.Sequential([layers.Input((SIDE, SIDE, 1)), *made])


ENDINGS: dict[str, tuple[Callable[[], keras.Model], Callable[[np.ndarray], np.ndarray], int]] = {
    "a convolution": (mini_xception, lambda given: given, 0),
    "a softmax layer": (
        chain(layers.Flatten(), layers.Dense(CLASSES, use_bias=False), layers.Softmax()),
        lambda given: given,
        0,
    ),
    "logits": (
        chain(layers.Flatten(), layers.Dense(CLASSES)),
        lambda given: np.exp(given) / np.exp(given).sum(axis=1, keepdims=True),
        1,
    ),
    "sigmoids": (
        chain(layers.Flatten(), layers.Dense(CLASSES, "sigmoid")),
        lambda given: given / given.sum(axis=1, keepdims=True),
        1,
    ),
    "one sigmoid": (
        chain(layers.Flatten(), layers.Dense(1, "sigmoid")),
        lambda given: np.hstack([1 - given, given]),
        1,
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_whatever_a_model_ends_with_becomes_probabilities(ending: str, tmp_path: Path) -> None:
    build, expected, warnings = ENDINGS[ending]
    model = build()
    data = saved(model, tmp_path)
    classes = max(2, model.output_shape[-1])
    found, predict = converted(
        tmp_path, data, choices=ImportChoices(NAMES[:classes], "0..255", "gray")
    )
    assert len(found.warnings) == warnings
    assert predict(pixels()) == pytest.approx(expected(model.predict_on_batch(pixels())), abs=1e-4)


def test_what_a_person_chose_comes_before_the_model(tmp_path: Path) -> None:
    model = foreign_files.network(3)
    data = saved(model, tmp_path)
    given = np.random.default_rng(2).integers(0, 256, (3, SIDE, SIDE, 3)).astype("float32")
    means = np.array([103.939, 116.779, 123.68])  # blue, green, red
    cases: Sequence[tuple[str, str, np.ndarray]] = (
        ("-1..1", "RGB", given / 127.5 - 1),
        ("inverted", "RGB", 1 - given / 255),
        ("imagenet-mean", "BGR", given[..., ::-1] - means),
        ("standardized", "gray", _standardized(given)),
    )
    for scaling, color, scaled in cases:
        choices = ImportChoices(NAMES, scaling, color)
        _, predict = converted(tmp_path, data, choices=choices)
        expected = model.predict_on_batch(scaled.astype("float32"))
        assert predict(given) == pytest.approx(expected, abs=1e-3)


def _standardized(given: np.ndarray) -> np.ndarray:
    mean, deviation = (f(given, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    return np.asarray((given - mean) / deviation)


def test_scaling_and_augmentation_in_the_model_are_understood(
    network: keras.Model, tmp_path: Path
) -> None:
    image = layer("InputLayer", "image", batch_input_shape=[None, SIDE, SIDE, 1])
    own = layer("TFOpLambda", "by_255", function="math.truediv")
    flip = layer("RandomFlip", "flip", mode="horizontal")
    model = foreign_files.functional(
        [layer("Dropout", "none", rate=0.1, batch_input_shape=[None, SIDE, SIDE, 1]), own, flip]
        + entries()
    )
    assert image
    own["inbound_nodes"] = [["none", 0, 0, {"y": 255.0, "name": None}]]
    found, predict = converted(tmp_path, foreign_files.h5(model, by_layer(network), "2.6.0"))
    given = 255 * pixels()
    assert predict(given) == pytest.approx(network.predict_on_batch(pixels()), abs=1e-4)
    assert found.scaling == "0..255"


@pytest.mark.parametrize(
    ("class_names", "color", "scaling"),
    [(NAMES[:6], "gray", "0..1"), (NAMES, "BGR", "0..1"), (NAMES, "gray", "imagenet-mean")],
)
def test_choices_that_do_not_fit_the_model_are_refused(
    class_names: tuple[str, ...], color: str, scaling: str, network: keras.Model, tmp_path: Path
) -> None:
    choices = ImportChoices(class_names, scaling, color)
    with pytest.raises(FerError, match="Received"):
        converted(tmp_path, FILES["Keras 2.0, a list"](network), choices=choices)
    assert not (tmp_path / "model.keras").exists()
