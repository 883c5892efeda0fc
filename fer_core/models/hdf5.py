"""Reads weights from HDF5 files that anybody may have made.

HDF5 can say more than Keras ever writes: an array of a gigabyte that takes no room in the file, one
that lies in another file, a group that contains itself. So the whole tree is examined before the
first array is read.
"""

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
        arrays: dict[str, h5py.Dataset] = {}
        _collect(root, "", {_address(root)}, arrays)
        total = sum(array.nbytes for array in arrays.values())
        if total > size:
            raise FerError(f"Its arrays must fit into it. They have {total:,} of {size:,} bytes.")
        yield arrays


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


def _collect(group: h5py.Group, path: str, seen: set[int], arrays: dict[str, h5py.Dataset]) -> None:
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
            _collect(item, f"{path}{name}/", seen, arrays)
        else:
            _check_array(item, f"{path}{name}")
            arrays[f"{path}{name}"] = item


def _address(item: h5py.Group | h5py.Dataset) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _check_array(item: object, path: str) -> None:
    """Raises a FerError unless every number of the array is stored in the file itself."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in "fiub":
        raise FerError(f"It must hold arrays of numbers only. {path} is something else.")
    if item.ndim > _MAX_DIMENSIONS:
        raise FerError(f"An array must have at most {_MAX_DIMENSIONS} axes. {path}: {item.ndim}")
    settings = item.id.get_create_plist()
    is_plain = settings.get_layout() in _LAYOUTS and not settings.get_external_count()
    if not is_plain or item.id.get_storage_size() != item.nbytes:
        raise FerError(
            f"An array must be stored whole, uncompressed and in this file, as Keras does. "
            f"{path} is not."
        )
