"""Saves models, and loads them without trusting the file.

A Keras file says which layers to build, and Keras builds them: a million units allocate gigabytes
before any weight is read. But a run's settings say which model it has. So the model is built from
the settings, and the file only gives weights, each of which must have the shape that is expected.
"""

import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import h5py
import keras

from fer_core.errors import FerError
from fer_core.models import hdf5
from fer_core.models.architectures import STOCK, connect_layers
from fer_core.models.layers import to_stock_layer
from fer_core.runs import Run, TrainConfig
from fer_core.storage import open_regular, replacing

_WEIGHTS = "model.weights.h5"  # the member of a .keras file
_LEAST_BYTES, _MOST_BYTES = 2, 4  # of a weight: float16 or float32
_SLACK = 2_000_000  # bytes of an HDF5 file beside its arrays
_USUAL_PIXELS = 128 * 128
# In these Keras names the weights of the layers, counted in the order of the model's layers.
_GROUPS = {"Conv2D": "conv2d", "Dense": "dense", "BatchNormalization": "batch_normalization"}


def save_model(model: keras.Model, path: Path) -> None:
    """Saves a float32 copy of the model without its optimizer; replaces the file atomically."""
    with replacing(path) as temporary:
        to_stock_model(model).save(temporary)


def load_model(run: Run) -> keras.Model:
    """Returns the run's model for prediction, in float32 and not compiled.

    Raises:
        FerError: the run has no model yet, or the file is damaged or does not fit its settings.
    """
    if run.model_file is None:
        raise FerError(f"{run.name} has no model yet. An epoch must be finished first.")
    return load_model_file(run.model_file, run.config, len(run.class_names))


def load_model_file(path: Path, config: TrainConfig, classes: int) -> keras.Model:
    """Returns the model of these settings with the weights of a file that `save_model` wrote.

    Raises:
        FerError: the file is damaged, or its weights do not fit the settings or are not finite.
    """
    try:
        with open_regular(path) as opened, zipfile.ZipFile(opened) as archive:
            weights = archive.getinfo(_WEIGHTS)
            if weights.file_size < _LEAST_BYTES * _count_weights(config, classes):
                raise FerError("has too few weights for the architecture and image size.")
            model = _stock_model(config, classes)
            content = _read(archive, weights, _MOST_BYTES * model.count_params() + _SLACK)
        with h5py.File(BytesIO(content), "r") as file:
            return _with_weights(model, file)
    except FerError as error:
        raise FerError(
            f"{path.name} does not fit the run's settings or is damaged: it {error} Train the run "
            "again, or copy the whole folder of the run again."
        ) from error
    except (*hdf5.ERRORS, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FerError(
            f"{path.name} must be a complete Keras model; it is damaged. Train the run again, or "
            "copy the whole folder of the run again."
        ) from error


def _count_weights(config: TrainConfig, classes: int) -> int:
    """Returns a lower bound of the number of weights, without building a large model.

    A dense layer after 512×512 pixels has gigabytes of weights, so a copied `config.json` could
    fill the memory. At usual image sizes building the model is the way to count: returns 0.
    """
    if math.prod(config.image_size) <= _USUAL_PIXELS:
        return 0
    small = _stock_model(replace(config, image_size=config.smallest_image), classes)
    shape: tuple[int | None, ...] = (None, *config.image_size, config.channels)
    total = 0
    for layer in small.layers[1:]:  # chains of layers, where a dense layer meets an image's size
        if isinstance(layer, keras.layers.Add):
            return small.count_params()  # its pooling is global
        if isinstance(layer, keras.layers.Dense):
            total += int(shape[-1] or 0) * layer.units
        shape = layer.compute_output_shape(shape)
    return total


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> bytes:
    if member.file_size > max_bytes:
        raise FerError(
            f"must have at most {max_bytes:,} bytes of weights. Received: {member.file_size:,}."
        )
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FerError("must be a zip archive without unusual compression.")
    with archive.open(member) as file:
        return file.read(max_bytes)


def _with_weights(model: keras.Model, file: h5py.File) -> keras.Model:
    counts = Counter[str]()
    for layer in model.layers:
        if not layer.weights:
            continue
        group = _GROUPS[type(layer).__name__]
        name = f"{group}_{counts[group]}" if counts[group] else group
        counts[group] += 1
        layer.set_weights(
            [
                hdf5.read_array(file, f"layers/{name}/vars/{number}", weight.shape)
                for number, weight in enumerate(layer.weights)
            ]
        )
    return model


def _stock_model(config: TrainConfig, classes: int) -> keras.Model:
    """Returns the model, made of stock Keras layers in float32, with random weights."""
    with _in_float32():
        # Without the pretrained weights of the backbone: the file has all weights.
        return connect_layers(replace(config, weights="none"), classes, STOCK)


@contextmanager
def _in_float32() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def in_float32(model: keras.Model) -> keras.Model:
    """Returns the model, or a float32 copy if it computes in mixed precision."""
    if not any(layer.dtype_policy.name.startswith("mixed") for layer in model.layers):
        return model
    return to_stock_model(model)


def to_stock_model(model: keras.Model) -> keras.Model:
    """Returns a float32 copy made of stock Keras layers, without an optimizer."""
    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    copy = keras.models.clone_model(bare, clone_function=to_stock_layer)
    copy.set_weights(model.get_weights())
    return copy
