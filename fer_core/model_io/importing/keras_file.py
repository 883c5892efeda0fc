"""Reads models that Keras 1.2 to 3 saved, without Keras: .h5, .keras, or JSON with weights."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import msgspec

from fer_core.errors import FerError
from fer_core.model_io.format import USAGE
from fer_core.model_io.importing.choices import ImportChoices, check_fit
from fer_core.model_io.importing.foreign import Files, ForeignModel
from fer_core.model_io.importing.keras_config import (
    MAX_JSON_BYTES,
    KerasLayer,
    KerasModel,
    parse_model,
)
from fer_core.model_io.importing.keras_layers import (
    Dialect,
    converted_weights,
    dialect_of,
    is_augmentation,
    normalization,
    steps_of,
)
from fer_core.model_io.importing.keras_weights import Arrays, Found, Slot, assignments
from fer_core.model_io.importing.network import Node, input_node, make_node, shapes, write_network
from fer_core.model_io.importing.other_files import HDF5, ZIP
from fer_core.model_io.importing.preparation import with_preparation, with_probabilities
from fer_core.models import (
    Layer,
    UnsupportedModelError,
    check_tree,
    read_members,
    read_text,
    read_weights,
)
from fer_core.storage import file_sha256, open_regular

MAX_BYTES = 2**30  # of a file
_USAGE_FILE = f"{USAGE}.json"
_MEMBERS = {
    "config.json": MAX_JSON_BYTES,
    "metadata.json": 2**16,
    "model.weights.h5": MAX_BYTES,
    _USAGE_FILE: 2**20,
}


@dataclass
class _Content:
    """Holds what one or two files say about a model."""

    description: bytes = b""
    version: str = ""
    backend: str = ""
    weights: tuple[h5py.File, Arrays] | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)  # that this program added to an export


def read_keras(files: Files, choices: ImportChoices | None, folder: Path) -> ForeignModel:
    """Reads a model, and writes it with the choices, if any, to `model.keras` in the folder.

    Raises:
        FerError: the files hold no model that can be rebuilt from the layers in `models.blueprint`.
        Exception: they are damaged; libraries raise errors of many types.
    """
    with _opened(files) as content:
        if not content.description:
            raise FerError(
                "It holds weights alone, which do not tell what the model computes. Choose the "
                "JSON file of its architecture too, or save the whole model with model.save()."
            )
        model = parse_model(content.description, content.version, content.backend)
        if content.weights is None:
            raise FerError(
                "It describes a model without its weights. Choose the file with the weights too."
            )
        dialect = dialect_of(model)
        nodes, output = _network(model, dialect, *content.weights)
        nodes, warnings = with_probabilities(nodes, output)
        shape, classes = nodes[0].settings["batch_shape"][1:], nodes[-1].settings["units"]
        if choices is not None:
            check_fit(choices, classes, shape[2])
            write_network(with_preparation(nodes, choices), folder / "model.keras", model.name)
    return ForeignModel(
        kind="keras",
        label=f"Keras {model.version}".strip(),
        file=files.model.name,
        size=files.model.stat().st_size,
        sha256=file_sha256(files.model),
        input_shape=shape,
        classes=classes,
        parameters=sum(math.prod(each.shape) for node in nodes for each in node.weights),
        class_names=_class_names(content.usage, classes),
        scaling=_own_scaling(nodes, content.usage),
        facts=tuple(_facts(model, nodes)),
        warnings=tuple(warnings),
    )


@contextmanager
def _opened(files: Files) -> Iterator[_Content]:
    """Opens the files; what the second one has comes before the same in the first."""
    content = _Content()
    with ExitStack() as stack:
        for path in filter(None, (files.model, files.weights)):
            _open(path, content, stack)
        yield content


def _open(path: Path, content: _Content, stack: ExitStack) -> None:
    file = stack.enter_context(open_regular(path, max_bytes=MAX_BYTES))
    start = file.read(8)
    file.seek(0)
    if start == HDF5:
        _open_tree(file, os.fstat(file.fileno()).st_size, content, stack)
    elif start.startswith(ZIP):
        members = read_members(file, _MEMBERS)
        content.description = members.get("config.json", content.description)
        content.version = _told(members.get("metadata.json"), "keras_version") or content.version
        content.usage = _object(members.get(_USAGE_FILE)) or content.usage
        weights = members.get("model.weights.h5")
        if weights:
            _open_tree(BytesIO(weights), len(weights), content, stack)
    else:
        content.description = content.description or file.read(MAX_JSON_BYTES + 1)


def _open_tree(file: Any, size: int, content: _Content, stack: ExitStack) -> None:
    try:
        root = stack.enter_context(h5py.File(file, "r"))
    except OSError as error:
        raise FerError(
            "It is damaged, or only a part of it was downloaded or copied. Get the file again."
        ) from error
    arrays = check_tree(root, size, packed=True)
    if arrays:
        content.weights = root, arrays
    content.description = content.description or _bytes(root, "model_config")
    for place in (root, root.get("model_weights", root)):
        content.version = content.version or read_text(place, "keras_version") or ""
        content.backend = content.backend or read_text(place, "backend") or ""
    content.usage = content.usage or _object(_bytes(root, USAGE))


def _bytes(root: h5py.File, name: str) -> bytes:
    """Returns an attribute; h5py gives bytes that are no UTF-8 as surrogates."""
    return (read_text(root, name) or "").encode(errors="replace")


def _object(data: bytes | None) -> Mapping[str, Any]:
    """Returns an object of JSON; an empty one if it is something else."""
    try:
        found = msgspec.json.decode(data or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(data: bytes | None, name: str) -> str:
    value = _object(data).get(name)
    return value[:20] if isinstance(value, str) else ""


def _class_names(usage: Mapping[str, Any], classes: int) -> tuple[str, ...]:
    names = usage.get("class_names")
    is_list = isinstance(names, list) and len(names) == classes
    return tuple(str(name)[:100] for name in names or ()) if is_list else ()


def _own_scaling(nodes: Sequence[Node], usage: Mapping[str, Any]) -> str:
    """Returns the range of pixels that the file tells, or "" if it does not."""
    if usage.get("value_range") == [0, 1]:
        return "0..1"
    scales = [node for node in nodes[1:3] if node.class_name == "Rescaling"]
    return "0..255" if scales or usage.get("value_range") == [0, 255] else ""


def _facts(model: KerasModel, nodes: Sequence[Node]) -> Iterator[str]:
    if model.version:
        backend = f" with {model.backend}" if model.backend else ""
        yield f"Saved by Keras {model.version}{backend}."
    if any(node.class_name == "Rescaling" for node in nodes[1:3]):
        yield "The model scales pixels itself, so it probably takes them from 0 to 255."
    if any(is_augmentation(layer) for layer in model.layers):
        yield "Its layers for random augmentation are left out."


def _network(
    model: KerasModel, dialect: Dialect, root: h5py.File, arrays: Arrays
) -> tuple[list[Node], str]:
    """Returns the nodes of the network with their weights, and the name of its output.

    Raises:
        FerError: a layer has no equivalent here, or weights are missing or do not fit.
    """
    nodes, places, output = _nodes(model, dialect)
    slots = [_slot(layer, node) for layer, node in places.values()]
    problem: Exception | None = None
    for found in assignments(root, arrays, slots):
        try:
            complete = [_with_weights(node, found, places, dialect) for node in nodes]
            shapes(complete)
        except (FerError, UnsupportedModelError) as error:
            problem = problem or error
        else:
            return complete, output
    if isinstance(problem, FerError):
        raise problem
    raise FerError(
        f"{problem}."
        if problem
        else "The weights in the file must be those of the model's layers. "
        "They have other names, and there are more or fewer of them."
    )


_Places = dict[str, tuple[KerasLayer, Node]]  # by the node's name


def _nodes(model: KerasModel, dialect: Dialect) -> tuple[list[Node], _Places, str]:
    """Returns nodes without weights, those that need weights by their layer, and the output."""
    height, width, channels = _image_shape(model.input_shape, dialect)
    nodes = [input_node(height, width, channels)]
    outputs = {"": nodes[0].name}
    places: _Places = {}
    for layer in model.layers:
        inputs = tuple(outputs[each] for each in layer.inputs)
        steps = steps_of(layer, dialect)
        for number, (class_name, settings) in enumerate(steps, 1):
            name = layer.key if number == len(steps) else f"{layer.key}/{number}"
            node = make_node(class_name, name, settings, inputs)
            if _weight_count(layer, node):
                places[name] = layer, node
            nodes.append(node)
            inputs = (name,)
        outputs[layer.key] = inputs[0]
    return nodes, places, outputs[model.output]


def _image_shape(shape: Sequence[int | None], dialect: Dialect) -> tuple[int, int, int]:
    if dialect.channels_first and len(shape) == 3:
        shape = (*shape[1:], shape[0])
    sides = [side for side in shape if side is not None]
    if len(shape) != 3 or len(sides) != 3:
        raise FerError(
            "It must take images of a fixed height and width with 1 or 3 channels. "
            f"Received: {'×'.join('any' if side is None else str(side) for side in shape)}"
        )
    height, width, channels = sides
    return height, width, channels


_STATISTICS = ("moving_mean", "moving_variance")  # weights that are not trained
_MOMENTS = 3  # arrays of a Normalization layer: mean, variance, and a count


def _is_normalization(layer: KerasLayer) -> bool:
    """Tells whether a layer normalizes with numbers that the file keeps among the weights."""
    return layer.class_name == "Normalization" and layer.config.get("mean") is None


def _weight_count(layer: KerasLayer, node: Node) -> int:
    return _MOMENTS if _is_normalization(layer) else len(_weight_names(node))


def _weight_names(node: Node) -> list[str]:
    return Layer(node.class_name, node.name, node.settings, node.inputs, 0).weight_names


def _slot(layer: KerasLayer, node: Node) -> Slot:
    names = [] if _is_normalization(layer) else _weight_names(node)
    trained = len([name for name in names if name not in _STATISTICS]) * layer.is_trainable
    count = _weight_count(layer, node)
    return Slot(node.name, layer.path, layer.saved_path, trained, count)


def _with_weights(node: Node, found: Found, places: _Places, dialect: Dialect) -> Node:
    if node.name not in places:
        return node
    layer, arrays = places[node.name][0], found[node.name]
    if not _is_normalization(layer):
        return replace(node, weights=converted_weights(node.class_name, arrays, dialect))
    mean, variance = (read_weights(each).ravel().astype(float) for each in arrays[:2])
    settings = normalization(mean.tolist(), variance.tolist())
    return make_node("Rescaling", node.name, settings, node.inputs)
