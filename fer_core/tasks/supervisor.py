"""The supervisor: takes what is asked for and has it done, each piece of work in a child process.

It never loads TensorFlow, so that it outlives whatever a training dies of.
"""

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from fer_core import hardware
from fer_core.storage import paths, retry_while_locked, write_json, write_reserved
from fer_core.tasks import exit_status, maintenance, processes, queue
from fer_core.tasks.kinds import KINDS
from fer_core.tasks.task import Task

LOG = logging.getLogger(__name__)

POLL_SECONDS = 0.5
IDLE_SECONDS = 10.0  # without work, before the supervisor leaves
LOCK_SECONDS = 5.0  # longer than a leaving supervisor takes from its last look to its end


@dataclass(frozen=True)
class Child:
    """A task's process, and the attempt it works in."""

    attempt: Path
    process: subprocess.Popen[bytes]


def supervise() -> None:
    """Takes the oldest request of every lane, again and again, until nothing waits."""
    paths.workspace().mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.workspace() / "supervisor.lock", timeout=LOCK_SECONDS):
            Supervisor().work_until_idle()
    except Timeout:
        return  # another supervisor is at work


class Supervisor:
    """Children at work, and words that could not be written yet.

    It ends by itself alone: when it dies, its trainings die with it. So no fault of a disk or of
    a task's files leaves one of its steps.
    """

    def __init__(self) -> None:
        self.children: dict[str, Child] = {}  # by lane
        self.memory_kills = exit_status.OomKillMonitor()
        self.unwritten: list[tuple[Path, str]] = []  # files and their text
        self.announced = False
        self.complaints: dict[str, str] = {}  # what failed in the last round

    def work_until_idle(self) -> None:
        """Works until there was nothing to do for IDLE_SECONDS."""
        self._carefully("announcing", self._announce)
        self._look_after()
        last_busy = time.monotonic()
        while True:
            self.round()
            if self.children:
                last_busy = time.monotonic()
            elif time.monotonic() - last_busy > IDLE_SECONDS:
                # From here on a submission starts a new supervisor; what came before is seen.
                processes.supervisor_file().unlink(missing_ok=True)
                if not queue.waiting():
                    return
                last_busy = time.monotonic()
            time.sleep(POLL_SECONDS)

    def round(self) -> None:
        """Notes what has ended, and starts what waits for a free lane."""
        self._carefully("announcing", self._announce)
        self._carefully("last words", self._write_last_words)
        self._reap()
        self._carefully("queue", self._start_waiting)
        attempts = [child.attempt for child in self.children.values()]
        self._carefully("logs", lambda: maintenance.bound_logs(attempts))

    def _announce(self) -> None:
        # One that was killed has left its own file behind.
        if not self.announced or not processes.supervisor_file().exists():
            write_json(processes.supervisor_file(), processes.process_record())
            self.announced = True

    def _look_after(self) -> None:
        self._carefully("resuming", maintenance.resume_interrupted)
        self._carefully("removing", maintenance.remove_old)

    def _start_waiting(self) -> None:
        for task in queue.waiting():
            # Where it cannot be taken, on a full disk, it stays queued and the others go on.
            self._carefully(task.id, partial(self._start_if_free, task))

    def _start_if_free(self, task: Task) -> None:
        request = task.request
        kind = KINDS.get(request.kind) if request else None
        if kind is not None and kind.lane in self.children:
            return
        attempt = take(task)
        if attempt is None:
            return
        if kind is None:
            received = request.kind if request else "nothing"
            self._fail(attempt, f"Tasks must be of a known kind. Received: {received}")
            return
        try:
            process = _start_process(task, attempt, kind.low_latency)
        except (OSError, MemoryError) as error:
            self._fail(attempt, f"Its process could not be started. Received: {error}")
        else:
            self.children[kind.lane] = Child(attempt, process)

    def _reap(self) -> None:
        self.memory_kills.look()
        for lane, child in list(self.children.items()):
            code = child.process.poll()
            if code is None:
                continue
            del self.children[lane]
            self._carefully("logs", partial(maintenance.bound_logs, [child.attempt]))
            if child.process.stdin:
                child.process.stdin.close()
            self._end(child.attempt, code, self.memory_kills.look())  # after it was found dead
            self._carefully("giving back", partial(exit_status.release_error_file, child.attempt))
            self._look_after()

    def _fail(self, attempt: Path, error: str) -> None:
        self.unwritten.append((exit_status.error_file(attempt), error))
        self._end(attempt, code=1)

    def _end(self, attempt: Path, code: int, memory_kills: int | None = None) -> None:
        record = exit_status.exit_record(code, memory_kills)
        self.unwritten.append((exit_status.exit_file(attempt), record))
        self._carefully("last words", self._write_last_words)

    def _write_last_words(self) -> None:
        """Until an attempt's `exit.json` is there it looks alive: so it is tried again."""
        while self.unwritten:
            file, text = self.unwritten[0]
            if file.parent.is_dir():
                write_reserved(file, text)
            del self.unwritten[0]

    def _carefully(self, what: str, step: Callable[[], None]) -> None:
        """Does a step; what it raises is noted, once and not twice a second."""
        try:
            step()
        except Exception as error:
            if self.complaints.get(what) != str(error):
                LOG.exception("%s", what)
            self.complaints[what] = str(error)
        else:
            self.complaints.pop(what, None)


def take(task: Task) -> Path | None:
    """Moves the request into a new attempt; None where it was cancelled in the same moment.

    Raises:
        OSError: the disk is full; the request stays where it is.
    """
    attempts = task.directory / "attempts"
    of = {"started": time.time(), "task": str(task.directory)}
    record = processes.process_record() | of
    try:
        attempts.mkdir(exist_ok=True)  # not its parents: the task may be deleted by now
        attempt = attempts / str(_next_number(attempts))
        attempt.mkdir()
    except FileNotFoundError:
        return None
    try:
        write_json(attempt / "process.json", record)
        exit_status.reserve_error_files(attempt)
        (attempt / "worker.log").touch()
        # The last step: what fails before it leaves the request waiting.
        retry_while_locked(
            lambda: (task.directory / "request.json").rename(attempt / "request.json")
        )
    except BaseException as error:
        shutil.rmtree(attempt, ignore_errors=True)
        if isinstance(error, FileNotFoundError):
            return None
        raise
    return attempt


def _next_number(attempts: Path) -> int:
    numbers = [int(path.name) for path in attempts.iterdir() if path.name.isdigit()]
    return max(numbers, default=-1) + 1


def _start_process(task: Task, attempt: Path, low_latency: bool) -> subprocess.Popen[bytes]:
    with (attempt / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "fer_core.tasks.worker", "--task", str(task.directory)],
            cwd=paths.PROJECT,
            stdin=subprocess.PIPE,  # closes with this process: the child's sign to end too
            stdout=log,
            stderr=log,
            env=hardware.subprocess_env(low_latency=low_latency),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # no console on Windows
        )
