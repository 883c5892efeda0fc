"""Reads how Keras 1.2 to 3 describe a model in JSON, as a flat list of its layers.

Nothing is built. Models within the model are resolved: their layers stand in the list too.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fer_core.errors import FerError
from fer_core.models import group_name
from fer_core.text import some

MAX_JSON_BYTES = 2**22  # EfficientNet-B7's has 700 kB
_MAX_LAYERS = 2000
_MAX_DEPTH = 8  # of models within models
_MODELS = {"Sequential": "sequential", "Model": "functional", "Functional": "functional"}

Config = Mapping[str, Any]


@dataclass(frozen=True)
class KerasLayer:
    """Describes a layer as the file does."""

    path: tuple[str, ...]  # its name, after those of the models that it is in
    saved_path: tuple[str, ...]  # by which Keras 3 names its weights
    class_name: str
    config: Config
    inputs: tuple[str, ...]  # keys of the layers whose outputs it takes; none: it takes the image
    is_trainable: bool  # and all models that it is in

    @property
    def key(self) -> str:
        """Returns what no other layer is called."""
        return "/".join(self.path)


@dataclass(frozen=True)
class KerasModel:
    """Holds what the description says."""

    name: str
    version: str  # of Keras; "" if not told
    backend: str  # of Keras; "" if not told
    input_shape: tuple[int | None, ...]  # of an image
    layers: tuple[KerasLayer, ...]  # in the file's order
    output: str  # key of the last layer


def parse_model(description: bytes, version: str = "", backend: str = "") -> KerasModel:
    """Parses a description in JSON: of `model.to_json()`, of an .h5 file or of a .keras file.

    Raises:
        FerError: it is not one of a model from one image to one answer, or has what has no meaning
            without Python code, such as a custom layer.
    """
    if len(description) > MAX_JSON_BYTES:
        raise FerError(
            f"The description of a model must have at most {MAX_JSON_BYTES:,} bytes. "
            f"Received: {len(description):,}"
        )
    try:
        model = msgspec.json.decode(description)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FerError(f"Its description must be JSON. {error}") from error
    if not isinstance(model, dict):
        raise FerError("Its description must be one of a model, an object of JSON.")
    model = _unwrapped(model)
    walk = _Walk()
    try:
        output = walk.add_model(model, (), (), "", True)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise FerError(
            f"Its description must be one that Keras writes. It has no {error} where one must be."
        ) from error
    if walk.input_shape is None:
        raise FerError(
            "Its description must tell the size of the images. Build the model with an input shape "
            "before you save it."
        )
    return KerasModel(
        name=_text(_settings(model).get("name")) or "imported",
        version=_text(model.get("keras_version")) or version,
        backend=_text(model.get("backend")) or backend,
        input_shape=walk.input_shape,
        layers=tuple(walk.layers),
        output=output,
    )


def _unwrapped(model: dict[str, Any]) -> dict[str, Any]:
    """Returns the model of a description that some programs save in another object."""
    for key in ("model_config", "modelTopology"):
        inner = model.get(key)
        if isinstance(inner, dict) and "class_name" not in model:
            return _unwrapped(inner)
    return model


def _text(value: object) -> str:
    return value[:100] if isinstance(value, str) else ""


def _settings(entry: Config) -> Config:
    """Returns the settings of a model; Keras before 2.3 saves only a list of a Sequential one."""
    config = entry["config"]
    return {"layers": config} if isinstance(config, list) else config


@dataclass
class _Walk:
    """Collects the layers of a model and of those within it."""

    layers: list[KerasLayer] = field(default_factory=list)
    input_shape: tuple[int | None, ...] | None = None

    def add_model(
        self,
        entry: Config,
        path: tuple[str, ...],
        saved: tuple[str, ...],
        source: str,
        trainable: bool,
    ) -> str:
        """Adds the layers of a model, and returns the key of the layer that gives its output.

        Args:
            path: names of the models that it is in, and its own.
            saved: the same as Keras 3 names them.
            source: key of the layer whose output it takes; "": it takes the image.
        """
        if len(path) > _MAX_DEPTH:
            raise FerError(f"Models must be at most {_MAX_DEPTH} deep within each other.")
        class_name, config = entry["class_name"], _settings(entry)
        trainable = trainable and config.get("trainable") is not False
        if class_name not in _MODELS and not {"layers", "input_layers"} <= config.keys():
            raise FerError(_not_a_model(class_name))
        if class_name == "Sequential":
            return self._add_sequence(entry, path, saved, source, trainable)
        return self._add_graph(config, path, saved, source, trainable)

    def _add_sequence(
        self, entry: Config, path: tuple[str, ...], saved: tuple[str, ...], source: str, train: bool
    ) -> str:
        config = _settings(entry)
        if not source:
            self._see_shape(config.get("build_input_shape"))
            self._see_shape((entry.get("build_config") or {}).get("input_shape"))
        names = _SavedNames(saved)
        for number, each in enumerate(config["layers"]):
            name = _name(each, number)
            if each["class_name"] == "InputLayer":
                self._see_input(each["config"], source)
                continue
            source = self._add(each, (*path, name), names.next(each), (source,), train)
        if not source:
            raise FerError("A model must have layers. It has none.")
        return source

    def _add_graph(
        self,
        config: Config,
        path: tuple[str, ...],
        saved: tuple[str, ...],
        source: str,
        train: bool,
    ) -> str:
        """Adds layers in an order in which each comes after those whose outputs it takes."""
        (first,), (last,) = (_ends(config[f"{side}_layers"]) for side in ("input", "output"))
        names = _SavedNames(saved)
        waiting = [
            (each, _name(each, n), names.next(each)) for n, each in enumerate(config["layers"])
        ]
        outputs: dict[str, str] = {}  # of the layers that were added, by their names
        while waiting:
            left = []
            for each, name, its_path in waiting:
                inputs = _inputs(each)
                if each["class_name"] == "InputLayer":
                    if name != first:
                        raise FerError(
                            f"It must take one image. It has another input: {name[:100]}"
                        )
                    self._see_input(each["config"], source)
                    outputs[name] = source
                elif outputs.keys() >= set(inputs):
                    found = tuple(outputs[one] for one in inputs)
                    outputs[name] = self._add(each, (*path, name), its_path, found, train)
                else:
                    left.append((each, name, its_path))
            if len(left) == len(waiting):
                raise FerError(
                    f"Each layer must take what others give. {left[0][1][:100]} does not."
                )
            waiting = left
        return outputs[last]

    def _add(
        self,
        entry: Config,
        path: tuple[str, ...],
        saved: tuple[str, ...],
        inputs: tuple[str, ...],
        trainable: bool,
    ) -> str:
        class_name, config = entry["class_name"], entry["config"]
        if class_name in _MODELS or (isinstance(config, dict) and "input_layers" in config):
            (source,) = inputs
            return self.add_model(entry, path, saved, source, trainable)
        if not inputs:
            raise FerError(f"The layer {path[-1][:100]} must take the output of another.")
        if len(self.layers) >= _MAX_LAYERS:
            raise FerError(f"A model must have at most {_MAX_LAYERS:,} layers.")
        if inputs == ("",):
            self._see_shape(config.get("batch_input_shape"))
            self._see_shape((entry.get("build_config") or {}).get("input_shape"))
        class_name, config = _as_layer(entry)
        is_trainable = trainable and config.get("trainable") is not False
        layer = KerasLayer(path, saved, class_name, config, inputs, is_trainable)
        self.layers.append(layer)
        return layer.key

    def _see_input(self, config: Config, source: str) -> None:
        if not source:
            self._see_shape(config.get("batch_input_shape") or config.get("batch_shape"))

    def _see_shape(self, shape: Any) -> None:
        """Remembers the shape of the image, that of a batch, if none is known yet."""
        if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], list):
            (shape,) = shape
        if self.input_shape is None and isinstance(shape, list) and len(shape) > 1:
            self.input_shape = tuple(side if isinstance(side, int) else None for side in shape[1:])


class _SavedNames:
    """Names layers as Keras 3 names their weights: by class, and number within it."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()

    def next(self, entry: Config) -> tuple[str, ...]:
        class_name = entry["class_name"]
        name = _MODELS.get(class_name) or group_name(class_name)
        number = self._counts[name]
        self._counts[name] += 1
        return (*self._path, f"{name}_{number}" if number else name)


