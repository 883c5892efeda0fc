"""Asks for runs to be trained, to go on, and for their test split to be opened."""

from dataclasses import replace

from fer_core import paths, tasks
from fer_core.config import TrainConfig, weights_file
from fer_core.files import write_json
from fer_core.runs import Run
from fer_core.tasks import Task, TaskState


def submit_run(config: TrainConfig) -> Run:
    """Makes a run's directory, asks for its training, and sees to it that somebody takes it.

    Raises:
        ValueError: the weights that the settings name by path are not there.
    """
    directory = create_run(config).directory
    tasks.submit(directory, "train")
    return Run(directory)


def create_run(config: TrainConfig) -> Run:
    """A run's directory with its settings, not yet asked for.

    Raises:
        ValueError: the weights that the settings name by path are not there.
    """
    weights = weights_file(config)
    if weights is not None:  # the trainer stands elsewhere than the person who named the file
        config = replace(config, weights=str(weights.resolve()))
    name = f"{config.recipe or config.architecture}_{config.dataset}"
    directory = tasks.new_directory(paths.runs_root(), name)
    write_json(directory / "config.json", config.to_dict())
    return Run(directory)


def resume_run(run: Run) -> None:
    """Asks for the training of an interrupted or failed run to go on from its last checkpoint.

    Raises:
        ValueError: the run is in another state.
    """
    if not run.directory.exists():
        raise ValueError(f"A run must be there to be resumed. {run.id} was deleted.")
    if run.state not in (TaskState.INTERRUPTED, TaskState.FAILED, TaskState.CANCELLED):
        raise ValueError(f"A run must be interrupted to be resumed. {run.id} is {run.state}.")
    tasks.submit(run.directory, "train")


def open_test_task(run: Run) -> Task:
    """Asks for the sealed test split to be opened: evaluated once, and the time recorded.

    Raises:
        ValueError: the run has not finished, so that training could go on after the look.
    """
    check_finished(run)
    directory = tasks.new_directory(paths.tasks_root(), "open-test")
    return tasks.submit(directory, "open_test", {"run": run.id})


def check_finished(run: Run) -> None:
    """Raises a ValueError unless the run has finished."""
    if run.state is not TaskState.FINISHED:
        raise ValueError(
            f"A run must have finished for its test split to be opened. {run.id} is {run.state}."
        )
