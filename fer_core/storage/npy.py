"""Reads arrays from files that may be damaged; writes .npy files row by row."""

import math
import mmap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np

from fer_core.errors import FerError
from fer_core.storage.reading import DamagedFileError, open_regular, read_bytes

_BLOCK = 2**20  # bytes
_MAX_ROW_BYTES = 2**28


@contextmanager
def writing_array(
    path: Path, shape: tuple[int, ...], dtype: str = "uint8"
) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function that appends chunks of rows to a new .npy file.

    Args:
        shape: of one row.

    Raises:
        ValueError: a chunk has another shape or dtype.
    """
    rows = 0
    with path.open("wb") as file:
        _write_header(file, (0, *shape), dtype)

        def append(chunk: np.ndarray) -> None:
            nonlocal rows
            if chunk.dtype != np.dtype(dtype) or chunk.shape[1:] != shape:
                raise ValueError(
                    f"The rows must be {dtype} of shape {shape}. "
                    f"Received: {chunk.dtype} of shape {chunk.shape[1:]}"
                )
            file.write(np.ascontiguousarray(chunk).data)
            rows += len(chunk)

        yield append
        file.seek(0)
        # The format pads the header so that the first axis can grow in place.
        _write_header(file, (rows, *shape), dtype)


def read_array(path: Path, *, max_bytes: int) -> np.ndarray:
    """Reads an array from a .npy file; never an object array.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, is too large, or holds no such array.
    """
    data = read_bytes(path, max_bytes=max_bytes)
    try:
        return _parse_array(data)
    except FerError as error:
        raise DamagedFileError(path, f"must hold an array. {error}") from error


def map_array(path: Path) -> np.ndarray:
    """Maps a .npy file into memory, read-only; never an object array.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, or holds no such array.
    """
    with open_regular(path):
        pass
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise
    # NumPy parses the header with Python's own tools, which raise errors of many types.
    except Exception as error:
        raise DamagedFileError(path, f"must hold an array. It is damaged: {error}") from error


def release_pages(array: np.ndarray) -> None:
    """Gives back the memory of a mapped file, which is read again where it is needed.

    Does nothing for an array in memory, or where the system cannot.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def read_arrays(path: Path, *, max_bytes: int) -> dict[str, np.ndarray]:
    """Reads the arrays of an .npz file; never object arrays.

    Args:
        max_bytes: of the file, and of all arrays together.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, is too large, or holds no such arrays.
    """
    data = read_bytes(path, max_bytes=max_bytes)
    try:
        return _unpacked(data, max_bytes)
    except FerError as error:
        raise DamagedFileError(path, f"must hold arrays. {error}") from error


def _unpacked(data: bytes, max_bytes: int) -> dict[str, np.ndarray]:
    try:
        with ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > max_bytes:
                raise FerError(f"They must have at most {max_bytes:,} bytes when unpacked.")
            parts = {member.filename: archive.read(member) for member in members}
    except FerError:
        raise
    # Damage raises errors of zipfile, zlib, struct and of every compression that Python knows.
    except Exception as error:
        raise FerError(f"It is damaged: {error}") from error
    return {name.removesuffix(".npy"): _parse_array(part) for name, part in parts.items()}


def _parse_array(data: bytes) -> np.ndarray:
    stream = BytesIO(data)
    try:
        shape, is_fortran, dtype = _read_header(stream)
        array = np.frombuffer(data, dtype, math.prod(shape), stream.tell())
        return array.reshape(shape, order="F" if is_fortran else "C").copy()
    # NumPy parses the header with Python's own tools, which raise errors of many types.
    except Exception as error:
        raise FerError(f"It is damaged: {error}") from error


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise FerError(f"The format has an unknown version: {version}.")


def read_row(path: Path, row: int) -> bytes:
    """Returns the bytes of one row, reading no others.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, or lacks that row.
    """
    return next(read_rows(path, [row]))


def read_rows(path: Path, rows: Iterable[int]) -> Iterator[bytes]:
    """Yields the bytes of many rows; fast for ascending rows.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, or lacks one of the rows.
    """
    offset, shape = _header(path, path.stat().st_mtime_ns)
    length = math.prod(shape[1:])
    with open_regular(path, buffering=_BLOCK) as file:
        for row in rows:
            file.seek(offset + row * length)
            data = file.read(length) if length <= _MAX_ROW_BYTES else b""
            if not 0 <= row < shape[0] or len(data) != length:
                raise DamagedFileError(path, f"must have a row {row + 1:,} of shape {shape[1:]}")
            yield data


def row_shape(path: Path) -> tuple[int, ...]:
    """Returns the shape of one row."""
    return _header(path, path.stat().st_mtime_ns)[1][1:]


def _write_header(file: IO[bytes], shape: tuple[int, ...], dtype: str) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


@lru_cache(maxsize=16)
def _header(path: Path, modified: int) -> tuple[int, tuple[int, ...]]:
    """Returns the offset of the data in bytes, and the array's shape.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFileError: it cannot be read, or holds no array of rows of bytes.
    """
    with open_regular(path) as file:
        try:
            shape, is_fortran, dtype = _read_header(file)
        # NumPy parses the header with Python's own tools, which raise errors of many types.
        except Exception as error:
            raise DamagedFileError(path, f"must hold an array. It is damaged: {error}") from error
        if dtype != np.uint8 or is_fortran or len(shape) < 2 or min(shape) < 0:
            raise DamagedFileError(path, f"must hold rows of bytes. It holds {dtype} {shape}")
        return file.tell(), shape
