"""Every architecture as a Keras model."""

import re
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from fer_core.models.architectures import (
    begin_stage,
    build_model,
    load_model,
    save_model,
    trained_layers,
)
from fer_core.models.prediction import predict
from fer_core.runs.config import TrainConfig
from fer_core.runs.recipes import RECIPES
from fer_core.training.setup import configure_backend


def recipe(name: str, **changes: object) -> TrainConfig:
    config = RECIPES[name].config
    if config.family == "vgg19":
        changes = {"weights": "none"} | changes
    return replace(config, **changes)


@pytest.fixture(scope="module")
def classic() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_model(recipe("cnn_classic"), 7)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cnn_classic", 333_415),
        ("cnn_classic_wide", 2_345_607),
        ("vgg19_dropout", 20_024_384 + 512 * 256 + 256 + 256 * 7 + 7),
    ],
)
def test_a_recipe_has_exactly_the_parameters_of_the_classic_script(
    name: str, parameters: int
) -> None:
    assert build_model(recipe(name), 7).count_params() == parameters


def test_a_training_step_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, traces = build_model(recipe("cnn_classic"), 7), list[int]()
    train_step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda data: traces.append(1) or train_step(data))
    model.train_on_batch(np.zeros((2, 48, 48, 1)), np.eye(7)[:2])
    assert len(traces) == 1


def test_the_layers_of_the_classic_cnn_stand_in_the_classic_order(classic: keras.Model) -> None:
    kinds = [type(layer).__name__ for layer in classic.layers[2:]]
    conv = ["Conv2D", "MaxPooling2D"]
    top = ["Dropout", "Flatten", "Dense", "Dropout", "Dense"]
    assert kinds == [*conv, *conv, "Dropout", *conv, *conv, *top]
    rates = [layer.rate for layer in classic.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25, 0.25, 0.5]


def test_all_of_vgg19_is_frozen() -> None:
    layers = trained_layers(build_model(recipe("vgg19_dropout"), 7))
    assert [layer.count_params() for layer in layers] == [512 * 256 + 256, 0, 256 * 7 + 7]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cnn_residual", 2_763_687),
        ("cnn_vgg", 9 * 203_240 + 4 * 2 * (40 + 80 + 160 + 320) + 320 * 7 + 7),
        ("cnn_residual_unpooled", 2_801_063),
        ("cnn_residual_large", 11_180_871),
    ],
)
def test_a_cnn_with_batch_normalization_has_the_parameters_that_its_recipe_tells(
    name: str, parameters: int
) -> None:
    model = build_model(recipe(name), 7)
    assert model.count_params() == parameters
    millions = re.search(r"([\d.]+) million parameters", RECIPES[name].description)
    assert millions is not None and float(millions[1]) == round(parameters / 1e6, 1)


def test_without_early_pooling_the_first_blocks_see_every_pixel() -> None:
    model = build_model(recipe("cnn_residual_unpooled"), 7)
    sums = [each.output.shape[1] for each in model.layers if isinstance(each, keras.layers.Add)]
    assert sums == [48, 48, 24, 24, 12, 12, 6, 6]


def test_of_the_fine_tuned_vgg19_the_head_learns_first_and_then_its_upper_blocks() -> None:
    config = recipe("vgg19_finetuned", head_epochs=2, unfrozen_blocks=2)
    model = build_model(config, 7)
    learning = {layer.name for layer in trained_layers(model)}
    assert not any(name.startswith("block") for name in learning)
    begin_stage(model, config, 2)
    learning = {layer.name.partition("_")[0] for layer in trained_layers(model)}
    assert {name for name in learning if name.startswith("block")} == {"block4", "block5"}


def test_the_fine_tuned_vgg19_sees_what_its_weights_were_trained_on(vgg19_weights: Path) -> None:
    model = build_model(recipe("vgg19_finetuned", weights=str(vgg19_weights)), 7)
    face = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3)).astype("float32")
    ours = keras.Model(model.inputs, model.get_layer("block5_conv4").output).predict(face)
    vgg19 = keras.applications.VGG19(False, str(vgg19_weights), input_shape=(48, 48, 3))
    theirs = keras.Model(vgg19.inputs, vgg19.get_layer("block5_conv4").output).predict(
        keras.applications.vgg19.preprocess_input(face.copy())
    )
    assert np.abs(ours).max() > 1
    assert np.allclose(ours, theirs, atol=1e-2)


