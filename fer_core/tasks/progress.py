"""Saves a task's progress a few times a second and ends the work when the user stops it."""

import time

from fer_core.tasks.task import CancelledError, Progress, Task

INTERVAL = 0.3  # seconds between two writes of progress.json


def raise_if_stopped(task: Task) -> None:
    """Raises CancelledError if the user has stopped the task; for work that has changed nothing."""
    if task.stop_requested:
        raise CancelledError


class ProgressReporter:
    """Saves a task's progress and looks for a stop request, both at most once per INTERVAL.

    Call it with (done, total) or (done, total, message), as often as you like.
    """

    def __init__(
        self, task: Task, message: str = "", *, stop_error: Exception | None = None
    ) -> None:
        """Uses `message` for calls without one.

        Args:
            stop_error: raised on a stop request; by default a CancelledError, which suits work
                that has changed nothing yet.
        """
        self._task, self._message = task, message
        self._stop_error = stop_error or CancelledError()
        self._next = 0.0  # on the monotonic clock

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Reports progress; raises `stop_error` if the user has stopped the task."""
        if self._is_due():
            if self._task.stop_requested:
                raise self._stop_error
            self._task.save_progress(Progress(done, total, message=message or self._message))

    def save(self, progress: Progress) -> None:
        """Saves the progress if it is due, and ignores stop requests."""
        if self._is_due():
            self._task.save_progress(progress)

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + INTERVAL
        return True
