"""Finds out whether the sizes within a network depend on what the pixels are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """Describes an operation by the names of what it takes and gives."""

    operator: str
    inputs: Sequence[str]
    outputs: Sequence[str]


def sized_by_pixels(
    nodes: Iterable[Node], pixels: str, operands: Mapping[str, int], forgetful: frozenset[str]
) -> str:
    """Returns an operator whose output's size depends on the values of pixels; else "".

    Where there is none, what a network takes for one image it takes for every image.

    Args:
        nodes: in the order of execution.
        pixels: the name of the input.
        operands: of operators that make something of a size that their inputs say: the number of
            the first such input, after which all are.
        forgetful: operators whose output depends on the sizes of their inputs alone.
    """
    depends = {pixels}
    for node in nodes:
        first = operands.get(node.operator)
        if first is not None and depends.intersection(node.inputs[first:]):
            return node.operator
        if node.operator not in forgetful and depends.intersection(node.inputs):
            depends.update(node.outputs)
    return ""
