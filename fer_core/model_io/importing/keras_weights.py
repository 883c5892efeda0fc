"""Finds the weights of a model's layers in an HDF5 file, wherever a version of Keras puts them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import h5py

from fer_core.errors import FerError
from fer_core.models import read_texts

Arrays = Mapping[str, h5py.Dataset]
Found = dict[str, list[h5py.Dataset]]  # by the key of the layer, in the order in which Keras saves
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # that Keras 3 and 2.12 put in a path


@dataclass(frozen=True)
class Slot:
    """Describes a layer that must have weights."""

    key: str
    path: tuple[str, ...]  # names of the models that it is in, and its own
    saved_path: tuple[str, ...]  # by which Keras 3 names its weights
    trained: int  # of its arrays that are trained, if the layer is not frozen; they come first
    count: int  # of its arrays


def assignments(root: h5py.File, arrays: Arrays, slots: Sequence[Slot]) -> Iterator[Found]:
    """Yields ways to give each layer its arrays, the most likely first; their shapes may not fit.

    By the layers' names, by their classes and numbers as Keras 3 does, or in order.

    Args:
        arrays: of the whole file, by path.
    """
    groups = _groups_of_keras_2(root, arrays)
    ways: list[Callable[[], Found]] = []
    if groups:
        ways = [lambda: _by_name(groups, slots), lambda: _by_order(groups, slots)]
    else:
        numbered = _groups_of_keras_3(arrays)
        ways = [lambda: _by_class(numbered, slots), lambda: _by_last_name(numbered, slots)]
    for way in ways:
        found = way()
        if found:
            yield found


# Keras 1 and 2, and .h5 files of Keras 3: a group for each layer of the outermost model, whose
# attributes tell the names of its weights in order.

_Group = list[tuple[str, h5py.Dataset]]  # weights with their names


def _groups_of_keras_2(root: h5py.File, arrays: Arrays) -> dict[str, _Group]:
    place = "model_weights/" if "model_weights" in root else ""
    holder = root[place] if place else root
    groups: dict[str, _Group] = {}
    for layer in read_texts(holder, "layer_names"):
        group = holder.get(layer)
        if not isinstance(group, h5py.Group):
            raise FerError(
                f"It must have the weights of the layer {layer[:100]}. They are missing."
            )
        weights = []
        for name in read_texts(group, "weight_names"):
            array = arrays.get(f"{place}{layer}/{name}".replace("//", "/"))
            if array is None:
                raise FerError(f"It must have the weights {name[:100]}. They are missing.")
            weights.append((name, array))
        if weights:
            groups[layer] = weights
    return groups


def _by_name(groups: Mapping[str, _Group], slots: Sequence[Slot]) -> Found:
    """Returns the arrays by the names of layers; empty if a name does not occur."""
    found: Found = {}
    for slot in slots:
        weights = groups.get(slot.path[0], [])
        if len(slot.path) > 1:
            weights = [each for each in weights if _layer_in(each[0]) == slot.path[-1]]
        if len(weights) != slot.count:
            return {}
        found[slot.key] = [array for _, array in weights]
    return found


def _layer_in(weight: str) -> str:
    """Returns the name of the layer in that of a weight, such as vgg19/block1_conv1/kernel:0."""
    return weight.rpartition("/")[0].rpartition("/")[2]


def _by_order(groups: Mapping[str, _Group], slots: Sequence[Slot]) -> Found:
    """Returns the arrays by the order of the layers; empty if their numbers differ.

    A model within the model saves what is trained first, then the statistics and frozen layers.
    """
    outer = [list(each) for _, each in groupby(slots, lambda slot: slot.path[0])]
    if len(outer) != len(groups):
        return {}
    found: Found = {slot.key: [] for slot in slots}
    for its_slots, weights in zip(outer, groups.values(), strict=True):
        trained = [slot.key for slot in its_slots for _ in range(slot.trained)]
        others = [slot.key for slot in its_slots for _ in range(slot.count - slot.trained)]
        if len(trained) + len(others) != len(weights):
            return {}
        for key, (_, array) in zip((*trained, *others), weights, strict=True):
            found[key].append(array)
    return found


# Keras 3: layers/conv2d_1/vars/0, also in models within the model.


def _groups_of_keras_3(arrays: Arrays) -> dict[tuple[str, ...], list[h5py.Dataset]]:
    found: dict[tuple[str, ...], dict[int, h5py.Dataset]] = {}
    for path, array in arrays.items():
        *folders, number = re.split(r"[/\\]+", path)  # Keras on Windows wrote both
        if folders and folders[-1] == "vars" and number.isdecimal():
            place = tuple(each for each in folders[:-1] if each not in _CONTAINERS)
            found.setdefault(place, {})[int(number)] = array
    return {place: [its[number] for number in sorted(its)] for place, its in found.items()}


def _by_class(groups: Mapping[tuple[str, ...], list[h5py.Dataset]], slots: Sequence[Slot]) -> Found:
    found = {slot.key: groups.get(slot.saved_path, []) for slot in slots}
    return found if all(len(found[slot.key]) == slot.count for slot in slots) else {}


def _by_last_name(
    groups: Mapping[tuple[str, ...], list[h5py.Dataset]], slots: Sequence[Slot]
) -> Found:
    """Returns the arrays by the names of layers, which some versions take for their groups."""
    by_name = {place[-1]: arrays for place, arrays in groups.items() if place}
    found = {slot.key: by_name.get(slot.path[-1], []) for slot in slots}
    return found if all(len(found[slot.key]) == slot.count for slot in slots) else {}
