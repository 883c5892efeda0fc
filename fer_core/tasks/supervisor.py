"""The supervisor: takes tasks from the queue and runs each in a child process.

It never loads TensorFlow, so that it survives whatever kills a training process.
"""

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from fer_core import hardware
from fer_core.storage import (
    paths,
    release_reserved,
    reserve,
    retry_while_locked,
    write_json,
    write_reserved,
)
from fer_core.tasks import exit_status, maintenance, processes, queue
from fer_core.tasks.kinds import KINDS
from fer_core.tasks.oom_kills import OomKillMonitor
from fer_core.tasks.requests import next_attempt
from fer_core.tasks.task import Task

LOG = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # between looks at the queue
_CHILD_SECONDS = 0.05  # between looks at the children
IDLE_SECONDS = 10.0  # without work, before the supervisor exits
LOCK_SECONDS = 5.0  # more than a supervisor takes to exit after its last look at the queue


@dataclass
class Child:
    """Holds a task's process and its attempt."""

    attempt: Path
    process: subprocess.Popen[bytes]
    stop_seconds: float  # that it may take to stop
    stop_seen: float | None = None  # when it had to stop, on the monotonic clock
    unresponsive: bool = False  # it did not stop in time, and was ended

    def end_if_unresponsive(self) -> None:
        """Ends the process, with its own children, if it has been asked to stop for too long.

        Only processes that this one has started: no file names them.
        """
        if not os.path.lexists(self.attempt / "stop"):
            return
        now = time.monotonic()
        self.stop_seen = self.stop_seen or now
        if now - self.stop_seen < self.stop_seconds or self.process.poll() is not None:
            return
        self.unresponsive = True
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            for each in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()


def supervise() -> None:
    """Runs the queue until it is empty; returns at once if another supervisor does."""
    paths.workspace().mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.workspace() / "supervisor.lock", timeout=LOCK_SECONDS):
            Supervisor().work_until_idle()
    except Timeout:
        return


