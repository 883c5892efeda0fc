"""Starts the supervisor and tells which processes are alive."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from fer_core.errors import FerError
from fer_core.storage import open_log, paths, read_json

TOLERANCE = 2.0  # seconds by which creation and boot times may appear to move
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux: different after every boot

_started: list["subprocess.Popen[bytes]"] = []  # kept until they have exited and are reaped


def ensure_supervisor() -> None:
    """Starts a supervisor, detached from this process, if none is alive.

    Two started at the same time do no harm: the second finds the lock taken and exits.

    Raises:
        FerError: the system cannot start it; queued tasks stay queued.
    """
    reap()
    if is_alive(supervisor_file()):
        return
    try:
        paths.workspace().mkdir(parents=True, exist_ok=True)
        _started.append(_start_supervisor())
    except OSError as error:
        raise FerError(
            "The supervisor, which runs the queue, must be started; queued tasks stay queued. "
            f"Received: {error}"
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
            [sys.executable, "-m", "fer_core.tasks.worker"],
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


def process_record() -> dict[str, Any]:
    """Returns what `is_alive` needs to recognize this process."""
    process = psutil.Process()
    return {
        "pid": process.pid,
        "created": process.create_time(),
        "uptime": _uptime(process),
        "boot": boot_id(),
    }


def is_alive(record_file: Path) -> bool:
    """Returns whether the process whose `process_record` is in the file still runs."""
    try:
        record = read_json(record_file)
        if record is None:
            return False
        process = psutil.Process(int(record["pid"]))
        return _is_same(process, record) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False  # it has ended, or belongs to another user
    except (ValueError, TypeError, KeyError):
        return False  # the file was damaged, perhaps by a power failure


def boot_id() -> str:
    """Returns the ID of this boot of the machine; an empty string if the system has none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _is_same(process: psutil.Process, record: Mapping[str, Any]) -> bool:
    # On Linux, correcting the clock moves the times of creation and boot together, and a live
    # process must not look dead because of it. After a reboot the same PID may appear at the same
    # uptime, so the boot must be the same too.
    if record.get("boot"):
        same_time = abs(_uptime(process) - record["uptime"]) < TOLERANCE
        return same_time and record["boot"] == boot_id()
    return bool(abs(process.create_time() - record["created"]) < TOLERANCE)


def _uptime(process: psutil.Process) -> float:
    """Returns the seconds from the machine's boot to the process's creation."""
    return process.create_time() - psutil.boot_time()