def test_the_learning_rate_decays_as_keras_1_did(classic: keras.Model) -> None:
    schedule = classic.optimizer._learning_rate
    assert float(schedule(0)) == pytest.approx(1e-4)
    assert float(schedule(1_000_000)) == pytest.approx(0.5e-4)


def test_a_model_scales_pixels_by_itself(classic: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1), dtype="uint8")
    inner = keras.Model(classic.get_layer("scaling").output, classic.output)
    expected = inner.predict_on_batch(pixels.astype("float32") / 255)
    assert np.allclose(predict(classic, pixels), expected, atol=1e-6)


def test_predictions_do_not_depend_on_the_batch_they_are_in(classic: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), dtype="uint8")
    assert np.allclose(predict(classic, pixels, 2), predict(classic, pixels, 5), atol=1e-6)
    assert predict(classic, pixels[:0]).shape == (0, 7)


def test_of_large_images_fewer_are_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(recipe("cnn_classic", image_size=(192, 96)), 7)
    sizes, original = [], model.predict_on_batch

    def noting(images: np.ndarray) -> np.ndarray:
        sizes.append(len(images))
        return original(images)

    monkeypatch.setattr(model, "predict_on_batch", noting)
    assert predict(model, np.zeros((70, 192, 96, 1), "uint8")).shape == (70, 7)
    assert sizes == [32, 32, 6]


def test_a_saved_model_predicts_the_same_and_carries_no_optimizer(
    classic: keras.Model, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), dtype="uint8")
    save_model(classic, tmp_path / "model.keras")
    assert np.array_equal(predict(load_model(tmp_path / "model.keras"), pixels),
                          predict(classic, pixels))  # fmt: skip
    assert (tmp_path / "model.keras").stat().st_size < 4.2 * classic.count_params()


def test_a_damaged_model_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"not a model")
    with pytest.raises(ValueError, match="model.keras"):
        load_model(tmp_path / "model.keras")


def test_weights_that_do_not_fit_are_refused_with_a_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.h5"
    build_model(recipe("cnn_classic"), 7).save_weights(tmp_path / "wrong.weights.h5")
    (tmp_path / "wrong.weights.h5").rename(wrong)
    with pytest.raises(ValueError, match="must contain VGG19's weights without top"):
        build_model(recipe("vgg19_dropout", weights=str(wrong)), 7)


def test_imagenet_weights_without_a_network_say_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*arguments: object, **settings: object) -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", no_network)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    with pytest.raises(ValueError, match="into ~/.keras/models, set .weights. to the path"):
        build_model(recipe("vgg19_dropout", weights="imagenet"), 7)


def test_the_given_imagenet_weights_are_read(vgg19_weights: Path) -> None:
    model = build_model(recipe("vgg19_dropout", weights=str(vgg19_weights)), 7)
    for name in ("block1_conv1", "block5_conv4"):
        with h5py.File(vgg19_weights) as file:
            kernel = next(value[()] for value in file[name].values() if value.ndim == 4)
        assert np.array_equal(model.get_layer(name).get_weights()[0], kernel)


def test_a_model_in_mixed_precision_is_saved_in_float32(tmp_path: Path) -> None:
    config = recipe("cnn_classic", precision="mixed_bfloat16")
    configure_backend(config)
    model = build_model(config, 7)
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    save_model(model, tmp_path / "model.keras")
    configure_backend(recipe("cnn_classic"))
    saved = load_model(tmp_path / "model.keras")
    assert {layer.compute_dtype for layer in saved.layers} == {"float32"}
    twin = build_model(recipe("cnn_classic"), 7)
    twin.set_weights(model.get_weights())
    pixels = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1), "uint8")
    assert np.array_equal(predict(saved, pixels), predict(twin, pixels))
    assert not np.array_equal(predict(saved, pixels), predict(model, pixels))


def test_mixed_precision_does_not_round_the_pixels() -> None:
    config = recipe("cnn_classic", precision="mixed_bfloat16")
    configure_backend(config)
    scaling = build_model(config, 7).layers[1]
    configure_backend(recipe("cnn_classic"))
    assert float(scaling(np.full((1, 48, 48, 1), 200.3, "float32"))[0, 0, 0, 0]) == pytest.approx(
        200.3 / 255, rel=1e-6
    )
