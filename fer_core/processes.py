"""Which processes are alive, the supervisor's among them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from fer_core import paths
from fer_core.files import read_json

_started: list["subprocess.Popen[bytes]"] = []  # kept until they have left, and are reaped then

CLOCK_TOLERANCE = 2.0  # seconds; psutil's creation time on Linux moves with clock corrections


def ensure_supervisor() -> None:
    """Starts a supervisor, detached from this process, where none is alive.

    Two that are started at once do no harm: the second finds the lock taken and leaves.
    """
    _started[:] = [process for process in _started if process.poll() is None]
    if is_alive(supervisor_file()):
        return
    paths.workspace().mkdir(parents=True, exist_ok=True)
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {
            "creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        }
    with (paths.workspace() / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fer_core.worker"],
            cwd=paths.PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"FER_HOME": str(paths.workspace())},
            **detached,
        )
    _started.append(process)


def supervisor_file() -> Path:
    """Where the supervisor of this workspace says which process it is."""
    return paths.workspace() / "supervisor.json"


def process_record() -> dict[str, float]:
    """Which process this is, in a form that `is_alive` can recognise it by."""
    return {"pid": os.getpid(), "created": psutil.Process().create_time()}


def is_alive(record_file: Path) -> bool:
    """Whether the process whose `process_record` lies in the file still runs."""
    record = read_json(record_file)
    if record is None:
        return False
    try:
        process = psutil.Process(int(record["pid"]))
        same = abs(process.create_time() - record["created"]) < CLOCK_TOLERANCE
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
