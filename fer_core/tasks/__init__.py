"""Long work as a directory with a protocol: the queue, the supervisor, their processes."""

from fer_core.tasks import (
    exit_status,
    maintenance,
    preferences,
    processes,
    queue,
    supervisor,
    task,
    worker,
)
from fer_core.tasks.exit_status import NEVER_STARTED
from fer_core.tasks.preferences import read_preferences, save_preferences
from fer_core.tasks.processes import is_alive, process_record
from fer_core.tasks.progress import SECONDS, stop_if_asked, task_progress
from fer_core.tasks.task import (
    Progress,
    Task,
    TaskState,
    directories,
    list_tasks,
    new_directory,
    read_request,
)

__all__ = [
    "NEVER_STARTED",
    "Progress",
    "SECONDS",
    "Task",
    "TaskState",
    "directories",
    "exit_status",
    "is_alive",
    "list_tasks",
    "maintenance",
    "new_directory",
    "preferences",
    "process_record",
    "processes",
    "queue",
    "read_preferences",
    "read_request",
    "save_preferences",
    "stop_if_asked",
    "supervisor",
    "task",
    "task_progress",
    "worker",
]
