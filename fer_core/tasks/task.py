"""A task: a directory for long work, whose state is derived from files and processes."""

import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from fer_core import access
from fer_core.errors import FerError
from fer_core.storage import (
    NonNegative,
    Seconds,
    delete_folder,
    paths,
    read_json,
    read_record,
    read_tail,
    retry_while_locked,
    workspace_bytes,
    write_json,
    write_text,
)
from fer_core.tasks import exit_status
from fer_core.tasks.processes import is_alive, read_process
from fer_core.tasks.requests import Request, check_queued, is_attempt, read_request

UNFINISHED = ".new-"  # begins the name of a folder that is being made
WITHDRAWN = "withdrawn.json"  # a request that was cancelled, or given back by its process

_ALL = 1_000_000  # bytes, more than any error message


class TaskState(StrEnum):
    """Names the state of a task, derived from its files and processes."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # its process ended without a result or an error
    CANCELLED = "cancelled"  # removed from the queue, or stopped, before it started

    @property
    def is_active(self) -> bool:
        """Returns whether the task is queued or a process works on it."""
        return self in (TaskState.QUEUED, TaskState.RUNNING, TaskState.STOPPING)


class CancelledError(Exception):
    """Tells that the user stopped the task before it had changed anything."""


@dataclass(frozen=True)
class Progress:
    """Tells how much of the work is done; the content of `progress.json`."""

    done: NonNegative
    total: NonNegative
    unit: str = "images"
    message: str = ""
    rate: NonNegative | None = None  # units per second
    seconds_left: Seconds | None = None

    @property
    def fraction(self) -> float:
        """Returns the fraction of the work that is done, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True)
