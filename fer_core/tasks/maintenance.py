"""Cleans up for the supervisor: resumes interrupted runs, removes old tasks, bounds logs."""

import contextlib
import logging
import shutil
import time
from pathlib import Path

from fer_core.errors import FerError
from fer_core.storage import paths, truncate_log
from fer_core.tasks import exit_status, kinds, processes, queue
from fer_core.tasks.requests import read_request
from fer_core.tasks.task import UNFINISHED, WITHDRAWN, Task, TaskState, directories

LOG = logging.getLogger(__name__)

MAX_LOG_BYTES = 8_000_000
RETENTION_SECONDS = 7 * 24 * 3600.0  # for which an ended task is kept; runs are never removed
# Their results are in the task's directory and belong to the user.
_KEPT_KINDS = (kinds.VIDEO, kinds.BATCH)
_RESUMABLE_KINDS = (kinds.BATCH,)  # what they have done is kept when they do not get to their end
_UNFINISHED = (TaskState.INTERRUPTED, TaskState.FAILED)
_REQUESTS = ("request.json", WITHDRAWN)
_MAX_DELETION_SECONDS = 3600.0  # that deleting a folder takes


def resume_interrupted() -> None:
    """Resumes interrupted experiments, and runs if the user has turned that on."""
    for task in queue.resumable():
        try:
            queue.auto_resume(task)
        except (OSError, FerError):  # a damaged run must not keep the others waiting
            LOG.exception("%s could not be resumed", task.id)


def remove_old_tasks() -> None:
    """Removes tasks a week after their end, and folders that were being made or deleted."""
    now = time.time()
    for task in map(Task, directories(paths.tasks_root())):
        with contextlib.suppress(OSError, FerError):  # it is active again, or gone
            if _is_removable(task) and now - _last_change(task) > RETENTION_SECONDS:
                task.delete()
    for root in (paths.runs_root(), paths.experiments_root(), paths.tasks_root()):
        for folder in (*root.glob(".deleted-*"), *root.glob(f"{UNFINISHED}*")):
            with contextlib.suppress(OSError):
                if now - folder.stat().st_ctime > _MAX_DELETION_SECONDS:
                    shutil.rmtree(folder)


def truncate_logs(attempts: list[Path]) -> None:
    """Keeps the logs of these attempts, and the supervisor's own, from filling the disk."""
    for log in (processes.supervisor_log(), *map(exit_status.log_file, attempts)):
        truncate_log(log, MAX_LOG_BYTES)


def _is_removable(task: Task) -> bool:
    state = task.state
    kind = task.request.kind if task.request is not None else ""
    is_needed = state.is_active or (kind in _KEPT_KINDS and state is TaskState.FINISHED)
    is_needed |= kind in _RESUMABLE_KINDS and state in _UNFINISHED
    return not is_needed and _was_made_here(task)


def _was_made_here(task: Task) -> bool:
    """Returns whether the program made the folder: it does not delete what the user copied in."""
    folder = task.directory
    files = [each / name for each in (folder, *folder.glob("attempts/*")) for name in _REQUESTS]
    requests = filter(None, map(read_request, files))
    return any(request.was_made_in(folder) for request in requests)


def _last_change(task: Task) -> float:
    """Returns when the task ended, or else when its folder last changed; seconds since 1970."""
    ended = task.ended
    return ended.timestamp() if ended else task.directory.stat().st_mtime
