"""Runs the background processes: the supervisor, and the child process that does one task.

python -m fer_core.tasks.worker                   supervises this workspace until it is idle
python -m fer_core.tasks.worker --task DIRECTORY  does the newest attempt at one task
"""

import argparse
import contextlib
import importlib
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from fer_core import access
from fer_core.access import Access
from fer_core.errors import FerError
from fer_core.storage import disk_full_as_error, paths, write_reserved
from fer_core.tasks import exit_status
from fer_core.tasks.kinds import Kind
from fer_core.tasks.requests import Request, check_request, check_tree
from fer_core.tasks.supervisor import supervise
from fer_core.tasks.task import CancelledError, Task

HANDOVER_SECONDS = 60.0  # for a process whose supervisor was killed to end


def work(task: Task) -> int:
    """Does a task in this process and returns its exit code; an error leaves its message."""
    request, attempt = task.request, task.attempt
    if request is None or attempt is None:
        raise FerError(f"The directory must hold a task that was taken. Received: {task.id}")
    try:
        kind = check_request(task.directory, request)
        check_tree(task.directory)
        with disk_full_as_error(task.directory / "its files"), _exclusive(task):
            _run(task, kind, request)
    except Exception as error:  # the outermost frame of the process: nothing may be lost here
        _record_error(error, request, attempt)
        return 1
    return 0


def _run(task: Task, kind: Kind, request: Request) -> None:
    module, name = kind.function.split(":")
    function = getattr(importlib.import_module(module), name)
    # The task's own uploads, and what the datasets of the workspace hold, may be read anyway.
    permissions = Access.from_record(request.access, task.directory, paths.datasets_root())
    try:
        with access.acting_with(permissions):
            function(task)
    except CancelledError:
        task.abandon_attempt()


def _record_error(error: Exception, request: Request, attempt: Path) -> None:
    """Writes the error's message for the user and, unless it is a FerError, its traceback."""
    message = exit_status.error_message(error, request.kind, exit_status.log_file(attempt))
    with contextlib.suppress(OSError):
        write_reserved(exit_status.error_file(attempt), message)
    if not isinstance(error, FerError):
        with contextlib.suppress(OSError, MemoryError):
            traceback.print_exception(error)  # standard error is the attempt's log


@contextlib.contextmanager
def _exclusive(task: Task) -> Iterator[None]:
    """Keeps two processes from writing to one task.

    A child process whose supervisor was killed ends a moment later than its successor may start.
    """
    try:
        lock = FileLock(task.directory / "attempts" / "work.lock").acquire(HANDOVER_SECONDS)
    except Timeout as error:
        raise FerError(
            f"An earlier process still works on {task.id}, and has not ended within "
            f"{HANDOVER_SECONDS:.0f} seconds. Resume it later."
        ) from error
    with lock:
        yield


def _exit_with_supervisor(attempt: Path) -> None:
    """Ends this process at once when the supervisor's end of standard input closes."""

    def wait() -> None:
        # Reads the file descriptor, not sys.stdin: a thread waiting inside sys.stdin holds a lock
        # that the interpreter needs when it exits.
        with contextlib.suppress(OSError):
            while os.read(0, 1):
                pass
        exit_status.mark_orphaned(attempt)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Runs the command line that `ensure_supervisor` and the supervisor use."""
    parser = argparse.ArgumentParser(prog="python -m fer_core.tasks.worker")
    parser.add_argument("--task", type=Path, help="do this task instead of supervising")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level="INFO")
    if arguments.task is None:
        supervise()
        return
    task = Task(arguments.task)
    if task.attempt is not None:
        _exit_with_supervisor(task.attempt)
    sys.exit(work(task))


if __name__ == "__main__":
    main()
