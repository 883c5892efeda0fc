"""Reads weights from HDF5 files that anyone may have written.

HDF5 has links to other files, arrays stored in other files, arrays that are all fill value (a
gigabyte in a file of 10 kB) and compressed blocks larger than their array. Weights that Keras
writes need none of these, so a file that has one is refused before anything is read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from fer_core.errors import FerError
from fer_core.storage import open_regular

_MAX_OBJECTS = 2_000  # VGG19 without the top has 71
_MAX_WEIGHTS_BYTES = 1_000_000_000  # VGG19 with the top has 575 MB
_MAX_ATTRIBUTE_BYTES = 100_000

# h5py raises all of these for damaged files.
ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, MemoryError)


def read_array(file: h5py.File, name: str, shape: Sequence[int]) -> np.ndarray:
    """Returns a dataset of an open file as float32, which must have that shape.

    Raises:
        FerError: there is none, or it has another shape, is not stored as plain numbers, or they
            are not all finite. The message is a clause that follows the file's name.
    """
    group: Any = file
    for part in name.split("/"):
        group = _child(group, part)
    if not isinstance(group, h5py.Dataset):
        raise FerError(f"must contain the weights {name}.")
    _check_storage(group)
    if group.shape != tuple(shape):
        raise FerError(
            f"must contain the weights {name} of shape {tuple(shape)}. Received: {group.shape}"
        )
    array = group[()].astype(np.float32)
    if not np.isfinite(array).all():
        raise FerError(f"must contain finite weights. {name} has NaN or infinite values.")
    return array


def check_weights(path: Path) -> None:
    """Checks that every object in an HDF5 file is plain, so that Keras may read it.

    Raises:
        FerError: it is no regular file or no HDF5 file, or has too many objects, too many bytes of
            weights, weights that are not finite, or links and arrays that Keras does not write.
    """
    try:
        with open_regular(path) as opened:
            _check_weights(opened)
    except FerError as error:
        raise FerError(f"{path.name} {error}") from error
    except ERRORS as error:
        raise FerError(f"{path.name} must be a complete HDF5 file of weights: {error}") from error


def _check_weights(opened: IO[bytes]) -> None:
    with h5py.File(opened, "r") as file:
        seen, total, waiting = 0, 0, [file["/"]]
        while waiting:
            item = waiting.pop()
            _check_attributes(item)
            if isinstance(item, h5py.Group):
                seen += len(item)
                # A group that contains itself ends here too.
                if seen > _MAX_OBJECTS:
                    raise FerError(f"must have at most {_MAX_OBJECTS:,} groups and arrays.")
                waiting += [_child(item, name) for name in item]
                continue
            _check_storage(item)
            total += item.nbytes
            if total > _MAX_WEIGHTS_BYTES:
                raise FerError(f"must have at most {_MAX_WEIGHTS_BYTES / 1e6:,.0f} MB of weights.")
            if not np.isfinite(item[()]).all():
                raise FerError(f"must contain finite weights. {item.name} has NaN or infinity.")


def _child(group: Any, name: str) -> Any:
    """Returns a group or dataset that a group contains by a hard link."""
    if not isinstance(group, h5py.Group) or name not in group:
        raise FerError(f"must contain the weights {name}, which are missing.")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise FerError(f"must not contain links. {name} is one.")
    item = group[name]
    if not isinstance(item, (h5py.Group, h5py.Dataset)):
        raise FerError(f"must contain groups and arrays only. {name} is neither.")
    return item


def _check_storage(array: h5py.Dataset) -> None:
    """Checks that an array is stored in this file as it is, byte for byte."""
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise FerError(f"must contain numbers. {array.name} has the type {array.dtype}.")
    stored = array.id.get_storage_size()
    if array.external or array.is_virtual or array.chunks is not None or stored != array.nbytes:
        raise FerError(f"must store its weights as plain arrays. {array.name} is not one.")


def _check_attributes(item: Any) -> None:
    if len(item.attrs) > _MAX_OBJECTS:
        raise FerError(f"must have at most {_MAX_OBJECTS:,} attributes. {item.name} has more.")
    for name in item.attrs:
        if item.attrs.get_id(name).get_storage_size() > _MAX_ATTRIBUTE_BYTES:
            raise FerError(f"must have short attributes. {name} of {item.name} is not.")
