"""What waits to be done: asked for, put into order, and taken care of."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from fer_core.storage import paths, read_json, write_json
from fer_core.tasks.preferences import read_preferences
from fer_core.tasks.processes import ensure_supervisor
from fer_core.tasks.task import Request, Task, TaskState, directories, read_request

# How often in a row a run goes on by itself without a whole epoch in between.
MOST_RESUMES = 3

Snapshot = tuple[list[Task], list[Task]]  # what is being done, and what waits, in order

_PLACE = "place.json"  # apart from the request, which a supervisor may take in the same moment


def submit(directory: Path, kind: str, arguments: Mapping[str, Any] | None = None) -> Task:
    """Asks for work in a directory and sees to it that somebody takes it."""
    for name in (_PLACE, "progress.json"):
        (directory / name).unlink(missing_ok=True)  # of an earlier request
    request = Request(kind, dict(arguments or {}), time.time())
    write_json(directory / "request.json", asdict(request))
    ensure_supervisor()
    return Task(directory)


def wake() -> None:
    """Sees to it that somebody takes what waits, as it may after a restart of the machine.

    So may runs that shall go on by themselves.
    """
    if waiting() or (read_preferences().resume_by_itself and interrupted()):
        with suppress(ValueError):  # asked for again soon
            ensure_supervisor()


@contextmanager
def lock() -> Iterator[None]:
    """Within the block no other session looks at the queue in order to change it."""
    paths.workspace().mkdir(parents=True, exist_ok=True)
    with FileLock(paths.workspace() / "queue.lock"):
        yield


def waiting(kind: str = "") -> list[Task]:
    """What waits, all of it or of one kind, in the order in which it will be taken.

    The oldest request comes first, unless a person has moved it.
    """
    found = sorted(filter(_is_asked_for, _everything()), key=_place)
    return [task for task in found if not kind or _kind(task) == kind]


def working(kind: str = "") -> list[Task]:
    """What is being done just now, all of it or of one kind."""
    found = [task for task in _everything() if _has_begun(task) and task.is_live]
    return [task for task in found if not kind or _kind(task) == kind]


def snapshot(kind: str) -> Snapshot:
    """What is being done and what waits, of one kind; every task in one of the two."""
    waits = waiting(kind)  # first, or what is taken in between would be in neither
    works = working(kind)
    return works, [task for task in waits if task not in works]


def interrupted() -> list[Task]:
    """Runs that ended here without a word, and that may go on by themselves."""
    return list(filter(can_auto_resume, map(Task, directories(paths.runs_root()))))


def will_auto_resume(task: Task) -> bool:
    """Whether it will go on without a click, as soon as a supervisor looks."""
    return read_preferences().resume_by_itself and can_auto_resume(task)


def can_auto_resume(task: Task) -> bool:
    """Whether nobody would be surprised that it goes on by itself: no person has stopped it.

    A run that has done so several times in vain is given up.
    """
    ended = task.state is TaskState.INTERRUPTED
    # What was copied in from another machine may be going on there.
    return ended and not task.stop_requested and not task.is_copy and not _is_given_up(task)


def auto_resume(task: Task) -> bool:
    """Asks for an interrupted run to go on without a click; False where it may not."""
    with lock():
        may = can_auto_resume(task)
        if may:
            submit(task.directory, "train", {"resumed_after": _epochs_done(task)})
    return may


def move(task: Task, steps: int) -> None:
    """Moves a waiting task by so many places among those of its kind; -1 is one earlier.

    What is not waiting any more stays as it is.
    """
    with lock():
        order = waiting(_kind(task))
        folders = [other.directory for other in order]
        if task.directory not in folders:
            return
        position = folders.index(task.directory)
        order.insert(max(0, position + steps), order.pop(position))
        # From the front: whoever looks meanwhile sees the new first one before the others move.
        for place, other in enumerate(order):
            with suppress(FileNotFoundError):  # cancelled and deleted in the same moment
                write_json(other.directory / _PLACE, {"place": place}, durable=False)


def _everything() -> list[Task]:
    roots = (paths.runs_root(), paths.tasks_root())
    return [Task(directory) for root in roots for directory in directories(root)]


def _kind(task: Task) -> str:
    return task.request.kind if task.request else ""


def _is_asked_for(task: Task) -> bool:
    # The supervisor asks this of a thousand runs twice a second.
    return os.path.exists(f"{task.directory}/request.json")  # noqa: PTH110 (a fifth of the time)


def _has_begun(task: Task) -> bool:
    """Whether the newest attempt has not ended; of most runs one look tells, and it is a cheap one.

    Pages ask this of a thousand runs every other second.
    """
    attempts = f"{task.directory}/attempts"
    try:
        names = os.listdir(attempts)  # noqa: PTH208 (a third of the time)
    except OSError:
        return False
    newest = max((name for name in names if name.isdecimal()), key=int, default="")
    return newest != "" and not os.path.exists(f"{attempts}/{newest}/exit.json")  # noqa: PTH110


def _is_given_up(task: Task) -> bool:
    requests = [read_request(attempt / "request.json") for attempt in task.attempts[-MOST_RESUMES:]]
    after = [request.arguments.get("resumed_after") for request in requests if request]
    return len(after) == MOST_RESUMES and set(after) == {_epochs_done(task)}


def _epochs_done(task: Task) -> int:
    """Whole epochs of a run: the rows of its history but for the header."""
    try:
        return max(0, (task.directory / "history.csv").read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def _place(task: Task) -> tuple[float, float, str]:
    """What the queue is sorted by: places that were given, then times of requests, then names."""
    # A request that makes no sense comes first: it is refused and gone.
    submitted = task.request.submitted if task.request else 0.0
    try:
        # Counted from 0, so that what is asked for later stands behind all that was moved.
        place = float(read_json(task.directory / _PLACE)["place"])
    except (ValueError, TypeError, KeyError):
        place = submitted  # not moved, or the file is damaged
    return place, submitted, task.id