def _name(entry: Config, number: int) -> str:
    config = entry["config"]
    name = entry.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return name if isinstance(name, str) and name else f"{entry['class_name']}_{number}"


def _ends(ends: Any) -> list[str]:
    """Returns the names of a model's inputs or outputs; there must be one."""
    if len(ends) == 3 and isinstance(ends[0], str):
        ends = [ends]
    if isinstance(ends, dict):
        ends = list(ends.values())
    if len(ends) != 1:
        raise FerError(
            f"It must take one image and give one answer. It has {len(ends)} inputs or outputs: "
            f"{some([str(end[0])[:50] for end in ends])}"
        )
    return [ends[0][0]]


def _inputs(entry: Config) -> list[str]:
    """Returns the names of the layers whose outputs a layer takes."""
    nodes = entry.get("inbound_nodes") or []
    if len(nodes) > 1:
        raise FerError(
            f"A layer must be used once. {_name(entry, 0)[:100]} is used {len(nodes)} times."
        )
    found: list[str] = []
    for node in nodes:
        _collect(node, found, 0)
    return found


def _collect(part: Any, found: list[str], depth: int) -> None:
    """Collects the names in a node: of Keras 3 a tree with tensors, else [name, 0, 0, {…}]."""
    if depth > _MAX_DEPTH:
        raise FerError("Inputs of a layer must not be lists within lists.")
    if isinstance(part, dict):
        history = (part.get("config") or {}).get("keras_history")
        if history is None and "args" in part:
            _collect(part["args"], found, depth + 1)
        elif history is not None:
            if history[2] != 0:
                raise FerError(f"The layer {str(history[0])[:100]} must have one output.")
            found.append(history[0])
    elif isinstance(part, list):
        is_tensor = len(part) >= 3 and isinstance(part[0], str) and isinstance(part[1], int)
        if is_tensor:
            found.append(part[0])
        else:
            for each in part:
                _collect(each, found, depth + 1)


