"""Reports a task's progress, at most once a second."""

import time
from collections.abc import Callable

from fer_core.tasks.task import Progress, StoppedError, Task

SECONDS = 1.0  # between two rows, and between two looks at the progress


def stop_if_asked(task: Task) -> None:
    """Raises a StoppedError when the task was asked to stop; for one that has changed nothing."""
    if task.stop_requested:
        raise StoppedError


def task_progress(task: Task, message: str) -> Callable[[int, int], None]:
    """A function (done, total) that tells a task's progress, at most once a second.

    It raises as `stop_if_asked`.
    """
    last = -SECONDS

    def tell(done: int, total: int) -> None:
        nonlocal last
        stop_if_asked(task)
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            task.save_progress(Progress(done, total, message=message))

    return tell
