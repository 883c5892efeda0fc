"""Keeps the cache within bounds: what was not used for long, and the oldest beyond a size, goes."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from fer_core import paths

LARGEST = 20_000_000_000  # bytes of all that is cached, where the disk has so much
LARGEST_SHARE = 0.25  # of the disk
LONGEST = 30 * 24 * 3600.0  # seconds without being used


def touch(path: Path) -> None:
    """Notes that a cached file is used now."""
    with contextlib.suppress(OSError):  # on a disk that can only be read it is never removed
        os.utime(path)


def keep_within_bounds(keep: Path) -> None:
    """Removes what was not used for long, then the longest unused beyond the size; never `keep`.

    A file that another process has mapped lives on there until it is done; where the system
    refuses to remove it, it stays.
    """
    files = sorted(_files(keep), key=lambda entry: -entry[0])  # newest first
    now, total = time.time(), keep.stat().st_size
    largest = min(LARGEST, LARGEST_SHARE * shutil.disk_usage(keep.parent).total)
    for used, size, path in files:
        total += size
        if total > largest or now - used > LONGEST:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size


def _files(keep: Path) -> list[tuple[float, int, Path]]:
    """When each cached array was used, its bytes, and where it lies."""
    found = []
    for path in paths.cache_root().glob("*/*.npy"):
        if path != keep and not path.name.startswith("."):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
    return found
