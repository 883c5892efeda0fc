"""Starts the supervisor and tells which processes are alive."""

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import psutil
from msgspec import Meta

from fer_core.errors import FerError
from fer_core.storage import Number, Timestamp, open_log, paths, read_record

_TOLERANCE = 2.0  # seconds by which creation and boot times may appear to move
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux: different after every boot

_MODULE = "fer_core.tasks.worker"
_MODULES = {_MODULE, "fer_core.worker"}  # the second is that of an earlier version

_started: list["subprocess.Popen[bytes]"] = []  # kept until they have exited and are reaped


def ensure_supervisor() -> None:
    """Starts a supervisor, detached from this process, if none is alive.

    Two started at the same time do no harm: the second finds the lock taken and exits.

    Raises:
        FerError: the system cannot start it; queued tasks stay queued.
    """
    reap()
    if is_alive(supervisor_file(), supervises=True):
        return
    try:
        paths.workspace().mkdir(parents=True, exist_ok=True)
        _started.append(_start_supervisor())
    except OSError as error:
        raise FerError(
            "The supervisor, which runs the queue, could not be started; queued tasks stay "
            f"queued. {error}"
        ) from error


def reap() -> None:
    """Reaps supervisors started by this process."""
    _started[:] = [process for process in _started if process.poll() is None]


def _start_supervisor() -> "subprocess.Popen[bytes]":
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {
            "creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        }
    with open_log(supervisor_log()) as log:
        return subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            cwd=paths.PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"FER_HOME": str(paths.workspace())},
            **detached,
        )


def supervisor_log() -> Path:
    """Returns the log of this workspace's supervisor."""
    return paths.workspace() / "supervisor.log"


def supervisor_file() -> Path:
    """Returns the file with the `process_record` of this workspace's supervisor."""
    return paths.workspace() / "supervisor.json"


@dataclass(frozen=True)
class ProcessRecord:
    """Identifies a process for `is_alive`; that of an attempt has `started` and `task` too."""

    pid: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    created: Timestamp
    uptime: Number | None = None  # seconds from the machine's boot to the process's creation
    boot: str = ""
    started: Timestamp | None = None  # when the attempt left the queue
    task: str = ""  # the directory in which the attempt started


def process_record() -> dict[str, Any]:
    """Returns the record of this process."""
    process = psutil.Process()
    return {
        "pid": process.pid,
        "created": process.create_time(),
        "uptime": _uptime(process),
        "boot": boot_id(),
    }


def read_process(record_file: Path) -> ProcessRecord | None:
    """Returns a record of a process; None if it is missing or damaged, as by a power failure."""
    try:
        return read_record(record_file, ProcessRecord)
    except FerError:
        return None


def is_alive(record_file: Path, *, supervises: bool = False) -> bool:
    """Returns whether the process whose `process_record` is in the file still runs.

    Args:
        supervises: whether it must be a supervisor: a file that was copied in may name any process.
    """
    record = read_process(record_file)
    if record is None:
        return False
    try:
        process = psutil.Process(record.pid)
        is_running = _is_same(process, record) and process.status() != psutil.STATUS_ZOMBIE
        return is_running and (not supervises or _is_supervisor(process))
    except psutil.Error:
        return False  # it has ended, or belongs to another user


def _is_supervisor(process: psutil.Process) -> bool:
    # Of an earlier version too; and this process, if it supervises by itself.
    return process.pid == os.getpid() or not _MODULES.isdisjoint(process.cmdline())


def has_restarted(record_file: Path) -> bool:
    """Returns whether the machine or the container has started since the attempt did."""
    record = read_process(record_file)
    if record is None:
        return False
    if record.boot and record.boot != boot_id():
        return True
    started = psutil.boot_time()
    with contextlib.suppress(psutil.Error):
        started = psutil.Process(1).create_time()  # later than the boot in a container
    return record.started is not None and started > record.started + _TOLERANCE


def boot_id() -> str:
    """Returns the ID of this boot of the machine; an empty string if the system has none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _is_same(process: psutil.Process, record: ProcessRecord) -> bool:
    # On Linux, correcting the clock moves the times of creation and boot together, and a live
    # process must not look dead because of it. After a reboot the same PID may appear at the same
    # uptime, so the boot must be the same too.
    if record.boot and record.uptime is not None:
        same_time = abs(_uptime(process) - record.uptime) < _TOLERANCE
        return same_time and record.boot == boot_id()
    return abs(process.create_time() - record.created) < _TOLERANCE


def _uptime(process: psutil.Process) -> float:
    """Returns the seconds from the machine's boot to the process's creation."""
    return process.create_time() - psutil.boot_time()
