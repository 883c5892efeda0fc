"""Asks for a data set's images to be looked at, and shows how far that is."""

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.tasks import Task, queue
from pages.components.shared.task_progress import TaskLabels, show_task

_KIND = "examine"
_WORDS = TaskLabels("Stop looking", "The images were not looked at.")


def submit_examination(name: str, faces: int = 0) -> Task:
    """Asks for every image of the data set to be looked at, or for faces in so many of them.

    Raises:
        FerError: it is being looked at already.
    """
    with queue.lock():  # of two sessions that ask at once, the second finds it asked for
        if any(task.state.is_active for task in _examinations(name)):
            raise FerError(f"{name} is being looked at already.")
        directory = tasks.new_directory(paths.tasks_root(), _KIND)
        return queue.submit(directory, _KIND, {"dataset": name, "faces": faces})


def show_examination(name: str) -> bool:
    """How far the newest examination of that data set is, or why it failed; whether it goes on.

    When it has ended, the page is shown anew.
    """
    tasks_of_it = _examinations(name)
    return bool(tasks_of_it) and show_task(tasks_of_it[0], _WORDS)


def _examinations(name: str) -> list[Task]:
    """Those of the data set of that name, newest first."""
    found = tasks.list_tasks(_KIND)
    return [task for task in found if task.request and task.request.arguments["dataset"] == name]
