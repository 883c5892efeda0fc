"""How an attempt at a task ended: its last words, and what can be told where it left none."""

import contextlib
import errno
import json
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from fer_core.storage import DiskFullError, read_json, release_reserved, reserve
from fer_core.tasks import processes

NEVER_STARTED = "It was taken from the queue, or stopped, before it began."

_ERROR, _EXIT, _ORPHANED = "error.txt", "exit.json", "orphaned"
_KILLED = getattr(signal, "SIGKILL", None)
_TAIL = 20_000  # bytes of the log in which a library's last words are looked for
_NO_MEMORY = (  # as C++, TensorFlow, CUDA, the system and Python say it: a thread needs some too
    "std::bad_alloc",
    "OOM when allocating",
    "RESOURCE_EXHAUSTED",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "Cannot allocate memory",
    "cannot allocate memory",  # the loader, of a thread's own data; it ends the process by 127
    "MemoryError",
    "can't start new thread",
    "pthread_create() failed",
    f"mmap error: {errno.ENOMEM}",
    "out of memory",
)
_DYING = 30.0  # seconds that a process of many gigabytes may take to be gone
_LOST = "Nothing but the epoch in hand is lost"
_SMALLER = "a smaller batch or image size needs less"


def reserve_error_files(attempt: Path) -> None:
    """Takes room for an attempt's last words, for the day that the disk is full.

    Raises:
        OSError: it is full already.
    """
    reserve(attempt / _ERROR)
    reserve(attempt / _EXIT)


def error_file(attempt: Path) -> Path:
    """Holds the sentence with which an attempt failed."""
    return attempt / _ERROR


def exit_file(attempt: Path) -> Path:
    """Holds `exit_record`; its presence says that the attempt has ended."""
    return attempt / _EXIT


def exit_record(code: int, memory_kills: int | None = None) -> str:
    """What a supervisor writes when a process has ended.

    Args:
        code: as `subprocess` gives it; POSIX tells a death by signal as a negative one.
        memory_kills: processes that the system killed just then to free memory, where it counts.
    """
    record = {
        "code": max(code, 0),
        "signal": -code if code < 0 else None,
        "ended": time.time(),
        "memory_kills": memory_kills,
    }
    return json.dumps(record, indent=2) + "\n"


def release_error_file(attempt: Path) -> None:
    """Frees the room for an error's sentence, where there was none to write."""
    release_reserved(error_file(attempt))


def mark_orphaned(attempt: Path) -> None:
    """Leaves the word that the supervisor ended before the attempt did; it needs no room."""
    with contextlib.suppress(OSError):
        (attempt / _ORPHANED).touch()


def ended(attempt: Path) -> datetime | None:
    """When the attempt ended, as far as its supervisor or the process itself could tell."""
    record = _read(attempt / _EXIT)
    with contextlib.suppress(KeyError, TypeError):
        return datetime.fromtimestamp(record["ended"])
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp((attempt / _ORPHANED).stat().st_mtime)
    return None


def interruption_reason(attempt: Path) -> str:
    """How an attempt ended that left no word, and whether the task can go on."""
    record = _read(attempt / _EXIT)
    cause = _cause(record, _log_tail(attempt)) if record else _cause_unseen(attempt)
    return f"{cause} {_LOST}: it can be resumed." if _kind(attempt) == "train" else cause


