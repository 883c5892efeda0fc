"""What the supervisor sees to besides the work: runs that were interrupted, old tasks, logs."""

import contextlib
import logging
import shutil
import time
from pathlib import Path

from fer_core.storage import paths, truncate_log
from fer_core.tasks import processes, queue
from fer_core.tasks.preferences import read_preferences
from fer_core.tasks.task import Task, TaskState, directories

LOG = logging.getLogger(__name__)

MOST_LOG_BYTES = 8_000_000
KEPT_SECONDS = 7 * 24 * 3600.0  # that a task which is no run is kept after its end
_KEPT = ("video",)  # kinds of tasks whose results lie in them, and are a person's
_REMOVING_SECONDS = 3600.0  # that removing a folder takes at most


def resume_interrupted() -> None:
    """Asks for interrupted runs to go on, where a person has chosen that they do by themselves."""
    if not read_preferences().resume_by_itself:
        return
    for task in queue.interrupted():
        try:
            queue.auto_resume(task)
        except (OSError, ValueError):  # one that is damaged does not keep the others
            LOG.exception("%s could not be resumed", task.id)


def remove_old() -> None:
    """Removes tasks a week after their end, and what a removal that was cut short left behind."""
    now = time.time()
    for task in map(Task, directories(paths.tasks_root())):
        with contextlib.suppress(OSError, ValueError):  # it works again, or is gone
            if _may_go(task) and now - _last_sign(task) > KEPT_SECONDS:
                task.delete()
    for root in (paths.runs_root(), paths.tasks_root()):
        for doomed in root.glob(".deleted-*"):
            with contextlib.suppress(OSError):
                if now - doomed.stat().st_ctime > _REMOVING_SECONDS:
                    shutil.rmtree(doomed)


def bound_logs(attempts: list[Path]) -> None:
    """Keeps the logs of these attempts, and the supervisor's own, from filling the disk."""
    for log in (processes.supervisor_log(), *(attempt / "worker.log" for attempt in attempts)):
        truncate_log(log, MOST_LOG_BYTES)


def _may_go(task: Task) -> bool:
    """Whether nobody misses it."""
    state = task.state
    kept = task.request is not None and task.request.kind in _KEPT
    return not state.is_active and not (kept and state is TaskState.FINISHED)


def _last_sign(task: Task) -> float:
    """When the task ended, or when anything in its folder changed last; seconds since 1970."""
    ended = task.ended
    return ended.timestamp() if ended else task.directory.stat().st_mtime
