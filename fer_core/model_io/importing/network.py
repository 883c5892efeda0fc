"""Holds a network made of the layers that a saved model may have, and writes it as one."""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np

from fer_core.errors import FerError
from fer_core.models import Layer, checked_settings, layer_shapes, read_weights
from fer_core.storage import replacing

Array: TypeAlias = "h5py.Dataset | np.ndarray"
_MAX_NAME = 80


@dataclass(frozen=True)
class Node:
    """Describes a layer of the table in `models.blueprint`, with its weights."""

    class_name: str
    name: str
    settings: Mapping[str, Any]  # checked
    inputs: tuple[str, ...]
    weights: tuple[Array, ...] = ()  # in the order in which Keras saves them


def make_node(
    class_name: str,
    name: str,
    settings: Mapping[str, Any],
    inputs: tuple[str, ...],
    weights: Sequence[Array] = (),
) -> Node:
    """Returns a node with checked settings; those that the table does not have are left out.

    Raises:
        FerError: the table has no such layer, or does not allow the settings.
    """
    config = json.dumps(settings, default=str).encode()
    return Node(class_name, name, checked_settings(class_name, name, config), inputs, (*weights,))


def input_node(height: int, width: int, channels: int) -> Node:
    """Returns the first node of a network.

    Raises:
        FerError: a saved model may not take such images.
    """
    try:
        return make_node(
            "InputLayer", "pixels", {"batch_shape": [None, height, width, channels]}, ()
        )
    except FerError as error:
        raise FerError(
            "It must take images of 1 or 3 channels, with sides of at most 512 pixels. "
            f"Received: {height}×{width} with {channels} channels"
        ) from error


def shapes(nodes: Sequence[Node]) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each node's output for an image, by its name; checks all weights.

    Raises:
        FerError: a weight does not fit or is not finite, layers do not fit together, or they take
            too much memory or time.
        UnsupportedModelError: only Keras could run the network.
    """
    layers, arrays = _layers(nodes)
    return layer_shapes(layers, arrays)


def _layers(nodes: Sequence[Node]) -> tuple[list[Layer], dict[str, Any]]:
    counts: Counter[str] = Counter()
    layers: list[Layer] = []
    arrays: dict[str, Any] = {}
    for node in nodes:
        layer = Layer(
            node.class_name, node.name, node.settings, node.inputs, counts[node.class_name]
        )
        counts[node.class_name] += 1
        if len(node.weights) != len(layer.weight_names):
            raise FerError(
                f"The layer {node.name} must have {len(layer.weight_names)} arrays of weights. "
                f"Received: {len(node.weights)}"
            )
        for position, array in enumerate(node.weights):
            arrays[f"{layer.saved_group}/{position}"] = array
        layers.append(layer)
    return layers, arrays


def write_network(nodes: Sequence[Node], path: Path, name: str) -> None:
    """Writes a .keras file, the weights in float32.

    Args:
        nodes: in an order in which each comes after its inputs; one input, and one dense layer at
            the end.

    Raises:
        FerError: a weight does not hold finite floating-point numbers.
    """
    layers, arrays = _layers(_renamed(nodes))
    with BytesIO() as buffer:
        with h5py.File(buffer, "w") as file:
            for place, array in arrays.items():
                file[place] = read_weights(array)
        with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", _description(layers, name))
            archive.writestr("model.weights.h5", buffer.getbuffer())


def _renamed(nodes: Iterable[Node]) -> list[Node]:
    """Gives the nodes short, different names of letters that a saved model may have."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    renamed = []
    for node in nodes:
        base = re.sub(r"[^A-Za-z0-9_\-]+", "_", node.name)[:_MAX_NAME] or "layer"
        number, name = 1, base
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        names[node.name] = name
        inputs = tuple(names[each] for each in node.inputs)
        renamed.append(replace(node, name=name, inputs=inputs))
    return renamed


def _description(layers: Sequence[Layer], name: str) -> str:
    """Returns the network as Keras describes a functional model."""
    config = {
        "name": re.sub(r"[^A-Za-z0-9_\-]+", "_", name)[:_MAX_NAME] or "imported",
        "layers": [_layer_description(layer) for layer in layers],
        "input_layers": [[layers[0].name, 0, 0]],
        "output_layers": [[layers[-1].name, 0, 0]],
    }
    return json.dumps({"module": "keras", "class_name": "Functional", "config": config})


def _layer_description(layer: Layer) -> dict[str, Any]:
    tensors = [{"config": {"keras_history": [name, 0, 0]}} for name in layer.inputs]
    args = [tensors] if len(tensors) > 1 else tensors
    return {
        "module": "keras.layers",
        "class_name": layer.class_name,
        "name": layer.name,
        "config": {**layer.settings, "name": layer.name},
        "inbound_nodes": [{"args": args, "kwargs": {}}] if args else [],
    }
