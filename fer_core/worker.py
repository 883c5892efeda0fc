"""The supervisor: takes what is asked for and does it, each piece of work in a child process.

    python -m fer_core.worker                  supervises this workspace until nothing waits
    python -m fer_core.worker --task DIRECTORY does one task's newest attempt

The supervisor never loads TensorFlow, so that it outlives whatever a training dies of.
"""

import argparse
import contextlib
import importlib
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from fer_core import paths, processes, queue
from fer_core.files import patiently, write_json, write_text
from fer_core.tasks import Task

LOG = logging.getLogger(__name__)

POLL_SECONDS = 0.5
IDLE_SECONDS = 10.0  # without work, before the supervisor leaves
LOCK_SECONDS = 5.0  # longer than a leaving supervisor takes from its last look to its end


@dataclass(frozen=True)
class Kind:
    """A kind of task: the function that does it, and the lane in which it waits."""

    function: str  # "module:name" of a function that takes the Task
    lane: str  # tasks of one lane are done one after another, lanes side by side


# Training may fill hours; opening a data set meanwhile must not wait for it.
KINDS = {
    "train": Kind("fer_core.training:run_training", "training"),
    "open_test": Kind("fer_core.sealed_test:run_open_test", "light"),
    "import": Kind("fer_core.datasets.importing:run_import", "light"),
    "draw": Kind("fer_core.datasets.importing:run_draw", "light"),
}


@dataclass
class Child:
    """A task's process, and the attempt it works in."""

    task: Task
    attempt: Path
    process: subprocess.Popen[bytes]
    log: IO[bytes]


def supervise() -> None:
    """Takes the oldest request of every lane, again and again, until nothing waits."""
    paths.workspace().mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.workspace() / "supervisor.lock", timeout=LOCK_SECONDS):
            write_json(processes.supervisor_file(), processes.process_record())
            _work_until_idle()
    except Timeout:
        return  # another supervisor is at work


def _work_until_idle() -> None:
    children: dict[str, Child] = {}
    last_busy = time.monotonic()
    while True:
        _reap(children)
        _start_waiting(children)
        if children:
            last_busy = time.monotonic()
        elif time.monotonic() - last_busy > IDLE_SECONDS:
            # From here on a submission starts a new supervisor; what came before is seen below.
            processes.supervisor_file().unlink(missing_ok=True)
            if not queue.waiting():
                return
            write_json(processes.supervisor_file(), processes.process_record())
            last_busy = time.monotonic()
        time.sleep(POLL_SECONDS)


def _start_waiting(children: dict[str, Child]) -> None:
    for task in queue.waiting():
        request = task.request
        kind = KINDS.get(request.kind) if request else None
        try:
            if kind is None:
                _refuse(task)
            elif kind.lane not in children:
                child = _start(task)
                if child is not None:
                    children[kind.lane] = child
        except OSError:  # a full disk, no memory for a process: it stays queued, the others go on
            LOG.exception("%s could not be started", task.id)


def _take(task: Task) -> Path | None:
    """Moves the request into a new attempt; None where it was cancelled in the same moment."""
    attempt = task.directory / "attempts" / str(len(task.attempts))
    asked = task.directory / "request.json"
    record = processes.process_record() | {"started": time.time()}
    try:
        attempt.parent.mkdir(exist_ok=True)  # not its parents: the task may be deleted by now
        attempt.mkdir(exist_ok=True)
        write_json(attempt / "process.json", record)
        patiently(lambda: asked.rename(attempt / "request.json"))
    except FileNotFoundError:
        return None
    return attempt


def _start(task: Task) -> Child | None:
    attempt = _take(task)
    if attempt is None:
        return None
    log = (attempt / "worker.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "fer_core.worker", "--task", str(task.directory)],
        cwd=paths.PROJECT,
        stdin=subprocess.PIPE,  # closes with this process: the child's sign to end too
        stdout=log,
        stderr=log,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},  # its errors come as exceptions too
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows would open a console
    )
    return Child(task, attempt, process, log)


def _refuse(task: Task) -> None:
    attempt = _take(task)
    if attempt is not None:
        kind = task.request.kind if task.request else "nothing"
        write_text(attempt / "error.txt", f"Tasks must be of a known kind. Received: {kind}")
        _write_exit(attempt, code=1)


def _reap(children: dict[str, Child]) -> None:
    for lane, child in list(children.items()):
        code = child.process.poll()
        if code is None:
            continue
        child.log.close()
        if child.process.stdin:
            child.process.stdin.close()
        del children[lane]
        try:
            _write_exit(child.attempt, code)
        except OSError:
            LOG.exception("%s ended with %d, which could not be written", child.task.id, code)


def _write_exit(attempt: Path, code: int) -> None:
    # POSIX gives a death by signal as a negative code.
    signal = -code if code < 0 else None
    record = {"code": max(code, 0), "signal": signal, "ended": time.time()}
    write_json(attempt / "exit.json", record)


def work(task: Task) -> int:
    """Does a task in this process and returns its exit code; an error leaves its sentence."""
    request, attempt = task.request, task.attempt
    if request is None or attempt is None:
        raise ValueError(f"The directory must hold a task that was taken. Received: {task.id}")
    try:
        module, name = KINDS[request.kind].function.split(":")
        getattr(importlib.import_module(module), name)(task)
    except ValueError as error:
        write_text(attempt / "error.txt", str(error))
        return 1
    except MemoryError:
        write_text(attempt / "error.txt", "The machine's memory did not suffice.")
        return 1
    except Exception as error:
        # The outermost frame of a process: whatever it was, the person sees a sentence
        # and the log holds the rest.
        traceback.print_exc()
        write_text(attempt / "error.txt", f"{type(error).__name__}: {error}")
        return 1
    return 0


def _end_with_supervisor() -> None:
    """Ends this process at once when the supervisor's end of standard input closes."""

    def wait() -> None:
        # The file descriptor, not sys.stdin: a thread that waits inside sys.stdin holds a lock
        # which the interpreter wants when it ends.
        with contextlib.suppress(OSError):
            while os.read(0, 1):
                pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """The command line that `processes.ensure_supervisor` and the supervisor itself use."""
    parser = argparse.ArgumentParser(prog="python -m fer_core.worker")
    parser.add_argument("--task", type=Path, help="do this task instead of supervising")
    arguments = parser.parse_args()
    if arguments.task is None:
        supervise()
    else:
        _end_with_supervisor()
        logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level="INFO")
        sys.exit(work(Task(arguments.task)))


if __name__ == "__main__":
    main()
