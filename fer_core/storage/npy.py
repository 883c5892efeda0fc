"""Writes .npy files row by row, and reads single rows of them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

_BLOCK = 2**20  # bytes


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


def read_row(path: Path, row: int) -> bytes:
    """Returns the bytes of one row, reading no others."""
    offset, shape = _header(path, path.stat().st_mtime_ns)
    length = int(np.prod(shape[1:]))
    with path.open("rb") as file:
        file.seek(offset + row * length)
        return file.read(length)


def read_rows(path: Path, rows: Iterable[int]) -> Iterator[bytes]:
    """Yields the bytes of many rows; fast for ascending rows, since it reads large blocks."""
    offset, shape = _header(path, path.stat().st_mtime_ns)
    length = int(np.prod(shape[1:]))
    with path.open("rb", buffering=_BLOCK) as file:
        for row in rows:
            file.seek(offset + row * length)
            yield file.read(length)


def row_shape(path: Path) -> tuple[int, ...]:
    """Returns the shape of one row."""
    return _header(path, path.stat().st_mtime_ns)[1][1:]


def _write_header(file: IO[bytes], shape: tuple[int, ...], dtype: str) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


@lru_cache(maxsize=16)
def _header(path: Path, modified: int) -> tuple[int, tuple[int, ...]]:
    """Returns the offset of the data in bytes, and the array's shape."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
        return file.tell(), shape
