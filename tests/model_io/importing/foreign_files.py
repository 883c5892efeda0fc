"""Writes model files as Keras 1.2 to 3 did, by hand: their forms are no longer written by Keras."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

Entry = dict[str, Any]
SIDE, CLASSES = 12, 7


def network(channels: int = 1) -> keras.Model:
    """Returns a model with every weight at random, whose answers a file must give."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, channels)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(CLASSES, "softmax"),
        ],
        name="network",
    )
    rng = np.random.default_rng(0)
    model.set_weights([each + rng.uniform(0.05, 0.3, each.shape) for each in model.get_weights()])
    return model


def entries(channels: int = 1, **more: Any) -> list[Entry]:
    """Returns the layers of `network` as Keras 2 describes them."""
    shape = [None, SIDE, SIDE, channels]
    conv = {"filters": 4, "kernel_size": [3, 3], "padding": "same", "activation": "relu"}
    return [
        layer("Conv2D", "conv", **conv, batch_input_shape=shape, **more),
        layer("BatchNormalization", "norm", axis=[3], epsilon=0.001),
        layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        layer("Dropout", "drop", rate=0.25),
        layer("Flatten", "flat"),
        layer("Dense", "answer", units=CLASSES, activation="softmax"),
    ]


def entries_of_keras_1(ordering: str = "tf", channels: int = 1) -> list[Entry]:
    """Returns the layers of `network` as Keras 1 describes them."""
    shape = [None, SIDE, SIDE, channels] if ordering == "tf" else [None, channels, SIDE, SIDE]
    common = {"dim_ordering": ordering, "border_mode": "same"}
    conv = {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "subsample": [1, 1], **common}
    pool = {"pool_size": [2, 2], "strides": [2, 2], "dim_ordering": ordering}
    axis = 3 if ordering == "tf" else 1
    return [
        layer("Convolution2D", "conv", **conv, activation="relu", batch_input_shape=shape),
        layer("BatchNormalization", "norm", axis=axis, mode=0, epsilon=0.001),
        layer("MaxPooling2D", "pool", **pool, border_mode="valid"),
        layer("Dropout", "drop", p=0.25),
        layer("Flatten", "flat"),
        layer("Dense", "dense", output_dim=CLASSES, activation="linear", bias=True),
        layer("Activation", "answer", activation="softmax"),
    ]


def layer(class_name: str, name: str, **config: Any) -> Entry:
    """Returns an entry of a list of layers."""
    return {"class_name": class_name, "config": {"name": name, **config}}


def functional(of: list[Entry]) -> Entry:
    """Returns a model of Keras 2 whose layers name what they take."""
    shape = of[0]["config"].pop("batch_input_shape")
    chain = [layer("InputLayer", "image", batch_input_shape=shape), *of]
    before = ""
    for each in chain:
        each["name"] = each["config"]["name"]
        each["inbound_nodes"] = [[[before, 0, 0, {}]]] if before else []
        before = each["name"]
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [[before, 0, 0]]}
    return {"class_name": "Model", "config": {"name": "network", "layers": chain, **ends}}


WEIGHTED = ("conv", "norm", "answer")
_ARRAYS = {
    "conv": ("kernel", "bias"),
    "norm": ("gamma", "beta", "moving_mean", "moving_variance"),
    "answer": ("kernel", "bias"),
}


def by_layer(model: keras.Model) -> dict[str, dict[str, np.ndarray]]:
    """Returns the weights of `network` by layer and name."""
    arrays = iter(model.get_weights())
    return {name: {part: next(arrays) for part in _ARRAYS[name]} for name in WEIGHTED}


def write_groups(group: h5py.Group, weights: dict[str, dict[str, np.ndarray]]) -> None:
    """Writes weights as Keras 1 and 2 do: names in order are attributes."""
    group.attrs["layer_names"] = [name.encode() for name in weights]
    for layer_name, arrays in weights.items():
        own = group.create_group(layer_name)
        names = [f"{layer_name}_1/{part}:0" for part in arrays]
        own.attrs["weight_names"] = [name.encode() for name in names]
        for name, array in zip(names, arrays.values(), strict=True):
            own[name] = array


def h5(
    description: Any, weights: dict[str, dict[str, np.ndarray]], version: str, **more: str
) -> bytes:
    """Returns an .h5 file with a whole model."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(description).encode()
        file.attrs["keras_version"] = version.encode()
        for name, value in more.items():
            file.attrs[name] = value.encode()
        write_groups(file.create_group("model_weights"), weights)
    return buffer.getvalue()


def weights_alone(weights: dict[str, dict[str, np.ndarray]]) -> bytes:
    """Returns an .h5 file that `save_weights` wrote."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write_groups(file, weights)
    return buffer.getvalue()


