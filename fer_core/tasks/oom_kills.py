"""Notices that the kernel kills processes because memory runs out."""

import contextlib
import time
from pathlib import Path

_RECENT = 30.0  # seconds; a process of many gigabytes may take this long to disappear
_VMSTAT = Path("/proc/vmstat")


class OomKillMonitor:
    """Tells whether the kernel's count of out-of-memory kills rose within the last half minute.

    A kill hours before a process ended is not the reason for its end.
    """

    def __init__(self) -> None:
        self._count = _count_oom_kills()
        self._last_rise = float("-inf")

    def poll(self) -> bool | None:
        """Returns the answer, or None if the system does not count; must be called often."""
        before, self._count = self._count, _count_oom_kills()
        if self._count is None:
            return None
        now = time.monotonic()
        if before is not None and self._count > before:
            self._last_rise = now
        return now - self._last_rise < _RECENT


def _count_oom_kills() -> int | None:
    # Linux (since 4.13) counts the kills in all control groups here too.
    with contextlib.suppress(OSError, StopIteration):
        lines = _VMSTAT.read_text(encoding="ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("oom_kill ")))
    return None
