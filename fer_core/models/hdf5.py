"""Reads weights from HDF5 files that anybody may have made.

HDF5 can say more than Keras ever writes: an array of a gigabyte that takes no room in the file, one
that lies in another file, a group that contains itself. So the whole tree is examined before the
first array is read.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

import h5py
import numpy as np

from fer_core.errors import FerError

_MAX_DEPTH = 12  # groups in groups
_MAX_ENTRIES = 20_000  # groups and arrays
_MAX_DIMENSIONS = 5
_LAYOUTS = (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)  # all that Keras writes


# Filters that are part of h5py; others are loaded from the disk. Nobody packs weights better.
_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
_MAX_RATIO, _HARMLESS_BYTES = 8, 2**22  # unpacked ÷ packed; may be packed to any ratio
_MAX_TEXT_BYTES = 2**22  # of an attribute; VGG19's description has 20 kB
_MAX_PARTS = 1000  # of an attribute that Keras splits, as it is too long for HDF5


@contextmanager
def open_arrays(file: IO[bytes], size: int) -> Iterator[Mapping[str, h5py.Dataset]]:
    """Yields the arrays of an HDF5 file by their path, such as layers/dense/vars/0; none is read.

    Together they are no larger than the file. Use `read_weights` to read one.

    Args:
        size: of the file, in bytes.

    Raises:
        FerError: the file has anything but groups and plain arrays of numbers.
        Exception: it is damaged; h5py raises errors of many types.
    """
    with h5py.File(file, "r") as root:
        yield check_tree(root, size)


def check_tree(root: h5py.File, size: int, *, packed: bool = False) -> dict[str, h5py.Dataset]:
    """Returns the arrays of a file by their path, as `open_arrays`; none is read.

    Args:
        packed: whether they may be compressed, as other programs do.
    """
    arrays: dict[str, h5py.Dataset] = {}
    _collect(root, "", {_address(root)}, arrays, packed)
    total = sum(array.nbytes for array in arrays.values())
    allowed = max(_HARMLESS_BYTES, _MAX_RATIO * size) if packed else size
    if total > allowed:
        raise FerError(f"Its arrays must fit into it. They have {total:,} of {size:,} bytes.")
    return arrays


def read_text(item: h5py.Group, name: str) -> str | None:
    """Returns an attribute of a checked file, such as `model_config`; None if there is none.

    Raises:
        FerError: it is no text, or a long one.
    """
    texts = _attribute(item, name)
    return None if texts is None else "".join(texts)


def read_texts(item: h5py.Group, name: str) -> list[str]:
    """Returns the texts of an attribute, such as `layer_names`, which may be split; else none.

    Raises:
        FerError: as `read_text`.
    """
    texts = _attribute(item, name)
    if texts is not None:
        return texts
    found: list[str] = []
    for number in range(_MAX_PARTS):
        part = _attribute(item, f"{name}{number}")
        if part is None:
            break
        found += part
    return found


def _attribute(item: h5py.Group, name: str) -> list[str] | None:
    if name not in item.attrs:
        return None
    attribute = item.attrs.get_id(name)
    if 0 in attribute.shape:
        return []
    size = math.prod(attribute.shape) * attribute.dtype.itemsize
    is_text = h5py.check_string_dtype(attribute.dtype) is not None or attribute.dtype.kind == "S"
    if len(attribute.shape) > 1 or size > _MAX_TEXT_BYTES or not is_text:
        raise FerError(f"{name} must be a text of at most {_MAX_TEXT_BYTES:,} bytes.")
    value = item.attrs[name]
    values = [value] if isinstance(value, (str, bytes)) else list(np.atleast_1d(value))
    return [each.decode() if isinstance(each, bytes) else str(each) for each in values]


def read_weights(array: h5py.Dataset) -> np.ndarray:
    """Returns an array of `open_arrays` as float32.

    Raises:
        FerError: it does not hold floating-point numbers, or one of them is NaN or infinite.
    """
    if array.dtype.kind != "f":
        raise FerError(f"Weights must be floating-point numbers. Received: {array.dtype}")
    with np.errstate(over="ignore"):  # an infinite number is refused below
        weights = array[()].astype(np.float32, copy=False)
    if not np.isfinite(weights).all():
        raise FerError("Weights must be finite. Received: NaN or infinity")
    return weights


def _collect(
    group: h5py.Group, path: str, seen: set[int], arrays: dict[str, h5py.Dataset], packed: bool
) -> None:
    if path.count("/") > _MAX_DEPTH:
        raise FerError(f"Its groups must be at most {_MAX_DEPTH} deep.")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise FerError(f"It must not have links. Received: {type(link).__name__} {path}{name}")
        item = group[name]
        address = _address(item)
        if address in seen or len(seen) > _MAX_ENTRIES:
            raise FerError(
                f"It must have at most {_MAX_ENTRIES:,} groups and arrays, each of them once."
            )
        seen.add(address)
        if isinstance(item, h5py.Group):
            _collect(item, f"{path}{name}/", seen, arrays, packed)
        else:
            _check_array(item, f"{path}{name}", packed)
            arrays[f"{path}{name}"] = item


def _address(item: h5py.Group | h5py.Dataset) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _check_array(item: object, path: str, packed: bool) -> None:
    """Raises a FerError unless every number of the array is stored in the file itself."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in "fiub":
        raise FerError(f"It must hold arrays of numbers only. {path} is something else.")
    if item.ndim > _MAX_DIMENSIONS:
        raise FerError(f"An array must have at most {_MAX_DIMENSIONS} axes. {path}: {item.ndim}")
    settings = item.id.get_create_plist()
    is_plain = settings.get_layout() in _LAYOUTS and not settings.get_external_count()
    if is_plain and item.id.get_storage_size() == item.nbytes:
        return
    if not (packed and settings.get_layout() == h5py.h5d.CHUNKED and _unpacks(item, settings)):
        raise FerError(
            f"An array must be stored whole{'' if packed else ', uncompressed'} and in this file, "
            f"as Keras does. {path} is not."
        )


def _unpacks(item: h5py.Dataset, settings: h5py.h5p.PropDCID) -> bool:
    """Tells whether an array in chunks is all there, and takes little more memory than itself."""
    filters = [settings.get_filter(number)[0] for number in range(settings.get_nfilters())]
    if not set(filters) <= set(_FILTERS):
        return False
    chunk = math.prod(item.chunks) * item.dtype.itemsize
    stored = item.id.get_storage_size()
    fits = item.nbytes <= max(_HARMLESS_BYTES, _MAX_RATIO * stored)
    return fits and (stored > 0 or not item.nbytes) and chunk <= max(_HARMLESS_BYTES, item.nbytes)
