"""The queue: submits tasks, orders them, and resumes interrupted runs."""

import glob
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from fer_core import access
from fer_core.errors import FerError
from fer_core.storage import Number, paths, read_bytes, read_json, read_record, write_json
from fer_core.tasks.processes import ensure_supervisor
from fer_core.tasks.requests import Request, check_entries, check_request, is_attempt, read_request
from fer_core.tasks.task import WITHDRAWN, Task, TaskState, check_submission, directories

# Automatic resumes in a row without a completed epoch in between, before a run is given up.
MAX_RESUMES = 3

Snapshot = tuple[list[Task], list[Task]]  # running tasks, and queued ones in order

# Separate from request.json, which a supervisor may take at the same moment.
_PLACE_FILE = "place.json"
_MAX_HISTORY_BYTES = 100_000_000


@dataclass(frozen=True)
class _Place:
    """Holds where the user has moved a queued task; the content of `place.json`."""

    place: Number


@dataclass(frozen=True)
class Preferences:
    """Holds the user's choices for the whole workspace."""

    auto_resume: bool = False  # resume interrupted runs automatically


def read_preferences() -> Preferences:
    """Returns the saved choices, or the defaults if the file is missing or damaged."""
    try:
        return Preferences(auto_resume=read_json(_preferences_file())["resume_by_itself"] is True)
    except (FerError, TypeError, KeyError):
        return Preferences()


def save_preferences(preferences: Preferences) -> None:
    """Saves the choices.

    Raises:
        AccessError: changes are switched off.
    """
    access.current().require_write()
    paths.workspace().mkdir(parents=True, exist_ok=True)
    write_json(_preferences_file(), {"resume_by_itself": preferences.auto_resume})


def submit(directory: Path, kind: str, arguments: Mapping[str, Any] | None = None) -> Task:
    """Queues a task in an existing directory and makes sure that a supervisor is running.

    Args:
        kind: a key of `KINDS`.

    Raises:
        AccessError: as `check_submission`.
        FerError: tasks of this kind do not belong there, or the arguments are not those of the
            kind.
    """
    check_submission()
    permissions = access.current().to_record()
    request = Request(kind, dict(arguments or {}), time.time(), str(directory), permissions)
    request = request.sealed()
    check_entries(directory)
    check_request(directory, request)
    for name in (_PLACE_FILE, "progress.json", WITHDRAWN):
        (directory / name).unlink(missing_ok=True)  # left by an earlier request
    write_json(directory / "request.json", asdict(request))
    ensure_supervisor()
    return Task(directory)


def wake() -> None:
    """Starts a supervisor if anything is queued or an automatic resume is pending."""
    if waiting() or resumable():
        with suppress(FerError):  # the next call tries again
            ensure_supervisor()


@contextmanager
def lock() -> Iterator[None]:
    """Keeps other sessions from changing the queue within the block."""
    paths.workspace().mkdir(parents=True, exist_ok=True)
    with FileLock(paths.workspace() / "queue.lock"):
        yield


def waiting(kind: str = "") -> list[Task]:
    """Returns the queued tasks, all or of one kind, in the order in which they will run.

    The oldest request comes first, unless the user has moved it.
    """
    queued = sorted(filter(_is_queued, _all_tasks()), key=_sort_key)
    return [task for task in queued if not kind or _kind(task) == kind]


def working(kind: str = "") -> list[Task]:
    """Returns the running tasks, all or of one kind."""
    running = [task for task in _all_tasks() if _has_open_attempt(task) and task.is_live]
    return [task for task in running if not kind or _kind(task) == kind]


def snapshot(kind: str) -> Snapshot:
    """Returns the running and the queued tasks of one kind; no task is in both or missing."""
    queued = waiting(kind)  # first: a task taken in between would be in neither
    running = working(kind)
    return running, [task for task in queued if task not in running]


def interrupted() -> list[Task]:
    """Returns the interrupted runs that may be resumed automatically."""
    return _auto_resumable(paths.runs_root())


def resumable() -> list[Task]:
    """Returns what the supervisor resumes: experiments, and runs if the user has turned that on."""
    runs = interrupted() if read_preferences().auto_resume else []
    return _auto_resumable(paths.experiments_root()) + runs


