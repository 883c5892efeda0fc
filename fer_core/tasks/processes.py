"""Which processes are alive, the supervisor's among them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from fer_core.errors import FerError
from fer_core.storage import paths, read_json

_started: list["subprocess.Popen[bytes]"] = []  # kept until they have left, and are reaped then

TOLERANCE = 2.0  # seconds; what a process's creation and the boot may seem to move by
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux: another one after every boot


def ensure_supervisor() -> None:
    """Starts a supervisor, detached from this process, where none is alive.

    Two that are started at once do no harm: the second finds the lock taken and leaves.

    Raises:
        FerError: the system cannot start it now; what waits is kept.
    """
    reap()
    if is_alive(supervisor_file()):
        return
    try:
        paths.workspace().mkdir(parents=True, exist_ok=True)
        _started.append(_start_supervisor())
    except OSError as error:
        raise FerError(
            "The supervisor, which does what waits, must be started; what waits is kept. "
            f"Received: {error}"
        ) from error


def reap() -> None:
    """Takes leave of supervisors that this process started and that have ended since."""
    _started[:] = [process for process in _started if process.poll() is None]


def _start_supervisor() -> "subprocess.Popen[bytes]":
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {
            "creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        }
    with supervisor_log().open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "fer_core.tasks.worker"],
            cwd=paths.PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"FER_HOME": str(paths.workspace())},
            **detached,
        )


def supervisor_log() -> Path:
    """Where the supervisor of this workspace writes what went wrong."""
    return paths.workspace() / "supervisor.log"


def supervisor_file() -> Path:
    """Where the supervisor of this workspace says which process it is."""
    return paths.workspace() / "supervisor.json"


def process_record() -> dict[str, Any]:
    """Which process this is, in a form that `is_alive` can recognise it by."""
    process = psutil.Process()
    return {
        "pid": process.pid,
        "created": process.create_time(),
        "uptime": _uptime(process),
        "boot": boot_id(),
    }


def is_alive(record_file: Path) -> bool:
    """Whether the process whose `process_record` lies in the file still runs."""
    try:
        record = read_json(record_file)
        if record is None:
            return False
        process = psutil.Process(int(record["pid"]))
        return _is_same(process, record) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False  # gone, or another user's
    except (ValueError, TypeError, KeyError):
        return False  # what a power cut made of the file names no process


def boot_id() -> str:
    """What tells this boot of the machine from every other; empty where the system has no word."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _is_same(process: psutil.Process, record: Mapping[str, Any]) -> bool:
    # On Linux the times of creation and boot move together when the clock is corrected, and a
    # live training must not look dead by that. After a boot the same pid may come at the same
    # uptime, so the boot must be the same too.
    if record.get("boot"):
        same_time = abs(_uptime(process) - record["uptime"]) < TOLERANCE
        return same_time and record["boot"] == boot_id()
    return bool(abs(process.create_time() - record["created"]) < TOLERANCE)


def _uptime(process: psutil.Process) -> float:
    """Seconds from the machine's boot to the process's creation."""
    return process.create_time() - psutil.boot_time()
