"""Remembers what was read from a file until the file changes: pages list a thousand runs."""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Stamp = tuple[int, int, int]

_MOST = 20_000  # answers of one kind


def stamp(path: Path | str) -> Stamp:
    """When the file was changed, in ns, its bytes, and which one it is; zeros where there is none.

    What is written whole takes an older file's place, so that its number tells them apart even
    where the clock does not.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path's)
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


def cached_by_mtime(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """Reads a file again only when it has changed; what `read` gives must not be changed.

    An error is not remembered.
    """

    @lru_cache(maxsize=_MOST)
    def read_then(path: Path, then: Stamp) -> T:
        return read(path)

    def read_now(path: Path) -> T:
        return read_then(path, stamp(path))

    return read_now
