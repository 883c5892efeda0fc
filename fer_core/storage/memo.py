"""Caches what was read from files until one of them changes; pages list a thousand runs."""

import errno
import os
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Stamp = tuple[int, int, int]

_MAX_ENTRIES = 20_000  # per function


def stamp(path: Path | str) -> Stamp:
    """Returns the file's modification time in ns, its size and its inode; zeros if it is missing.

    An atomic write replaces the file, so that its inode differs even when the clock does not. A
    name that no file can have, with a null character, is that of a missing file.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 (a third of the time of Path's)
    except OSError as error:
        if error.errno != errno.ELOOP:
            return 0, 0, 0
        status = os.lstat(path)  # of a link to itself
    except ValueError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


def cached_by_files(
    files: Callable[[K], Iterable[Path | str]], keep: Callable[[T], bool] = lambda found: True
) -> Callable[[Callable[[K], T]], Callable[[K], T]]:
    """Decorates a function to be called again only after a file that it reads has changed.

    The result is shared: do not modify it. Errors are not cached.

    Args:
        files: of an argument; a folder changes when an entry is added, replaced or removed.
        keep: tells whether a result depends on nothing but these files.
    """

    def decorate(read: Callable[[K], T]) -> Callable[[K], T]:
        known: dict[K, tuple[tuple[Stamp, ...], T]] = {}

        def read_current(subject: K) -> T:
            stamps = tuple([stamp(file) for file in files(subject)])
            seen = known.get(subject)
            if seen is not None and seen[0] == stamps:
                return seen[1]
            found = read(subject)
            if keep(found):
                if len(known) >= _MAX_ENTRIES:
                    known.clear()
                known[subject] = stamps, found
            return found

        return read_current

    return decorate


def cached_by_mtime(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """Decorates a function that reads one file; see `cached_by_files`."""

    def files(path: Path) -> list[Path]:
        return [path]

    by_files: Callable[[Callable[[Path], T]], Callable[[Path], T]] = cached_by_files(files)
    return by_files(read)
