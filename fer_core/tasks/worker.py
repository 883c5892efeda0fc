"""The processes beside the app: the supervisor, and the child that does one task.

python -m fer_core.tasks.worker                  supervises this workspace until nothing waits
python -m fer_core.tasks.worker --task DIRECTORY does one task's newest attempt
"""

import argparse
import contextlib
import importlib
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from fer_core.errors import FerError
from fer_core.storage import disk_full_as_error, write_reserved
from fer_core.tasks import exit_status
from fer_core.tasks.kinds import KINDS
from fer_core.tasks.supervisor import supervise
from fer_core.tasks.task import StoppedError, Task

HANDOVER_SECONDS = 60.0  # that a process whose supervisor was killed may take to end


def work(task: Task) -> int:
    """Does a task in this process and returns its exit code; an error leaves its sentence."""
    request, attempt = task.request, task.attempt
    if request is None or attempt is None:
        raise FerError(f"The directory must hold a task that was taken. Received: {task.id}")
    try:
        module, name = KINDS[request.kind].function.split(":")
        with disk_full_as_error(task.directory / "its files"), _alone(task):
            _do(getattr(importlib.import_module(module), name), task)
    except Exception as error:
        # The outermost frame of a process: whatever it was, the person sees a sentence, and the
        # log holds the rest where it can be written.
        with contextlib.suppress(OSError):
            write_reserved(
                exit_status.error_file(attempt), exit_status.error_message(error, request.kind)
            )
        if not isinstance(error, ValueError):
            with contextlib.suppress(OSError):
                traceback.print_exc()
        return 1
    return 0


def _do(function: Callable[[Task], None], task: Task) -> None:
    try:
        function(task)
    except StoppedError:
        task.abandon_attempt()


@contextlib.contextmanager
def _alone(task: Task) -> Iterator[None]:
    """Keeps two processes from writing into one task.

    A child whose supervisor was killed ends a moment later: by then the next may have begun.
    """
    try:
        lock = FileLock(task.directory / "attempts" / "work.lock").acquire(HANDOVER_SECONDS)
    except Timeout as error:
        raise FerError(
            f"{task.id} must be worked on by one process at a time. "
            f"An earlier one has not ended within {HANDOVER_SECONDS:.0f} seconds."
        ) from error
    with lock:
        yield


def _end_with_supervisor(attempt: Path) -> None:
    """Ends this process at once when the supervisor's end of standard input closes."""

    def wait() -> None:
        # The file descriptor, not sys.stdin: a thread that waits inside sys.stdin holds a lock
        # which the interpreter wants when it ends.
        with contextlib.suppress(OSError):
            while os.read(0, 1):
                pass
        exit_status.mark_orphaned(attempt)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """The command line that `processes.ensure_supervisor` and the supervisor itself use."""
    parser = argparse.ArgumentParser(prog="python -m fer_core.tasks.worker")
    parser.add_argument("--task", type=Path, help="do this task instead of supervising")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level="INFO")
    if arguments.task is None:
        supervise()
        return
    task = Task(arguments.task)
    if task.attempt is not None:
        _end_with_supervisor(task.attempt)
    sys.exit(work(task))


if __name__ == "__main__":
    main()
