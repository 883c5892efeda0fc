"""Asks for runs to be trained, to go on, and for their test split to be opened."""

import shutil
from dataclasses import replace
from pathlib import Path

from fer_core import tasks
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.runs import tensorboard
from fer_core.runs.config import LARGEST_EPOCHS, TrainConfig, weights_file
from fer_core.runs.corrections import copy_corrections, dataset_of, used_classes
from fer_core.runs.listing import open_run
from fer_core.runs.run import Run
from fer_core.storage import disk_full_as_error, paths, write_json
from fer_core.tasks import Task, TaskState, queue


def submit_run(config: TrainConfig) -> Run:
    """Makes a run's directory, asks for its training, and sees to it that somebody takes it.

    Raises:
        FerError: as `create_run`.
    """
    directory = create_run(config).directory
    queue.submit(directory, "train")
    return Run(directory)


def create_run(config: TrainConfig) -> Run:
    """A run's directory with its settings, not yet asked for.

    Raises:
        FerError: the weights that the settings name are not there, or do not fit; a package is
            not there; or the corrections leave nothing to learn a class from.
    """
    if config.tensorboard and tensorboard.problem():
        raise FerError(tensorboard.problem())
    initial, teachers = _initial_run(config), _teachers(config)
    if initial is not None:  # the backbone's weights are among those that it begins with
        config = replace(config, initial_run=initial.id, weights="none")
    config = replace(config, teachers=tuple(teacher.id for teacher in teachers))
    weights = weights_file(config)
    if weights is not None:  # the trainer stands elsewhere than the person who named the file
        config = replace(config, weights=str(weights.resolve()))
    name = f"{config.recipe or config.architecture}_{config.dataset}"
    directory = tasks.new_directory(paths.runs_root(), name)
    try:
        with disk_full_as_error(directory / "config.json"):
            if initial is not None:
                _copy_weights(initial, directory / "initial")
            for teacher in teachers:
                _copy_weights(teacher, directory / "teachers" / teacher.id)
            copy_corrections(config, directory)
            write_json(directory / "config.json", config.to_dict())
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return Run(directory)


def _copy_weights(initial: Run, folder: Path) -> None:
    """Copied, so that deleting the other run takes nothing from the one that needs it."""
    folder.mkdir(parents=True)
    for file in ("model.keras", "dataset.json"):
        shutil.copyfile(initial.directory / file, folder / file)


def resume_run(run: Run) -> None:
    """Asks for the training of an interrupted or failed run to go on from its last checkpoint.

    Raises:
        FerError: the run is in another state, or what it was trained on is not here.
    """
    check_data(run)
    with queue.lock():  # of two sessions that ask at once, the second finds it asked for
        _check_there(run)
        if run.state not in (TaskState.INTERRUPTED, TaskState.FAILED, TaskState.CANCELLED):
            raise FerError(f"A run must be interrupted to be resumed. {run.id} is {run.state}.")
        queue.submit(run.directory, "train")


def continue_run(run: Run, epochs: int) -> None:
    """Asks for so many more epochs of a run that has ended: same curves, next epoch number.

    Raises:
        FerError: the run has not ended, cannot be changed, or would train too long; or what it
            was trained on is not here.
    """
    check_data(run)
    with queue.lock():
        _check_there(run)
        if run.state.is_active:
            raise FerError(f"A run must have ended to be continued. {run.id} is {run.state}.")
        if _is_being_opened(run):
            raise FerError(
                f"{run.id} is continued when its test split has been opened: that goes on just now."
            )
        if not run.can_continue:
            raise FerError(f"{run.id} has no checkpoint to go on from; start from its weights.")
        done = len(run.history)
        if epochs < 1 or done + epochs > LARGEST_EPOCHS:
            raise FerError(
                f"A run is continued for at least 1 epoch, up to {LARGEST_EPOCHS} in all. "
                f"Received: {epochs} more after {done}"
            )
        queue.submit(run.directory, "train", {"epochs": done + epochs, "since": done})


def second_look(run: Run) -> str:
    """A sentence on what continuing means where the test split has been opened, else ""."""
    if not run.test_looks:
        return ""
    again = "is opened again at the end" if run.config.test_at_end else "must be opened again"
    return (
        "The test split of this run has been opened. If a better epoch is found, that answer is "
        f"dropped and the split {again}: a second look, which has a part in choosing."
    )


def open_test_task(run: Run) -> Task:
    """Asks for the sealed test split to be opened: evaluated once, and the time recorded.

    Raises:
        FerError: the run has not finished, so that training could go on after the look; or what
            it was trained on is not here.
    """
    check_data(run)
    with queue.lock():  # or another session could continue it in the same moment
        check_finished(run)
        directory = tasks.new_directory(paths.tasks_root(), "open-test")
        return queue.submit(directory, "open_test", {"run": run.id})


def check_data(run: Run) -> None:
    """Sees before anybody waits whether a run that has begun finds its images here.

    A run's directory may have come from another machine without them.

    Raises:
        FerError: there is no data set of that name, or its images or labels are others.
    """
    if not run.fingerprint:  # it has not seen any yet
        return
    try:
        dataset = dataset_of(run)
    except ValueError as error:
        raise FerError(f"{run.id} needs the images that it was trained on. {error}") from error
    if dataset.fingerprint() != run.fingerprint:
        raise FerError(
            f"{run.id} needs the images that it was trained on. The data set {dataset.name} here "
            "has others, or other labels or splits."
        )


def check_finished(run: Run) -> None:
    """Raises a ValueError unless the run has finished."""
    if run.state is not TaskState.FINISHED:
        raise FerError(
            f"A run must have finished for its test split to be opened. {run.id} is {run.state}."
        )


def _check_there(run: Run) -> None:
    if not run.directory.exists():
        raise FerError(f"A run must be there to go on. {run.id} was deleted.")
    if run.is_pretrained:
        raise FerError(f"{run.id} ships with the program; start from its weights instead.")


def _is_being_opened(run: Run) -> bool:
    asked = [task for task in tasks.list_tasks("open_test") if task.state.is_active]
    return any(task.request and task.request.arguments.get("run") == run.id for task in asked)


def _initial_run(config: TrainConfig) -> Run | None:
    """The run whose weights the settings begin with, or None.

    Raises:
        FerError: it is not there, has no model yet, or its network is another one.
    """
    if not config.initial_run:
        return None
    run = open_run(config.initial_run)
    if run.model_file is None:
        raise FerError(f"`initial_run` must have a model. {run.id} has none yet.")
    theirs = run.config
    if (theirs.architecture, theirs.image_size) != (config.architecture, config.image_size):
        height, width = theirs.image_size
        raise FerError(
            f"`initial_run` must be of the architecture {config.architecture} at "
            f"{config.image_size[0]}×{config.image_size[1]} pixels. Received: {run.id}, of "
            f"{theirs.architecture} at {height}×{width}"
        )
    return run


def _teachers(config: TrainConfig) -> list[Run]:
    """The runs whose answers are learned, each once.

    Raises:
        FerError: one is not there, has no model yet, or does not know an expression.
    """
    runs = {run.id: run for run in map(open_run, config.teachers)}
    if not runs:
        return []
    class_names = used_classes(config, open_dataset(config.dataset))
    for run in runs.values():
        if run.model_file is None:
            raise FerError(f"`teachers` must have a model each. {run.id} has none yet.")
        unknown = [name for name in class_names if name not in run.class_names]
        if unknown:
            raise FerError(
                f"`teachers` must know every expression. {run.id} does not know: "
                f"{', '.join(unknown)}"
            )
    return list(runs.values())