def _not_a_model(class_name: object) -> str:
    name = str(class_name)[:100]
    return (
        "It must be a Sequential or functional model of Keras. A class of its own, whose code is "
        f"elsewhere, cannot be rebuilt. Received: {name}"
    )


# Arithmetic with numbers, which several versions of Keras write as layers of their own.

_Numbers = Callable[[Any], dict[str, Any]]


def _rescaling(scale: Any = 1.0, offset: Any = 0.0) -> dict[str, Any]:
    return {"scale": scale, "offset": offset}


def _negated(values: Any) -> Any:
    return [-each for each in values] if isinstance(values, list) else -values


def _inverse(values: Any) -> Any:
    try:
        return [1 / each for each in values] if isinstance(values, list) else 1 / values
    except ZeroDivisionError as error:
        raise FerError("It must not divide by zero.") from error


def _plus(value: Any) -> dict[str, Any]:
    return _rescaling(offset=value)


def _minus(value: Any) -> dict[str, Any]:
    return _rescaling(offset=_negated(value))


def _times(value: Any) -> dict[str, Any]:
    return _rescaling(value)


def _over(value: Any) -> dict[str, Any]:
    return _rescaling(_inverse(value))


_ARITHMETIC: dict[str, _Numbers] = {
    **dict.fromkeys(("add", "Add", "AddV2", "BiasAdd", "bias_add", "__add__"), _plus),
    **dict.fromkeys(("subtract", "Subtract", "Sub", "sub", "__sub__"), _minus),
    **dict.fromkeys(("multiply", "Multiply", "Mul", "mul", "__mul__"), _times),
    **dict.fromkeys(("truediv", "TrueDivide", "Divide", "divide", "RealDiv", "__truediv__"), _over),
}
_CASTS = ("cast", "Cast", "identity", "Identity", "convert_to_tensor")


def _as_layer(entry: Config) -> tuple[str, Config]:
    """Returns class and settings of a layer; arithmetic becomes a Rescaling layer."""
    class_name, config = entry["class_name"], entry["config"]
    if not isinstance(class_name, str) or not isinstance(config, dict):
        raise FerError(f"Each layer must have a class and settings. Received: {str(entry)[:100]}")
    operation = class_name
    if class_name == "TFOpLambda":
        operation = str(config.get("function", "")).rpartition(".")[2]
    if class_name == "TensorFlowOpLayer":
        operation = str((config.get("node_def") or {}).get("op", ""))
    if operation in _CASTS:
        return "Activation", {"activation": "linear"}
    numbers = _constants(entry)
    if operation in _ARITHMETIC and len(numbers) == 1:
        return "Rescaling", _ARITHMETIC[operation](numbers[0])
    return class_name, config


def _constants(entry: Config) -> list[Any]:
    """Returns the constant operands of an arithmetic operation."""
    if entry["class_name"] == "TensorFlowOpLayer":
        return _only_numbers((entry["config"].get("constants") or {}).values())
    found: list[Any] = []
    for node in entry.get("inbound_nodes") or []:
        if isinstance(node, dict):  # of Keras 3
            found += _only_numbers([*node.get("args", []), *node.get("kwargs", {}).values()])
        for part in node if isinstance(node, list) else ():
            tensors = (
                part if isinstance(part, list) and part and isinstance(part[0], list) else [part]
            )
            for tensor in tensors:
                kwargs = tensor[3] if isinstance(tensor, list) and len(tensor) > 3 else tensor
                if isinstance(kwargs, dict):
                    found += _only_numbers(kwargs.values())
    return found


def _only_numbers(values: Iterable[Any]) -> list[Any]:
    return [each for each in values if _is_numeric(each)]


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        return 1 <= len(value) <= 3 and all(map(_is_numeric, value))
    return isinstance(value, (int, float)) and not isinstance(value, bool)
