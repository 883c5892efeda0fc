"""Measures how much disk space the workspace takes."""

import os
import shutil
import time
from pathlib import Path

from fer_core.storage import paths

_PATIENCE = 20.0  # a measurement is repeated after this many times the time that it took
# Workspace → until when the measurement holds, its bytes, the free ones of the disk then.
_measured: dict[Path, tuple[float, int, int]] = {}


def workspace_bytes(limit: int | None = None) -> int:
    """Returns the bytes of all files in the workspace, links not followed.

    Measuring 400,000 files takes seconds, so that the answer may be a little old then.

    Args:
        limit: bytes that matter to the caller: an old answer below it only counts as long as what
            the disk has lost since then would not exceed it.
    """
    root, started = paths.workspace(), time.monotonic()
    until, size, free = _measured.get(root, (0.0, 0, 0))
    if started < until and (limit is None or size + free - _free(root) <= limit):
        return size
    free = _free(root)
    size = _folder_bytes(root)
    now = time.monotonic()
    _measured[root] = (now + _PATIENCE * (now - started), size, free)
    return size


def _free(root: Path) -> int:
    try:
        return shutil.disk_usage(root).free
    except OSError:  # there is no workspace yet
        return 0


def _folder_bytes(root: Path) -> int:
    size, waiting = 0, [os.fspath(root)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
        except OSError:  # deleted at this moment, or not ours to read
            continue
    return size
