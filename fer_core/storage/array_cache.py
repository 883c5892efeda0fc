"""Caches arrays on disk that can be computed again, within a limit of size and age."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock

from fer_core.storage import paths
from fer_core.storage.files import DiskFullError, replacing

MAX_BYTES = 20_000_000_000  # of all cached arrays
MAX_DISK_SHARE = 0.25  # of the disk, if that is less
MAX_UNUSED_SECONDS = 30 * 24 * 3600.0
MAX_UNFINISHED_SECONDS = 24 * 3600.0  # since the last write to an array that is being made


def open_array(
    path: Path, make: Callable[[Path], None], *, size: int, description: str
) -> np.ndarray:
    """Returns a cached .npy file as a read-only memory map; makes it if missing or damaged.

    If another process is making the same array, this waits for it.

    Args:
        make: writes the array to the path it is given; if it raises, nothing is left behind.
        size: of the array, in bytes.
        description: of the array, for the error message when the disk is full.

    Raises:
        DiskFullError: the disk has less than `size` bytes free.
    """
    array = _open(path)
    if array is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            array = _open(path)
            if array is None:
                _remove_unfinished(path)
                _check_space(path.parent, size, description)
                with replacing(path) as temporary:
                    make(temporary)
                array = np.load(path, mmap_mode="r")
                _remove_unused(keep=path)
    with contextlib.suppress(OSError):  # a read-only disk: nothing is removed from it
        os.utime(path)
    return array


def _open(path: Path) -> np.ndarray | None:
    """Returns the array; None if it is missing or incomplete."""
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None


def _remove_unfinished(path: Path) -> None:
    """Removes what a killed process left; the caller holds the lock."""
    for file in path.parent.glob(f".{path.stem}.*"):
        file.unlink(missing_ok=True)


def _check_space(folder: Path, size: int, description: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DiskFullError(
            f"The disk of {folder} must have {size / 1e9:.1f} GB free for {description}. "
            f"Received: {free / 1e9:.1f} GB."
        )


def _remove_unused(keep: Path) -> None:
    """Removes arrays unused for too long, then the least recently used ones over the limit.

    A process that has mapped a removed file keeps its map; Windows refuses to remove it.
    """
    files = sorted(_cached_files(keep), key=lambda entry: -entry[0])  # newest first
    now, total = time.time(), keep.stat().st_size
    max_bytes = min(MAX_BYTES, MAX_DISK_SHARE * shutil.disk_usage(keep.parent).total)
    for used, size, path in files:
        total += size
        unfinished = path.name.startswith(".")
        max_seconds = MAX_UNFINISHED_SECONDS if unfinished else MAX_UNUSED_SECONDS
        if total > max_bytes or now - used > max_seconds:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size


def _cached_files(keep: Path) -> list[tuple[float, int, Path]]:
    """Returns time of last use, bytes and path of every array but `keep`, unfinished ones too."""
    files = []
    for path in paths.cache_root().glob("*/*.npy"):
        if path != keep and not path.parent.is_symlink():  # to arrays of another program
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
    return files
