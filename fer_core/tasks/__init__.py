"""Runs long work in background processes: tasks, their queue and their supervisor."""

from fer_core.tasks import (
    exit_status,
    kinds,
    maintenance,
    processes,
    queue,
    supervisor,
    task,
    worker,
)
from fer_core.tasks.exit_status import NEVER_STARTED
from fer_core.tasks.processes import is_alive, process_record
from fer_core.tasks.progress import ProgressReporter, raise_if_stopped
from fer_core.tasks.queue import read_preferences, save_preferences
from fer_core.tasks.requests import check_tree, read_request
from fer_core.tasks.task import (
    UNFINISHED,
    CancelledError,
    Progress,
    Task,
    TaskState,
    check_submission,
    directories,
    list_tasks,
    new_directory,
    room_left,
    unreadable_tasks,
)

__all__ = [
    "CancelledError",
    "NEVER_STARTED",
    "Progress",
    "ProgressReporter",
    "Task",
    "TaskState",
    "UNFINISHED",
    "check_submission",
    "check_tree",
    "directories",
    "exit_status",
    "is_alive",
    "kinds",
    "list_tasks",
    "maintenance",
    "new_directory",
    "process_record",
    "processes",
    "queue",
    "raise_if_stopped",
    "read_preferences",
    "read_request",
    "room_left",
    "save_preferences",
    "supervisor",
    "task",
    "unreadable_tasks",
    "worker",
]
