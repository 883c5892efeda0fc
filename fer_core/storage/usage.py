"""Measures how much disk space the workspace takes."""

import os
import time
from pathlib import Path

from fer_core.storage import paths

_PATIENCE = 20.0  # a measurement is repeated after this many times the time that it took
_measured: dict[Path, tuple[float, int]] = {}  # workspace → until when it holds, bytes


def workspace_bytes() -> int:
    """Returns the bytes of all files in the workspace, links not followed.

    Measuring 400,000 files takes seconds, so that the answer may be a little old then.
    """
    root, started = paths.workspace(), time.monotonic()
    until, size = _measured.get(root, (0.0, 0))
    if started < until:
        return size
    size = _folder_bytes(root)
    now = time.monotonic()
    _measured[root] = (now + _PATIENCE * (now - started), size)
    return size


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
