"""Makes a foreign network take pixels in [0, 255] and give probabilities, by layers of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import MAX_CLASSES, ImportChoices
from fer_core.model_io.importing.network import Node, make_node, shapes
from fer_core.model_io.importing.scalings import PREPARATIONS
from fer_core.models.foreign import EPSILON, Preparation


def with_preparation(nodes: Sequence[Node], choices: ImportChoices) -> list[Node]:
    """Puts the scaling and the order of the colors that a person chose before a network."""
    first, *others = nodes
    added: list[Node] = []
    for class_name, settings in _scaling_layers(PREPARATIONS[choices.scaling]):
        name = "/value_range" if added else "/scaling"
        added.append(make_node(class_name, name, settings, ((added or [first])[-1].name,)))
    if choices.color == "BGR":
        kernel = np.eye(3, dtype=np.float32)[::-1].reshape(1, 1, 3, 3)
        settings = {"filters": 3, "kernel_size": [1, 1], "use_bias": False}
        added.append(make_node("Conv2D", "/bgr", settings, (added[-1].name,), (kernel,)))
    last = added[-1].name
    moved = [
        replace(node, inputs=tuple(last if each == first.name else each for each in node.inputs))
        for node in others
    ]
    return [first, *added, *moved]


def _scaling_layers(preparation: Preparation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields class names and settings; the first layer gives [0, 1], as in every saved model."""
    yield "Rescaling", {"scale": 1 / 255}
    scale = _one_or_list(255 * each for each in preparation.scale)
    offset = _one_or_list(preparation.offset)
    if (scale, offset) != (1, 0):
        yield "Rescaling", {"scale": scale, "offset": offset}
    if preparation.standardized:
        axes = [1, 2, 3]
        settings = {"axis": axes, "epsilon": EPSILON, "center": False, "scale": False}
        yield "LayerNormalization", settings


def _one_or_list(values: Iterable[float]) -> float | list[float]:
    numbers = list(values)
    return numbers[0] if len(numbers) == 1 else numbers


def with_probabilities(nodes: Sequence[Node], output: str) -> tuple[list[Node], list[str]]:
    """Makes a network end with a dense layer and a softmax, whatever it ended with.

    Returns:
        the nodes that the output depends on, in order, and warnings for whoever imports it.

    Raises:
        FerError: it gives something else than a number for each class.
    """
    kept = _needed(nodes, output)
    kept, ending = _without_ending(kept)
    size = shapes(kept)[kept[-1].name]
    if len(size) == 3 and size[:2] == (1, 1):
        kept.append(make_node("Flatten", "/flat", {}, (kept[-1].name,)))
    elif len(size) != 1:
        raise FerError(
            f"A model must give a number for each class. It gives {'×'.join(map(str, size))}."
        )
    units = size[-1]
    if units > MAX_CLASSES:
        raise FerError(
            f"A model must tell apart at most {MAX_CLASSES} classes. This one has {units:,} "
            "outputs: it may be one whose last layers were cut off."
        )
    if units == 1:
        return _of_one_output(kept, ending)
    if ending == "sigmoid":
        name = kept[-1].name
        kept.append(make_node("Activation", "/log", {"activation": "log_sigmoid"}, (name,)))
        return [*kept, _dense(kept[-1].name, np.eye(units))], [
            "The model judges each class by itself (sigmoid). Its answers are divided by their sum."
        ]
    warnings = []
    if not ending:
        warnings = [
            "The model ends without a softmax, so its outputs are taken for logits. If they are "
            "probabilities already, its answers will look undecided."
        ]
    last = kept[-1]
    if last.class_name != "Dense" or last.settings["activation"] != "linear":
        return [*kept, _dense(last.name, np.eye(units))], warnings
    weights = last.weights if len(last.weights) == 2 else (*last.weights, np.zeros(units, "f4"))
    settings = {**last.settings, "activation": "softmax", "use_bias": True}
    return [*kept[:-1], replace(last, settings=settings, weights=weights)], warnings


def _needed(nodes: Sequence[Node], output: str) -> list[Node]:
    """Returns the input and the nodes that the output depends on; the output comes last."""
    needed = {output}
    for node in reversed(nodes):
        if node.name in needed:
            needed.update(node.inputs)
    kept = [node for node in nodes if node.name in needed]
    if not kept or kept[0] is not nodes[0] or kept[-1].name != output or len(kept) < 2:
        raise FerError("The model's answer must depend on the image, and on all of its layers.")
    return kept


_ENDINGS = ("softmax", "sigmoid")


def _without_ending(nodes: list[Node]) -> tuple[list[Node], str]:
    """Removes a final softmax or sigmoid, and tells which it was; "" if there was none."""
    last = nodes[-1]
    while _is_identity(last) and len(nodes) > 2 and last.inputs == (nodes[-2].name,):
        nodes = nodes[:-1]
        last = nodes[-1]
    if last.class_name == "Softmax" and last.settings["axis"] == -1:
        return _cut(nodes), "softmax"
    activation = last.settings.get("activation")
    if activation not in _ENDINGS:
        return nodes, ""
    if last.class_name == "Activation":
        return _cut(nodes), activation
    return [
        *nodes[:-1],
        replace(last, settings={**last.settings, "activation": "linear"}),
    ], activation


def _cut(nodes: list[Node]) -> list[Node]:
    (source,) = nodes[-1].inputs
    return _needed(nodes[:-1], source)


def _is_identity(node: Node) -> bool:
    return node.class_name == "Activation" and node.settings["activation"] == "linear"


def _of_one_output(nodes: list[Node], ending: str) -> tuple[list[Node], list[str]]:
    if ending != "sigmoid":
        raise FerError("A model must tell at least two classes apart. This one has one output.")
    return [*nodes, _dense(nodes[-1].name, np.array([[0, 1]]))], [
        "The model has one output. Its first class is the one for which the output is near 0, the "
        "second the one for which it is near 1."
    ]


def _dense(source: str, kernel: np.ndarray) -> Node:
    units = kernel.shape[1]
    settings: Mapping[str, Any] = {"units": units, "activation": "softmax"}
    weights = (kernel.astype(np.float32), np.zeros(units, np.float32))
    return make_node("Dense", "/probabilities", settings, (source,), weights)
