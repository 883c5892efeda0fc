"""The cache of arrays that can be computed again: made once, kept within bounds."""

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

LARGEST = 20_000_000_000  # bytes of all that is cached, where the disk has so much
LARGEST_SHARE = 0.25  # of the disk
LONGEST = 30 * 24 * 3600.0  # seconds without being used
LONGEST_MAKING = 24 * 3600.0  # seconds from one write to the next while an array is made


def open_array(path: Path, make: Callable[[Path], None], *, size: int, what: str) -> np.ndarray:
    """A cached .npy file, mapped to be read; made first where it is missing or damaged.

    Whoever asks while another process makes the same array waits for it.

    Args:
        make: writes the array to the path that it is given; what it raises leaves nothing behind.
        size: of the array in bytes.
        what: the array holds, for the sentence that says there is no room for it.

    Raises:
        DiskFullError: there is no room for it.
    """
    array = _mapped(path)
    if array is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            array = _mapped(path)
            if array is None:
                _remove_unfinished(path)
                _check_room(path.parent, size, what)
                with replacing(path) as temporary:
                    make(temporary)
                array = np.load(path, mmap_mode="r")
                _keep_within_bounds(keep=path)
    with contextlib.suppress(OSError):  # on a disk that can only be read it is never removed
        os.utime(path)
    return array


def _mapped(path: Path) -> np.ndarray | None:
    """The array, or None where there is none or not all of it."""
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None


def _remove_unfinished(path: Path) -> None:
    """Removes what a killed process left; the lock says that nobody works on it."""
    for file in path.parent.glob(f".{path.stem}.*"):
        file.unlink(missing_ok=True)


def _check_room(folder: Path, size: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DiskFullError(
            f"The disk of {folder} must have {size / 1e9:.1f} GB free for {what}. "
            f"Received: {free / 1e9:.1f} GB."
        )


def _keep_within_bounds(keep: Path) -> None:
    """Removes what was not used for long, then the longest unused beyond the size; never `keep`.

    A file that another process has mapped lives on there until it is done; where the system
    refuses to remove it, it stays.
    """
    files = sorted(_files(keep), key=lambda entry: -entry[0])  # newest first
    now, total = time.time(), keep.stat().st_size
    largest = min(LARGEST, LARGEST_SHARE * shutil.disk_usage(keep.parent).total)
    for used, size, path in files:
        total += size
        longest = LONGEST_MAKING if path.name.startswith(".") else LONGEST
        if total > largest or now - used > longest:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size


def _files(keep: Path) -> list[tuple[float, int, Path]]:
    """When each cached array was used, its bytes, and where it lies; half-made ones too."""
    found = []
    for path in paths.cache_root().glob("*/*.npy"):
        if path != keep:
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
    return found
