"""Explains why an attempt at a task ended: its exit record, error message and interruption."""

import contextlib
import errno
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from fer_core.errors import FerError
from fer_core.storage import Count, DiskFullError, Timestamp, read_record, read_tail
from fer_core.tasks import kinds, processes
from fer_core.tasks.requests import read_request
from fer_core.text import shortened

NEVER_STARTED = "It was removed from the queue, or stopped, before it started."

_ORPHANED = "orphaned"  # an empty file: the supervisor died before the attempt ended
_LOG_TAIL = 20_000  # bytes at the end of the log that are searched for a library's last message
_OUT_OF_MEMORY = (  # messages of C++, TensorFlow, CUDA, the system, Python; threads need memory too
    "std::bad_alloc",
    "OOM when allocating",
    "RESOURCE_EXHAUSTED",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "annot allocate memory",  # with a lower-case c from the loader, for thread-local data
    "MemoryError",
    "can't start new thread",
    "pthread_create() failed",
    f"mmap error: {errno.ENOMEM}",
    "out of memory",
)
_KILLED = {  # by SIGKILL, by whether the kernel counted a kill just before
    True: "The system killed its process because memory ran out: use a smaller batch or image "
    "size.",
    False: "Its process was killed (SIGKILL) by a user or another program; memory had not run out.",
    None: "Its process was killed (SIGKILL), perhaps by the system because memory ran out.",
}
_LOST = "Only the unfinished epoch is lost"


def error_file(attempt: Path) -> Path:
    """Returns the file with the message of the error that ended the attempt."""
    return attempt / "error.txt"


def exit_file(attempt: Path) -> Path:
    """Returns the file with the `exit_record`; the attempt has ended once it exists."""
    return attempt / "exit.json"


def log_file(attempt: Path) -> Path:
    """Returns the log: the process's standard output and error, with tracebacks."""
    return attempt / "worker.log"


@dataclass(frozen=True)
class ExitRecord:
    """Records how a process ended; the content of `exit.json`."""

    code: Annotated[int, Meta(ge=0, le=2**32)]
    ended: Timestamp
    signal: Annotated[int, Meta(ge=1, le=128)] | None = None
    memory_kills: Count | None = None  # just before it ended; None if the system does not count
    unresponsive: bool = False  # it did not stop when it was asked to


def exit_record(code: int, oom_killed: bool | None = None, *, unresponsive: bool = False) -> str:
    """Returns the JSON that the supervisor writes when a process has ended.

    Args:
        code: as in `subprocess`: negative for the signal that ended the process.
        oom_killed: whether the kernel has just killed a process because memory ran out; None if
            it does not count such kills.
        unresponsive: whether the supervisor ended it because it did not stop.
    """
    record = ExitRecord(
        max(code, 0),
        time.time(),
        -code if code < 0 else None,
        None if oom_killed is None else int(oom_killed),
        unresponsive,
    )
    return json.dumps(asdict(record), indent=2) + "\n"


def mark_orphaned(attempt: Path) -> None:
    """Records that the supervisor died before the attempt ended; needs no disk space."""
    with contextlib.suppress(OSError):
        (attempt / _ORPHANED).touch()


def ended(attempt: Path) -> datetime | None:
    """Returns when the attempt ended, or None if neither supervisor nor process recorded it."""
    if record := _read_exit(attempt):
        return datetime.fromtimestamp(record.ended)
    with contextlib.suppress(OSError, OverflowError, ValueError):  # any time can be set
        return datetime.fromtimestamp((attempt / _ORPHANED).stat().st_mtime)
    return None


def error_message(error: BaseException, kind: str, log: Path) -> str:
    """Returns what to tell the user about an error that ended a task of this kind.

    Args:
        log: holds the traceback of an internal error.
    """
    trains = kind == kinds.TRAIN
    names = {cls.__name__ for cls in type(error).__mro__}  # by name: TensorFlow is not imported
    if names & {"MemoryError", "ResourceExhaustedError"} or _mentions_out_of_memory(str(error)):
        advice = (
            "Resume the run when more is free, or start one with a smaller batch or image size. "
            f"{_LOST}."
        )
        return f"Out of memory. {advice if trains else 'Close other programs, then try again.'}"
    if isinstance(error, DiskFullError):
        advice = f"resume the run. {_LOST}." if trains else "try again."
        return f"{error} Free some space, then {advice}"
    if isinstance(error, FerError):
        return str(error)
    message = f"{type(error).__name__}: {shortened(str(error))}".rstrip(".: ")
    return f"Internal error: {message}. The full traceback is in {log}"


def interruption_reason(attempt: Path) -> str:
    """Returns why an attempt ended without an error message, and whether it can be resumed."""
    record = _read_exit(attempt)
    reason = _reason(attempt, record) if record else _unrecorded_reason(attempt)
    request = read_request(attempt / "request.json")
    trains = request is not None and request.kind == kinds.TRAIN
    return f"{reason} {_LOST}: the run can be resumed." if trains else reason


def _reason(attempt: Path, record: ExitRecord) -> str:
    number = record.signal
    if record.unresponsive:
        return "It did not stop when it was asked to, and its process was ended."
    if number and number == getattr(signal, "SIGKILL", None):
        kills = record.memory_kills
        return _KILLED[None if kills is None else kills > 0]
    log = read_tail(log_file(attempt), _LOG_TAIL)
    if _mentions_out_of_memory(log):
        return "Its process ran out of memory: use a smaller batch or image size."
    if os.strerror(errno.ENOSPC) in log:
        return "Its process ended because the disk was full."
    if number:
        known = {each.value: each.name for each in signal.Signals}
        name = known.get(number, f"signal {number}")
        return f"Its process was ended by {name}."
    return f"Its process ended with exit code {record.code} before the work was done."


def _unrecorded_reason(attempt: Path) -> str:
    if processes.has_restarted(attempt / "process.json"):
        return "The machine restarted."
    if (attempt / _ORPHANED).exists():
        return "The supervisor, which starts all work, was killed, and the work ended with it."
    return "Its processes ended without an exit record: they were killed, or the power failed."


def _mentions_out_of_memory(text: str) -> bool:
    return any(message in text for message in _OUT_OF_MEMORY)


def _read_exit(attempt: Path) -> ExitRecord | None:
    """Returns the exit record; None if it is missing or damaged."""
    try:
        return read_record(exit_file(attempt), ExitRecord)
    except FerError:
        return None