def _auto_resumable(root: Path) -> list[Task]:
    return list(filter(can_auto_resume, map(Task, directories(root))))


def will_auto_resume(task: Task) -> bool:
    """Returns whether the supervisor will resume the run without a click."""
    return read_preferences().auto_resume and can_auto_resume(task)


def can_auto_resume(task: Task) -> bool:
    """Returns whether a run or an experiment was interrupted here, and not stopped by the user.

    False too after MAX_RESUMES resumes without progress.
    """
    is_interrupted = task.state is TaskState.INTERRUPTED
    # A run copied from another machine may still be running there.
    is_ours = is_interrupted and not task.stop_requested and task.was_made_here
    return is_ours and not _is_given_up(task)


def auto_resume(task: Task) -> bool:
    """Queues an interrupted task to be resumed; returns False if it must not be."""
    with lock():
        allowed = can_auto_resume(task)
        if allowed:
            submit(task.directory, _kind(task), {"resumed_after": _epochs_done(task)})
    return allowed


def move(task: Task, steps: int) -> None:
    """Moves a queued task by this many places among those of its kind; -1 is one earlier.

    A task that is no longer queued is left alone.

    Raises:
        AccessError: changes are switched off.
    """
    access.current().require_write()
    with lock():
        queued = waiting(_kind(task))
        folders = [other.directory for other in queued]
        if task.directory not in folders:
            return
        position = folders.index(task.directory)
        queued.insert(max(0, position + steps), queued.pop(position))
        # From the front: a concurrent reader sees the new first task before the others move.
        for place, other in enumerate(queued):
            with suppress(FileNotFoundError):  # cancelled and deleted at this moment
                write_json(other.directory / _PLACE_FILE, {"place": place}, durable=False)


def _preferences_file() -> Path:
    return paths.workspace() / "preferences.json"


def _all_tasks() -> list[Task]:
    roots = (paths.runs_root(), paths.experiments_root(), paths.tasks_root())
    return [Task(directory) for root in roots for directory in directories(root)]


def _kind(task: Task) -> str:
    return task.request.kind if task.request else ""


def _is_queued(task: Task) -> bool:
    # The supervisor checks a thousand runs twice a second.
    exists = os.path.lexists(f"{task.directory}/request.json")  # a fifth of the time of Path's
    return exists and not task.refusal


def _has_open_attempt(task: Task) -> bool:
    """Returns whether the newest attempt has no exit record: a cheap check before `is_live`.

    Pages check a thousand runs every two seconds.
    """
    attempts = f"{task.directory}/attempts"
    try:
        names = os.listdir(attempts)  # noqa: PTH208 (a third of the time)
    except OSError:
        return False
    newest = max(filter(is_attempt, names), key=int, default="")
    return newest != "" and not os.path.exists(f"{attempts}/{newest}/exit.json")  # noqa: PTH110


def _is_given_up(task: Task) -> bool:
    requests = [read_request(attempt / "request.json") for attempt in task.attempts[-MAX_RESUMES:]]
    resumed_after = [request.arguments.get("resumed_after") for request in requests if request]
    return len(resumed_after) == MAX_RESUMES and set(resumed_after) == {_epochs_done(task)}


def _epochs_done(task: Task) -> int:
    """Returns the completed epochs of a run, or of all runs of an experiment."""
    if task.directory.parent == paths.experiments_root():
        return sum(map(_epochs_of_run, paths.runs_root().glob(f"{glob.escape(task.id)}-*")))
    return _epochs_of_run(task.directory)


def _epochs_of_run(directory: Path) -> int:
    """Returns the rows of a run's history below the header."""
    try:
        data = read_bytes(directory / "history.csv", max_bytes=_MAX_HISTORY_BYTES)
    except (FerError, FileNotFoundError):
        return 0
    return max(0, data.count(b"\n") - 1)


def _sort_key(task: Task) -> tuple[float, float, str]:
    submitted = task.request.submitted if task.request else 0.0  # taken at this moment
    try:
        # Counted from 0, so that later requests, sorted by their time, come after moved ones.
        moved = read_record(task.directory / _PLACE_FILE, _Place)
    except FerError:
        moved = None
    # It was not moved, or the file is damaged.
    place = submitted if moved is None else moved.place
    return place, submitted, task.id