class Supervisor:
    """Runs tasks in child processes, one per lane.

    It must never raise, because its children end with it: every step that touches the disk or a
    task's files goes through `_try`.
    """

    def __init__(self) -> None:
        self.children: dict[str, Child] = {}  # by lane
        self.oom_kills = OomKillMonitor()
        self.pending_writes: list[tuple[Path, str]] = []  # files and their text
        self.registered = False
        self.errors: dict[str, str] = {}  # of the steps that failed in the last round

    def work_until_idle(self) -> None:
        """Runs the queue until there has been nothing to do for IDLE_SECONDS."""
        self._try("registering", self._register)
        self._maintain()
        last_busy = time.monotonic()
        while True:
            self.round()
            if self.children:
                last_busy = time.monotonic()
            elif time.monotonic() - last_busy > IDLE_SECONDS:
                # From here on a submission starts a new supervisor; an earlier one is seen below.
                processes.supervisor_file().unlink(missing_ok=True)
                if not queue.waiting():
                    return
                last_busy = time.monotonic()
            self._wait()

    def _wait(self) -> None:
        """Waits for the next round, which begins at once when a child has ended."""
        end = time.monotonic() + POLL_SECONDS
        children = [child.process for child in self.children.values()]
        while time.monotonic() < end and all(each.poll() is None for each in children):
            time.sleep(_CHILD_SECONDS)

    def round(self) -> None:
        """Records the children that have ended, and starts queued tasks in free lanes."""
        self._try("registering", self._register)
        self._try("exit records", self._write_pending)
        self._reap()
        self._try("queue", self._start_queued)
        attempts = [child.attempt for child in self.children.values()]
        self._try("logs", lambda: maintenance.truncate_logs(attempts))

    def _register(self) -> None:
        # A supervisor that was killed has left its file behind.
        if not self.registered or not processes.supervisor_file().exists():
            write_json(processes.supervisor_file(), processes.process_record())
            self.registered = True

    def _maintain(self) -> None:
        self._try("resuming", maintenance.resume_interrupted)
        self._try("removing", maintenance.remove_old_tasks)

    def _start_queued(self) -> None:
        for task in queue.waiting():
            # A task that cannot be taken, because the disk is full, stays queued.
            self._try(task.id, partial(self._start_if_free, task))

    def _start_if_free(self, task: Task) -> None:
        request = task.request
        kind = KINDS.get(request.kind) if request else None
        if kind is None or kind.lane in self.children or task.refusal:
            return
        attempt = take(task)
        if attempt is None:
            return
        try:
            process = _start_process(task, attempt, kind.low_latency)
        except (OSError, MemoryError) as error:
            self._fail(attempt, f"Its process could not be started. Received: {error}")
        else:
            self.children[kind.lane] = Child(attempt, process, kind.stop_seconds)

    def _reap(self) -> None:
        self.oom_kills.poll()
        for lane, child in list(self.children.items()):
            self._try("stopping", child.end_if_unresponsive)
            code = child.process.poll()
            if code is None:
                continue
            del self.children[lane]
            self._try("logs", partial(maintenance.truncate_logs, [child.attempt]))
            if child.process.stdin:
                child.process.stdin.close()
            oom_killed = self.oom_kills.poll()  # counted after the death
            self._end(child.attempt, code, oom_killed, unresponsive=child.unresponsive)
            error_file = exit_status.error_file(child.attempt)
            self._try("releasing", partial(release_reserved, error_file))
            self._maintain()

    def _fail(self, attempt: Path, error: str) -> None:
        self.pending_writes.append((exit_status.error_file(attempt), error))
        self._end(attempt, code=1)

    def _end(
        self,
        attempt: Path,
        code: int,
        oom_killed: bool | None = None,
        *,
        unresponsive: bool = False,
    ) -> None:
        record = exit_status.exit_record(code, oom_killed, unresponsive=unresponsive)
        self.pending_writes.append((exit_status.exit_file(attempt), record))
        self._try("exit records", self._write_pending)

    def _write_pending(self) -> None:
        """Writes exit records; retried every round, since without one an attempt looks alive."""
        while self.pending_writes:
            file, text = self.pending_writes[0]
            if file.parent.is_dir():
                write_reserved(file, text)
            del self.pending_writes[0]

    def _try(self, step: str, action: Callable[[], None]) -> None:
        """Runs a step and logs its error, but not the same error every round."""
        try:
            action()
        except Exception as error:
            if self.errors.get(step) != str(error):
                LOG.exception("%s", step)
            self.errors[step] = str(error)
        else:
            self.errors.pop(step, None)


def take(task: Task) -> Path | None:
    """Moves the request into a new attempt and returns it; None if it was cancelled meanwhile.

    Raises:
        OSError: the disk is full; the task stays queued.
    """
    attempts = task.directory / "attempts"
    record = processes.process_record()
    record |= {"started": time.time(), "task": str(task.directory)}
    try:
        attempts.mkdir(exist_ok=True)  # without parents: the task may have been deleted
        attempt = attempts / str(next_attempt(attempts))
        attempt.mkdir()
    except FileNotFoundError:
        return None
    try:
        write_json(attempt / "process.json", record)
        reserve(exit_status.error_file(attempt))
        reserve(exit_status.exit_file(attempt))
        exit_status.log_file(attempt).touch()
        # The last step, so that a failure before it leaves the task queued.
        retry_while_locked(
            lambda: (task.directory / "request.json").rename(attempt / "request.json")
        )
    except BaseException as error:
        shutil.rmtree(attempt, ignore_errors=True)
        if isinstance(error, FileNotFoundError):
            return None
        raise
    return attempt


def _start_process(task: Task, attempt: Path, low_latency: bool) -> subprocess.Popen[bytes]:
    with exit_status.log_file(attempt).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "fer_core.tasks.worker", "--task", str(task.directory)],
            cwd=paths.PROJECT,
            stdin=subprocess.PIPE,  # closes when this process ends: the child then exits too
            stdout=log,
            stderr=log,
            env=hardware.subprocess_env(low_latency=low_latency),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # of Windows
        )
