"""Limits and measures what this process takes of the machine; on Windows nothing is limited."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_PROCESS = Path("/proc/self")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def limit_process(
    *,
    address_space: int | None = None,
    file_size: int | None = None,
    cpu_seconds: int | None = None,
) -> None:
    """Limits this process for good: nothing that it runs can raise the limits again.

    It leaves no core dump. Limits that it was started with stay where they are lower.

    Args:
        address_space: bytes; an allocation beyond raises MemoryError.
        file_size: bytes of each file that it writes.
        cpu_seconds: further seconds of the processor, after which the system ends it.
    """
    if resource is None:
        return
    _lower(resource.RLIMIT_CORE, 0)
    if address_space is not None:
        with suppress(ValueError):  # macOS: no less than it has already, used or not
            _lower(resource.RLIMIT_AS, address_space)
    if file_size is not None:
        _lower(resource.RLIMIT_FSIZE, file_size)
    if cpu_seconds is not None:
        _lower(resource.RLIMIT_CPU, _used_seconds() + cpu_seconds)


@contextmanager
def limited_processor(seconds: int) -> Iterator[None]:
    """Ends this process if the block takes more than these seconds of the processor.

    By a signal, since no other thread of Python has a turn while a library computes. Where the
    system has no such limits, whoever waits for this process ends it.
    """
    if resource is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_CPU)
    further = _at_most(before[0], _used_seconds() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (further, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def resident_bytes() -> int:
    """Returns the memory that this process takes, and resets what `peak_bytes` returns."""
    with suppress(OSError):  # Linux alone has such a file
        (_PROCESS / "clear_refs").write_text("5")
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """Returns the most memory that this process has taken so far."""
    with suppress(OSError):
        # Not by `getrusage`, which on Linux counts what the parent took when it started this one.
        found = _PEAK.search((_PROCESS / "status").read_text())
        if found is not None:
            return int(found[1]) * 1024
    memory = psutil.Process().memory_info()
    if resource is None:
        return int(getattr(memory, "peak_wset", memory.rss))
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # macOS counts bytes


def _lower(kind: int, value: int) -> None:
    soft, hard = (_at_most(limit, value) for limit in resource.getrlimit(kind))
    resource.setrlimit(kind, (soft, hard))


def _at_most(limit: int, value: int) -> int:
    return value if limit == resource.RLIM_INFINITY else min(limit, value)


def _used_seconds() -> int:
    """Returns the seconds of the processor that this process has used, rounded up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1
