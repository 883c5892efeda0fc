"""Long work as a directory: asked for, alive, stopped, ended."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from fer_core.errors import FerError
from fer_core.storage import paths, read_json, retry_while_locked, write_json
from fer_core.tasks import exit_status
from fer_core.tasks.processes import is_alive


class TaskState(StrEnum):
    """What a task's files and processes say about it."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # its process ended without a word
    CANCELLED = "cancelled"  # taken from the queue, or stopped, before it ever began

    @property
    def is_active(self) -> bool:
        """Whether work goes on or waits to begin."""
        return self in (TaskState.QUEUED, TaskState.RUNNING, TaskState.STOPPING)


class StoppedError(Exception):
    """A person asked the work to end before it had begun to change anything."""


@dataclass(frozen=True)
class Request:
    """What is asked for, as `request.json` holds it."""

    kind: str  # a key of `supervisor.KINDS`
    arguments: Mapping[str, Any]
    submitted: float  # seconds since 1970; the oldest is taken first


@dataclass(frozen=True)
class Progress:
    """How far a task is, as `progress.json` holds it."""

    done: float
    total: float
    unit: str = "images"
    message: str = ""
    rate: float | None = None  # units a second
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the work that is done, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True)
class Task:
    """Long work and its directory. Nothing here is stored: every answer is read from files."""

    directory: Path

    @property
    def id(self) -> str:
        """The directory's name."""
        return self.directory.name

    @property
    def state(self) -> TaskState:
        """What the files and the supervisor's process say, read anew at every call."""
        attempt = self.attempt
        if attempt is not None and _is_live(attempt):
            stopping = (attempt / "stop").exists()
            return TaskState.STOPPING if stopping else TaskState.RUNNING
        if (self.directory / "request.json").exists():
            return TaskState.QUEUED
        if self.attempt != attempt:  # the request was taken between two looks
            return self.state
        if attempt is not None and (attempt / "error.txt").exists():
            return TaskState.FAILED
        if self._has_result(attempt):
            return TaskState.FINISHED
        return TaskState.CANCELLED if attempt is None else TaskState.INTERRUPTED

    @property
    def is_live(self) -> bool:
        """Whether a process works on it just now: it is running or stopping."""
        return self.attempt is not None and _is_live(self.attempt)

    @property
    def is_copy(self) -> bool:
        """Whether the newest attempt was made elsewhere, and the directory copied or moved here."""
        return self.attempt is not None and not _was_taken_here(self.attempt)

    @property
    def attempt(self) -> Path | None:
        """The newest attempt's directory, or None where nobody took the request yet."""
        attempts = self.attempts
        return attempts[-1] if attempts else None

    @property
    def attempts(self) -> list[Path]:
        """The directories of all attempts that a supervisor took, oldest first."""
        try:
            found = list((self.directory / "attempts").iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        numbered = [path for path in found if path.name.isdecimal()]
        taken = [path for path in numbered if (path / "request.json").exists()]
        return sorted(taken, key=lambda path: int(path.name))

    @property
    def request(self) -> Request | None:
        """What is asked for, or what the newest attempt was asked for; None where it is no sense.

        What a person or a power cut made of the file must not stop the queue.
        """
        asked = self.directory / "request.json"
        if self.attempt is not None and not asked.exists():
            asked = self.attempt / "request.json"
        return read_request(asked)

    @property
    def progress(self) -> Progress | None:
        """How far the work is, or None where it has not said so yet."""
        try:
            return Progress(**read_json(self.directory / "progress.json"))
        except (ValueError, TypeError):  # not there, or a power cut left half of it
            return None

    @property
    def error(self) -> str:
        """The sentence with which the newest attempt failed, or an empty string."""
        return self._attempt_text("error.txt")

    def log(self, lines: int = 200) -> str:
        """The last lines of what the newest attempt's process wrote."""
        return "\n".join(
            self._attempt_text("worker.log", last_bytes=200 * lines).splitlines()[-lines:]
        )

    @property
    def ended(self) -> datetime | None:
        """When the newest attempt's process ended, as far as its supervisor could tell."""
        return exit_status.ended(self.attempt) if self.attempt else None

    @property
    def interruption(self) -> str:
        """A sentence that says, as far as it can be known, how an interrupted task ended."""
        return exit_status.interruption_reason(self.attempt) if self.attempt else ""

    def save_progress(self, progress: Progress) -> None:
        """Replaces `progress.json`; for the process that does the work."""
        write_json(self.directory / "progress.json", asdict(progress), durable=False)

    @property
    def stop_requested(self) -> bool:
        """Whether the app asked the newest attempt to stop."""
        return self.attempt is not None and (self.attempt / "stop").exists()

    def request_stop(self) -> None:
        """Ends the work after the step in hand, and takes what waits from the queue."""
        self.cancel()
        if self.attempt is not None and _is_live(self.attempt):
            (self.attempt / "stop").touch()

    def cancel(self) -> bool:
        """Takes the task from the queue; False where it was not waiting there."""
        try:
            retry_while_locked((self.directory / "request.json").unlink)
        except FileNotFoundError:
            return False
        if self.attempt is not None and not _is_live(self.attempt):
            (self.attempt / "stop").touch()  # or it might go on by itself
        return True

    def abandon_attempt(self) -> None:
        """Ends the newest attempt as if nobody had taken it; for the process that does the work.

        The task is what it was before: finished, interrupted, or cancelled where it never began.
        """
        *before, newest = self.attempts
        if before:
            (before[-1] / "stop").touch()  # or it might go on by itself
        retry_while_locked(lambda: (newest / "request.json").rename(newest / "withdrawn.json"))

    def delete(self) -> None:
        """Removes the directory with all that is in it.

        Raises:
            FerError: the task waits or works, or the system does not let it go.
        """
        if self.state.is_active:
            raise FerError(f"{self.id} must be stopped before it is deleted. It is {self.state}.")
        # Renamed first, so that nobody finds half of it.
        doomed = self.directory.with_name(f".deleted-{self.id}")
        shutil.rmtree(doomed, ignore_errors=True)  # what an earlier try could not remove
        try:
            self.directory.rename(doomed)
        except FileNotFoundError:
            return  # another tab was quicker
        except OSError as error:
            raise FerError(f"{self.id} must be free to be deleted. Received: {error}") from error
        if doomed.is_symlink():  # what it leads to belongs to somebody else
            doomed.unlink()
        else:
            shutil.rmtree(doomed, ignore_errors=True)

    def _has_result(self, attempt: Path | None) -> bool:
        """Whether the work came to its end, in the newest attempt where the result tells."""
        try:
            result = read_json(self.directory / "result.json")
        except ValueError:
            return True  # the file is written last, so there was an end
        if result is None:
            return False
        of = result.get("attempt") if isinstance(result, dict) else None
        return of is None or attempt is None or str(of) == attempt.name

    def _attempt_text(self, name: str, last_bytes: int = 1_000_000) -> str:
        if self.attempt is None:
            return ""
        try:
            with (self.attempt / name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
                return file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def _is_live(attempt: Path) -> bool:
    if (attempt / "exit.json").exists() or not is_alive(attempt / "process.json"):
        return False
    return _was_taken_here(attempt)


def _was_taken_here(attempt: Path) -> bool:
    """Whether the work was begun in this directory, and not in one that this is a copy of."""
    task = str(attempt.parent.parent)
    try:
        return bool(read_json(attempt / "process.json").get("task", task) == task)
    except (ValueError, AttributeError):  # lost or damaged
        return True


def read_request(file: Path) -> Request | None:
    """What a `request.json` asks for; None where it is not there or makes no sense."""
    try:
        request = Request(**read_json(file))
    except (ValueError, TypeError):
        return None
    return request if isinstance(request.arguments, dict) else None


def new_directory(root: Path, name: str) -> Path:
    """Makes and returns `root/<time>_<name>`, with a suffix -2, -3, … where that is taken.

    The time stands first, so that names sort by age.
    """
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
    """Tasks that are no runs, newest first; of one kind, or of all."""
    tasks = [Task(path) for path in directories(paths.tasks_root())]
    return [task for task in tasks if not kind or (task.request and task.request.kind == kind)]


def directories(root: Path) -> list[Path]:
    """The folders in a root, newest name first; hidden ones are being made or removed."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if _is_folder(entry)]
    except FileNotFoundError:
        return []
    return [root / name for name in sorted(names, reverse=True) if not name.startswith(".")]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