class Task:
    """Represents long work and its directory. Caches nothing: every property reads files."""

    directory: Path

    @property
    def id(self) -> str:
        """Returns the directory's name."""
        return self.directory.name

    @property
    def state(self) -> TaskState:
        """Returns the state as of this call."""
        attempt = self.attempt
        if attempt is not None and _is_live(attempt):
            stopping = (attempt / "stop").exists()
            return TaskState.STOPPING if stopping else TaskState.RUNNING
        if os.path.lexists(self.directory / "request.json"):
            return TaskState.FAILED if self.refusal else TaskState.QUEUED
        if self.attempt != attempt:  # the request was taken between the checks
            return self.state
        if attempt is not None and (attempt / "error.txt").exists():
            return TaskState.FAILED
        if self._has_result(attempt):
            return TaskState.FINISHED
        return TaskState.CANCELLED if attempt is None else TaskState.INTERRUPTED

    @property
    def refusal(self) -> str:
        """Returns why the request in the directory will never be carried out.

        Returns an empty string if it will be, or if there is none.
        """
        if not os.path.lexists(self.directory / "request.json"):
            return ""
        try:
            check_queued(self.directory)
        except FerError as error:
            is_run = self.directory.parent == paths.runs_root()
            advice = "Resume the run." if is_run else "Submit it again."
            return f"{self.id} was not started. {error} {advice}"
        return ""

    @property
    def was_submitted(self) -> bool:
        """Returns whether there is or was a request: queued, taken or withdrawn."""
        # In this order: a supervisor or the user may move it at this moment.
        requests = (self.directory / name for name in ("request.json", WITHDRAWN))
        return any(map(os.path.lexists, requests)) or bool(self.attempts)

    @property
    def is_live(self) -> bool:
        """Returns whether a process works on the task: it is running or stopping."""
        return self.attempt is not None and _is_live(self.attempt)

    @property
    def was_made_here(self) -> bool:
        """Returns whether this workspace's program made the request, and in this directory."""
        return self.request is not None and self.request.was_made_in(self.directory)

    @property
    def attempt(self) -> Path | None:
        """Returns the newest attempt's directory; None if the request was never taken."""
        attempts = self.attempts
        return attempts[-1] if attempts else None

    @property
    def attempts(self) -> list[Path]:
        """Returns the directories of all attempts, oldest first."""
        folder = self.directory / "attempts"
        if folder.is_symlink():
            return []
        try:
            entries = list(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        attempts = [path for path in entries if is_attempt(path.name) and not path.is_symlink()]
        # A supervisor that is just taking the request has not moved it into its attempt yet.
        taken = [path for path in attempts if (path / "request.json").exists()]
        return sorted(taken, key=lambda path: int(path.name))

    @property
    def request(self) -> Request | None:
        """Returns the queued request, or else the newest attempt's; None if it is malformed.

        A file damaged by a user or a power failure must not stop the queue.
        """
        file = self.directory / "request.json"
        if self.attempt is not None and not file.exists():
            file = self.attempt / "request.json"
        return read_request(file)

    @property
    def progress(self) -> Progress | None:
        """Returns the saved progress; None if there is none or the file is damaged."""
        try:
            return read_record(self.directory / "progress.json", Progress)
        except FerError:
            return None

    @property
    def error(self) -> str:
        """Returns why the request was refused, or the newest attempt's error message, or ""."""
        if refusal := self.refusal:
            return refusal
        return read_tail(exit_status.error_file(self.attempt), _ALL) if self.attempt else ""

    def log(self, lines: int = 200) -> str:
        """Returns the last lines of the newest attempt's log."""
        if self.attempt is None:
            return ""
        tail = read_tail(exit_status.log_file(self.attempt), 200 * lines)
        return "\n".join(tail.splitlines()[-lines:])

    @property
    def ended(self) -> datetime | None:
        """Returns when the newest attempt ended; None if it has not, or nobody recorded it."""
        return exit_status.ended(self.attempt) if self.attempt else None

    @property
    def interruption(self) -> str:
        """Returns a sentence on why the task was interrupted, as far as that is known."""
        return exit_status.interruption_reason(self.attempt) if self.attempt else ""

    def save_progress(self, progress: Progress) -> None:
        """Replaces `progress.json`. Only the process that does the work may call this.

        All work comes by here again and again, so that it ends here if it writes too much.

        Raises:
            AccessError: the workspace has outgrown its quota.
        """
        _check_room()
        write_json(self.directory / "progress.json", asdict(progress), durable=False)

    @property
    def stop_requested(self) -> bool:
        """Returns whether the user has stopped the newest attempt."""
        return self.attempt is not None and (self.attempt / "stop").exists()

    @property
    def stop_reason(self) -> str:
        """Returns the sentence with which the newest attempt was stopped, or ""."""
        return _stop_reason(self.attempt) if self.attempt else ""

    @property
    def was_pruned(self) -> bool:
        """Returns whether any attempt was stopped with a reason: by a program, not by the user."""
        return any(map(_stop_reason, self.attempts))

    def request_stop(self, reason: str = "") -> None:
        """Asks the process to stop after the current step, and removes a queued request.

        Args:
            reason: a sentence, if a program asks and not the user.

        Raises:
            AccessError: changes are switched off.
        """
        self.cancel()
        if self.attempt is not None and _is_live(self.attempt):
            _mark_stopped(self.attempt, reason)

    def cancel(self) -> bool:
        """Removes the task from the queue; returns False if it was not queued.

        Raises:
            AccessError: changes are switched off.
        """
        access.current().require_write()
        request = self.directory / "request.json"
        try:
            # Kept under another name: it tells that the directory was made by the program.
            retry_while_locked(lambda: request.replace(self.directory / WITHDRAWN))
        except FileNotFoundError:
            return False
        if self.attempt is not None and not _is_live(self.attempt):
            _mark_stopped(self.attempt)  # prevents an automatic resume
        return True

    def abandon_attempt(self) -> None:
        """Discards the newest attempt. Only the process that does the work may call this.

        The task is again what it was before: finished, interrupted, or cancelled if it had never
        started.
        """
        *earlier, newest = self.attempts
        if earlier:
            _mark_stopped(earlier[-1])  # prevents an automatic resume
        retry_while_locked(lambda: (newest / "request.json").replace(newest / WITHDRAWN))

    def delete(self) -> None:
        """Deletes the directory.

        Raises:
            FerError: the task is queued or running, the system refuses to rename the directory, or
                changes are switched off.
        """
        access.current().require_write()
        if self.state.is_active:
            raise FerError(f"Stop {self.id} before you delete it. It is {self.state}.")
        delete_folder(self.directory)

    def _has_result(self, attempt: Path | None) -> bool:
        """Returns whether the work finished, and in this attempt if the result names one."""
        try:
            result = read_json(self.directory / "result.json")
        except FerError:
            return True  # the file is written last, so the work had finished
        if result is None:
            return False
        finished_in = result.get("attempt") if isinstance(result, dict) else None
        return finished_in is None or attempt is None or str(finished_in) == attempt.name


def _mark_stopped(attempt: Path, reason: str = "") -> None:
    stop = attempt / "stop"
    if reason and not os.path.lexists(stop):
        write_text(stop, reason)
    with suppress(FileExistsError):  # of a link too, which is not followed
        stop.touch(exist_ok=False)


def _stop_reason(attempt: Path) -> str:
    return read_tail(attempt / "stop", _ALL)


def _is_live(attempt: Path) -> bool:
    if os.path.lexists(attempt / "exit.json"):
        return False
    return is_alive(attempt / "process.json", supervises=True) and _was_taken_here(attempt)


def _was_taken_here(attempt: Path) -> bool:
    """Returns whether the attempt started in this directory, not in one that this is a copy of."""
    record = read_process(attempt / "process.json")
    return record is None or record.task in ("", str(attempt.parent.parent))


def check_submission(more: int = 0) -> None:
    """Checks that new work may be submitted, and that the workspace has room for it.

    Args:
        more: bytes that it brings, as far as known.

    Raises:
        AccessError: changes are switched off, or the workspace would exceed its quota.
    """
    access.current().require_write()
    _check_room(more)


def room_left() -> int:
    """Returns the bytes by which the workspace may still grow, as far as its quota goes."""
    quota = access.current().workspace_bytes
    return sys.maxsize if quota is None else max(0, quota - workspace_bytes(quota))


def _check_room(more: int = 0) -> None:
    permissions = access.current()
    if (quota := permissions.workspace_bytes) is not None:
        permissions.require_room(workspace_bytes(quota), more)


def new_directory(root: Path, name: str, more: int = 0) -> Path:
    """Makes and returns `root/<time>_<name>`, with a suffix -2, -3, … if that exists.

    The time comes first, so that names sort by age.

    Args:
        more: bytes that will be put into it, as far as known.

    Raises:
        AccessError: as `check_submission`.
    """
    check_submission(more)
    base = f"{datetime.now():%Y%m%d-%H%M%S}_{name}"
    number = 1
    while True:
        directory = root / (base if number == 1 else f"{base}-{number}")
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return directory


def list_tasks(kind: str = "") -> list[Task]:
    """Returns the tasks other than runs, newest first; of all kinds or of one."""
    tasks = [Task(path) for path in directories(paths.tasks_root())]
    return [task for task in tasks if not kind or (task.request and task.request.kind == kind)]


def unreadable_tasks() -> list[Task]:
    """Returns the tasks other than runs whose request is damaged, so that they are of no kind."""
    every = [task for task in list_tasks() if task.request is None]
    return [
        task for task in every if task.attempts or os.path.lexists(task.directory / "request.json")
    ]


def directories(root: Path) -> list[Path]:
    """Returns the folders in `root`, newest name first, without hidden (unfinished) ones."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if _is_folder(entry)]
    except FileNotFoundError:
        return []
    return [root / name for name in sorted(names, reverse=True) if not name.startswith(".")]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link to itself
        return False
