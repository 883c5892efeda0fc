"""Writes the formats of Keras and TensorFlow: .keras, the classic .h5, and SavedModel."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core import models
from fer_core.errors import FerError
from fer_core.model_io.format import USAGE, Format, Source

if TYPE_CHECKING:
    import keras


def load_source(source: Source) -> "keras.Model":
    """Loads the model with Keras.

    Raises:
        DamagedFileError: its file is damaged.
    """
    return models.load_model(source.model_file, source.config, len(source.usage.class_names))


def write_h5(model_file: Path, path: Path) -> None:
    """Writes a model as the classic training scripts save it: it takes pixels in [0, 1].

    The scaling layer is left out. Plain Keras loads the file: it has no model inside a model.

    Raises:
        DamagedFileError: the model's file is damaged.
        FerError: the model does not begin with a layer that divides pixels by 255, as an ensemble
            does not.
    """
    _without_scaling(models.load_model(model_file)).save(path)


def _without_scaling(model: "keras.Model") -> "keras.Model":
    import keras

    first = [layer for layer in model.layers if _takes(layer, model.input)]
    if len(first) != 1 or not _divides_by_255(first[0]):
        raise FerError(
            "A classic .h5 file takes pixels in [0, 1], so its model must begin with one layer "
            "that divides them by 255. This one does not. Export it as .keras."
        )
    scaled = first[0].output
    rest = keras.Model(scaled, model.output, name=model.name)
    pixels = keras.Input(model.input_shape[1:], name="pixels_0_to_1")
    copy = keras.models.clone_model(rest, input_tensors=pixels)
    copy.set_weights(rest.get_weights())
    return copy


def _takes(layer: "keras.Layer", tensor: Any) -> bool:
    """Returns whether a tensor is one of the layer's inputs; the layer that makes it has none."""
    import keras

    if isinstance(layer, keras.layers.InputLayer):
        return False
    return any(given is tensor for given in keras.tree.flatten(layer.input))


def _divides_by_255(layer: "keras.Layer") -> bool:
    import keras

    if not isinstance(layer, keras.layers.Rescaling):
        return False
    return bool(np.allclose(layer.scale, 1 / 255) and np.allclose(layer.offset, 0))


def _write_h5(source: Source, path: Path) -> None:
    import h5py

    write_h5(source.model_file, path)
    with h5py.File(path, "r+") as file:
        file.attrs[USAGE] = json.dumps(asdict(source.usage))


def _write_keras(source: Source, path: Path) -> None:
    load_source(source).save(path)
    append_usage(source, path)


def append_usage(source: Source, path: Path) -> None:
    """Adds usage.json to the members of a .zip; to any other file it appends a .zip."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{USAGE}.json", json.dumps(asdict(source.usage), indent=2))


def write_saved_model(source: Source, path: Path) -> None:
    """Writes a SavedModel whose signature takes `pixels` and returns `probabilities`.

    Raises:
        DamagedFileError: the model's file is damaged.
    """
    import keras
    import tensorflow as tf

    model = load_source(source)

    def serve(pixels: Any) -> dict[str, Any]:
        return {"probabilities": model(pixels, training=False)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    pixels = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, "pixels")
    archive.add_endpoint("serve", serve, input_signature=[pixels])
    archive.write_out(path, verbose=False)


KERAS = Format(
    name="keras",
    label="Keras",
    file="model.keras",
    package="tensorflow",
    module="tensorflow",
    write=_write_keras,
    code="""import zipfile

import keras

model = keras.models.load_model("model.keras", compile=False)
usage = json.loads(zipfile.ZipFile("model.keras").read("usage.json"))


def predict(pixels):
    return model.predict_on_batch(pixels)
""",
)
H5 = Format(
    name="h5",
    label="Keras .h5, classic",
    file="model.h5",
    package="tensorflow",
    module="tensorflow",
    write=_write_h5,
    value_range=(0.0, 1.0),
    code="""import h5py
import keras

model = keras.models.load_model("model.h5", compile=False)
usage = json.loads(h5py.File("model.h5").attrs["usage"])


def predict(pixels):
    return model.predict_on_batch(pixels / 255)
""",
)
SAVED_MODEL = Format(
    name="savedmodel",
    label="TensorFlow SavedModel",
    file="model",
    package="tensorflow",
    module="tensorflow",
    write=write_saved_model,
    code="""from pathlib import Path

import tensorflow as tf

model = tf.saved_model.load("model")
usage = json.loads(Path("usage.json").read_text())


def predict(pixels):
    signature = model.signatures["serving_default"]
    return signature(pixels=tf.constant(pixels))["probabilities"].numpy()
""",
)
