"""What waits to be done: asked for, put into order, and taken care of."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fer_core import paths
from fer_core.files import read_json, write_json
from fer_core.processes import ensure_supervisor
from fer_core.tasks import Request, Task, directories

_PLACE = "place.json"  # apart from the request, which a supervisor may take in the same moment


def submit(directory: Path, kind: str, arguments: Mapping[str, Any] | None = None) -> Task:
    """Asks for work in a directory and sees to it that somebody takes it."""
    (directory / _PLACE).unlink(missing_ok=True)  # of an earlier request
    request = Request(kind, dict(arguments or {}), time.time())
    write_json(directory / "request.json", asdict(request))
    ensure_supervisor()
    return Task(directory)


def wake() -> None:
    """Sees to it that somebody takes what waits, as it may after a restart of the machine."""
    if waiting():
        ensure_supervisor()


def waiting() -> list[Task]:
    """Everything that waits, runs included, in the order in which it will be taken.

    The oldest request comes first, unless a person has moved it.
    """
    found = []
    for root in (paths.runs_root(), paths.tasks_root()):
        for directory in directories(root):
            # The supervisor asks this twice a second: one look for each of a thousand runs.
            if os.path.exists(f"{directory}/request.json"):  # noqa: PTH110 (a fifth of the time)
                task = Task(directory)
                found.append((_place(task), task))
    return [task for _, task in sorted(found, key=lambda entry: entry[0])]


def move(task: Task, steps: int) -> None:
    """Moves a waiting task by so many places among those of its kind; -1 is one earlier.

    What is not waiting any more stays as it is.
    """
    kind = task.request.kind if task.request else ""
    order = [other for other in waiting() if other.request and other.request.kind == kind]
    if task not in order:
        return
    others = [other for other in order if other != task]
    position = min(max(0, order.index(task) + steps), len(others))
    before = [_place(other) for other in others[:position]][-1:]
    after = [_place(other) for other in others[position:]][:1]
    if before and after:
        place = (before[0] + after[0]) / 2
    else:
        place = before[0] + 1 if before else after[0] - 1 if after else _place(task)
    write_json(task.directory / _PLACE, {"place": place})


def _place(task: Task) -> float:
    """What the queue is sorted by: the time of the request, unless it was moved."""
    try:
        moved = read_json(task.directory / _PLACE)
        if moved is not None:
            return float(moved["place"])
    except (ValueError, TypeError, KeyError):
        pass  # damaged: as if it had not been moved
    # A request that makes no sense comes first: it is refused and gone.
    return task.request.submitted if task.request else 0.0