def error_message(error: BaseException, kind: str) -> str:
    """What a person reads of an error that ended a task of this kind."""
    trains = kind == "train"
    if is_out_of_memory(error):
        way = (
            "Resume it when more of it is free, or start a run with a smaller "
            f"batch or image size. {_LOST}."
        )
        way = way if trains else "Close other programs, then try again."
        return f"The machine's memory did not suffice. {way}"
    if isinstance(error, DiskFullError):
        way = f"resume it. {_LOST}." if trains else "try again."
        return f"{error} Free some space, then {way}"
    if isinstance(error, ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory did not suffice."""
    names = {each.__name__ for each in type(error).__mro__}
    told = names & {"MemoryError", "ResourceExhaustedError"}  # by name: TensorFlow stays out
    return bool(told) or any(words in str(error) for words in _NO_MEMORY)


def count_oom_kills() -> int | None:
    """Processes that the system has killed to free memory since it started; None where unknown.

    Linux counts them, for the machine and for the group of processes that this one belongs to.
    """
    counts = list(_memory_kill_counts())
    return sum(counts) if counts else None


class OomKillMonitor:
    """What the system killed for memory within the last half minute, if it is looked at often.

    What it killed hours before a process ended is no reason for that.
    """

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self._seen: deque[tuple[float, int]] = deque()  # when, and `count_oom_kills`

    def look(self) -> int | None:
        """Sees what the system has counted; gives the kills of late, None where unknown."""
        now, kills = time.monotonic(), count_oom_kills()
        if kills is None:
            return None
        self._seen.append((now, kills))
        while len(self._seen) > 1 and self._seen[1][0] <= now - _DYING:
            self._seen.popleft()
        return kills - self._seen[0][1]


def _memory_kill_counts() -> Iterator[int]:
    groups = [Path("/proc/vmstat")]
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            number, names, group = line.split(":", 2)
            root = Path("/sys/fs/cgroup") / ("memory" if names else "")
            if number == "0" or "memory" in names.split(","):
                name = "memory.oom_control" if names else "memory.events"
                groups.append(root / group.lstrip("/") / name)
    for file in groups:
        with contextlib.suppress(OSError, ValueError):
            rows = dict(line.split() for line in file.read_text(encoding="utf-8").splitlines())
            if "oom_kill" in rows:
                yield int(rows["oom_kill"])


def _cause(record: dict[str, Any], tail: str) -> str:
    code, number, kills = (record.get(name) for name in ("code", "signal", "memory_kills"))
    if number and number == _KILLED:
        return _cause_of_kill(kills)
    if any(words in tail for words in _NO_MEMORY):
        return f"Its process ended for lack of memory: {_SMALLER}."
    if os.strerror(errno.ENOSPC) in tail:
        return "Its process ended on a full disk, where it could not even say so."
    if number:
        return f"Its process was ended by signal {number}: {_in_words(number)}."
    return f"Its process ended with code {code} before the work was done."


def _cause_of_kill(memory_kills: int | None) -> str:
    if memory_kills is None:
        return "Its process was killed; on a full machine the system does this to free memory."
    if memory_kills:
        return f"The system killed its process for lack of memory: {_SMALLER}."
    return (
        "Its process was killed (SIGKILL), by a person or another program: the system has not "
        "killed any for lack of memory."
    )


def _cause_unseen(attempt: Path) -> str:
    if _has_restarted(_read(attempt / "process.json")):
        return "The machine restarted."
    if (attempt / _ORPHANED).exists():
        return "The supervisor, which starts the work, was killed, and the work ended with it."
    return "Its processes ended at once without a word: killed, or the power failed."


def _has_restarted(process: dict[str, Any]) -> bool:
    """Whether the machine, or the container, has been started since the attempt was."""
    boot = process.get("boot")
    if boot and boot != processes.boot_id():
        return True
    started = process.get("started", float("inf"))
    beginnings = [] if boot else [psutil.boot_time()]
    with contextlib.suppress(psutil.Error):
        beginnings.append(psutil.Process(1).create_time())
    return any(each > started + processes.TOLERANCE for each in beginnings)


def _in_words(number: int) -> str:
    with contextlib.suppress(ValueError):
        words = signal.strsignal(number) or ""
        return f"{signal.Signals(number).name}, {words.lower()}"
    return "unknown"


def _kind(attempt: Path) -> str:
    return str(_read(attempt / "request.json").get("kind", ""))


def _log_tail(attempt: Path) -> str:
    with contextlib.suppress(OSError), (attempt / "worker.log").open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        return file.read().decode("utf-8", errors="replace")
    return ""


def _read(file: Path) -> dict[str, Any]:
    """What a record holds; empty where it is not there or damaged."""
    with contextlib.suppress(ValueError):
        record = read_json(file)
        return record if isinstance(record, dict) else {}
    return {}