def keras_zip(description: Any, arrays: dict[str, np.ndarray]) -> bytes:
    """Returns a .keras file with weights under the paths."""
    tree, buffer = io.BytesIO(), io.BytesIO()
    with h5py.File(tree, "w") as file:
        for path, array in arrays.items():
            group, _, number = path.rpartition("/")
            # As on Windows: a group whose name has backslashes.
            file.require_group(group).create_dataset(number, data=array)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "2.13.1"}))
        archive.writestr("config.json", json.dumps(description))
        archive.writestr("model.weights.h5", tree.getvalue())
    return buffer.getvalue()


def sequential(config: Any) -> Entry:
    """Returns a Sequential model."""
    return {"class_name": "Sequential", "config": config}


def _theano(model: keras.Model) -> bytes:
    """Returns a file of Theano: channels first, kernels flipped."""
    weights = by_layer(model)
    kernel = weights["conv"]["kernel"][::-1, ::-1]
    dense = weights.pop("answer")
    rows = dense["kernel"].reshape(SIDE // 2, SIDE // 2, 4, CLASSES).transpose(2, 0, 1, 3)
    weights["conv"]["kernel"] = kernel.transpose(3, 2, 0, 1)
    weights["dense"] = {"kernel": rows.reshape(-1, CLASSES), "bias": dense["bias"]}
    description = sequential(entries_of_keras_1("th"))
    return h5(description, weights, "1.2.2", backend="theano")


def _keras_1(model: keras.Model) -> bytes:
    weights = by_layer(model)
    weights["dense"] = weights.pop("answer")
    return h5(sequential(entries_of_keras_1()), weights, "1.2.2", backend="tensorflow")


def _windows(model: keras.Model, container: str = "layers", slash: str = "\\") -> bytes:
    weights = by_layer(model)
    groups = {"conv": "conv2d", "norm": "batch_normalization", "answer": "dense"}
    arrays = {
        f"{container}{slash}{groups[name]}{slash}vars/{number}": array
        for name, arrays in weights.items()
        for number, array in enumerate(arrays.values())
    }
    image = layer("InputLayer", "image", batch_input_shape=[None, SIDE, SIDE, 1])
    return keras_zip(sequential({"name": "network", "layers": [image, *entries()]}), arrays)


def _nested(model: keras.Model) -> bytes:
    """Returns a file in which the first layers are a model within the model."""
    *first, flat, answer = entries()
    inner = functional(first)
    inner["config"]["name"] = "inner"
    weights = by_layer(model)
    last = weights.pop("answer")
    trained = {f"{k}/{n}": a for k in weights for n, a in weights[k].items() if "moving" not in n}
    moving = {f"{k}/{n}": a for k in weights for n, a in weights[k].items() if "moving" in n}
    buffer = io.BytesIO(h5(sequential([inner, flat, answer]), {"answer": last}, "2.4.0"))
    with h5py.File(buffer, "r+") as file:
        holder = file["model_weights"]
        holder.attrs["layer_names"] = [b"inner", b"answer"]
        group = holder.create_group("inner")
        group.attrs["weight_names"] = [f"{name}:0".encode() for name in trained | moving]
        for name, array in (trained | moving).items():
            group[f"{name}:0"] = array
    return buffer.getvalue()


def _saved(suffix: str) -> Callable[[keras.Model], bytes]:
    def make(model: keras.Model) -> bytes:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model{suffix}"
            model.save(path)
            return path.read_bytes()

    return make


# One file each; all are `network`.
FILES: dict[str, Callable[[keras.Model], bytes]] = {
    "Keras 1.2": _keras_1,
    "Keras 1.2, Theano": _theano,
    "Keras 2.0, a list": lambda model: h5(sequential(entries()), by_layer(model), "2.0.8"),
    "Keras 2.2, no input layer": lambda model: h5(
        sequential({"name": "network", "layers": entries()}), by_layer(model), "2.2.4"
    ),
    "Keras 2.2, functional": lambda model: h5(functional(entries()), by_layer(model), "2.2.4"),
    "a model within the model": _nested,
    "tf.keras 2.13, Windows": _windows,
    "tf.keras 2.12": lambda model: _windows(model, "_layer_checkpoint_dependencies", "/"),
    "Keras 3, .keras": _saved(".keras"),
    "Keras 3, .h5": _saved(".h5"),
}
