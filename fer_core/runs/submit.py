"""Submits tasks: train a new run, resume or continue one, open its test split."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fer_core import tasks
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.runs import tensorboard
from fer_core.runs.config import IMPORTED_RECIPE, LARGEST_EPOCHS, TrainConfig, weights_file
from fer_core.runs.listing import open_run
from fer_core.runs.records import MODEL_IMPORTED, ImportRecord, Notes, Result, TrialRecord
from fer_core.runs.run import Run
from fer_core.runs.run_data import (
    check_labels,
    copy_corrections,
    dataset_of,
    used_classes,
    with_fold_unit,
)
from fer_core.storage import disk_full_as_error, paths, write_json
from fer_core.tasks import UNFINISHED, Task, TaskState, kinds, queue

MOST_SEEDS = 20
SEED_SUFFIX = "-seed"  # of the id of a run that was submitted with others


def submit_run(config: TrainConfig) -> Run:
    """Creates a run and queues its training.

    Raises:
        FerError: as in `create_run`.
    """
    directory = create_run(config).directory
    queue.submit(directory, kinds.TRAIN)
    return Run(directory)


def submit_seeds(config: TrainConfig, count: int) -> list[Run]:
    """Creates and queues runs that differ in their seed alone: the settings' and those after it.

    With more than one, the id of each ends with its seed.

    Raises:
        FerError: `count` is not from 1 to `MOST_SEEDS`, or as in `create_run`.
    """
    if not 1 <= count <= MOST_SEEDS:
        raise FerError(f"Choose from 1 to {MOST_SEEDS} seeds. Received: {count}")
    configs = [replace(config, seed=config.seed + number) for number in range(count)]
    if count == 1:
        return [submit_run(config)]
    runs = []
    for each in configs:
        directory = create_run(each, suffix=f"{SEED_SUFFIX}{each.seed}").directory
        queue.submit(directory, kinds.TRAIN)
        runs.append(Run(directory))
    return runs


def create_run(config: TrainConfig, *, suffix: str = "") -> Run:
    """Creates a run's directory with its settings, without queuing it.

    Args:
        suffix: of the run's id.

    Raises:
        FerError: as in `check_run`.
    """
    checked = check_run(config)
    name = f"{config.recipe or config.architecture}_{config.dataset}{suffix}"
    directory = tasks.new_directory(paths.runs_root(), name)
    with _all_or_nothing(directory):
        _write_run(directory, checked)
    return Run(directory)


def create_trial(config: TrainConfig, trial: TrialRecord) -> Run:
    """Creates the run of a trial, without queuing it; its directory appears with all it needs.

    Raises:
        FerError: as in `check_run`.
        OSError: there already is a run of that id.
    """
    checked = check_run(config)
    directory = paths.runs_root() / trial.run_id
    unfinished = directory.with_name(f"{UNFINISHED}{trial.run_id}")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    unfinished.mkdir(parents=True)
    with _all_or_nothing(unfinished):
        write_json(unfinished / "trial.json", asdict(trial))
        _write_run(unfinished, checked)
        unfinished.rename(directory)
    return Run(directory)


def create_throwaway(config: TrainConfig, directory: Path) -> Run:
    """Writes a run into a directory that is no run's: settings, initial weights, corrections.

    Raises:
        FerError: as in `check_run`.
    """
    checked = check_run(config)
    directory.mkdir()
    _write_run(directory, checked)
    return Run(directory)


@dataclass(frozen=True)
class CheckedSettings:
    """Holds settings that a run can be trained with, and the runs that they name."""

    config: TrainConfig
    initial: Run | None
    teachers: tuple[Run, ...]


def check_run(config: TrainConfig) -> CheckedSettings:
    """Checks all that can be known before a run is trained, and resolves what its settings name.

    Raises:
        FerError: the weights that the settings name are missing or incompatible, a package is
            missing, too few images are left after the corrections or have labels, or changes are
            switched off.
    """
    tasks.check_submission()
    config = with_fold_unit(config)
    check_labels(config)
    if config.tensorboard and tensorboard.problem():
        raise FerError(tensorboard.problem())
    if config.initial_run:
        config = starting_from(config, open_run(config.initial_run))
    initial, teachers = _initial_run(config), _teachers(config)
    _check_architecture(config, initial)
    if initial is not None:  # its weights include the backbone's
        config = replace(config, initial_run=initial.id, weights="none")
    config = replace(config, teachers=tuple(teacher.id for teacher in teachers))
    weights = weights_file(config)
    if weights is not None:  # the trainer runs in another working directory
        config = replace(config, weights=str(weights.resolve()))
    return CheckedSettings(config, initial, tuple(teachers))


def _write_run(directory: Path, checked: CheckedSettings) -> None:
    """Writes what a run needs; `config.json`, which makes it one, comes last."""
    with disk_full_as_error(directory / "config.json"):
        if checked.initial is not None:
            _copy_weights(checked.initial, directory / "initial")
        for teacher in checked.teachers:
            _copy_weights(teacher, directory / "teachers" / teacher.id)
        copy_corrections(checked.config, directory)
        write_json(directory / "config.json", checked.config.to_dict())


@contextmanager
def _all_or_nothing(directory: Path) -> Iterator[None]:
    """Removes a directory if what fills it fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _check_architecture(config: TrainConfig, initial: Run | None) -> None:
    """Raises a FerError if nothing can build the model: it is made of others, or of a file."""
    if not config.is_trained:
        raise FerError(
            "`architecture` must be one that can be trained; an ensemble is made of runs on the "
            f"Runs page. Received: {config.architecture}"
        )
    if config.family == "imported" and initial is None:
        raise FerError(
            "The architecture of an imported model is that of its file: choose the imported run "
            f"to start from. Received: {config.architecture} without an initial run"
        )


def starting_from(config: TrainConfig, run: Run) -> TrainConfig:
    """Returns settings that start from the weights of a run.

    A CNN's settings may start from those of an imported model, whose layers and image size are used
    instead.
    """
    if run.config.family == "imported" and config.family == "cnn":
        source = run.config
        config = replace(config, architecture=source.architecture, image_size=source.image_size)
    return replace(config, initial_run=run.id, weights="none")


def can_start_from(config: TrainConfig, run: Run) -> bool:
    """Tells whether settings can start from the weights of a run, at its image size."""
    if not run.has_keras_model:
        return False
    return starting_from(config, run).architecture == run.config.architecture


def _copy_weights(source: Run, folder: Path) -> None:
    """Copies a model, so that its run may be deleted."""
    folder.mkdir(parents=True)
    for file in ("model.keras", "dataset.json"):
        shutil.copyfile(source.directory / file, folder / file)


@contextmanager
def importing_run(
    record: ImportRecord, config: TrainConfig, name: str, gray: bool
) -> Iterator[Run]:
    """Yields a new run whose model another program trained, for the caller to put its model there.

    It becomes one of the list when the body of the `with` statement has ended, with the model.

    Args:
        config: with the architecture and image size of the model.
        name: that the run is given.
        gray: whether the model takes gray images only.

    Raises:
        AccessError: changes are switched off.
        FerError: the name is too long.
    """
    notes = Notes(name=name)
    notes.check()
    run = Run(tasks.new_directory(paths.runs_root(), IMPORTED_RECIPE))
    with _all_or_nothing(run.directory), disk_full_as_error(run.directory / "config.json"):
        yield run
        write_json(run.directory / "imported.json", asdict(record))
        found = {"class_names": record.class_names, "counts": {}, "gray": gray}
        write_json(run.directory / "dataset.json", found)
        result = Result(MODEL_IMPORTED, 0, None, None, None)
        write_json(run.directory / "result.json", asdict(result))
        write_json(run.directory / "notes.json", asdict(notes))
        write_json(run.directory / "config.json", config.to_dict())  # makes it a run


def resume_run(run: Run) -> None:
    """Queues an interrupted, failed or canceled run to train on from its last checkpoint.

    Raises:
        FerError: the run is in another state, or its dataset is missing or has changed.
    """
    check_data(run)
    with queue.lock():  # two sessions may press the button at the same time
        _check_writable(run)
        if run.state not in (TaskState.INTERRUPTED, TaskState.FAILED, TaskState.CANCELLED):
            raise FerError(f"Only an interrupted run can be resumed. {run.id} is {run.state}.")
        queue.submit(run.directory, kinds.TRAIN, _kept_goal(run))


def _kept_goal(run: Run) -> dict[str, int]:
    """Returns the goal of a refused request, which the new one replaces."""
    goal = run.goal
    return {"epochs": goal.epochs, "since": goal.since} if run.refusal and goal.since else {}


def continue_run(run: Run, epochs: int) -> None:
    """Queues more epochs of a run that has ended; its curves are extended.

    Args:
        epochs: to train in addition to those done.

    Raises:
        FerError: the run has not ended, is pretrained, or would exceed `LARGEST_EPOCHS`; or its
            dataset is missing or has changed.
    """
    check_data(run)
    with queue.lock():
        _check_writable(run)
        if run.state.is_active:
            raise FerError(f"Only a run that has ended can be continued. {run.id} is {run.state}.")
        if _is_being_opened(run):
            raise FerError(
                f"The test split of {run.id} is being opened. Continue the run when that is done."
            )
        if not run.can_continue:
            raise FerError(
                f"{run.id} has no checkpoint to continue from. Start a new run from its weights."
            )
        done = len(run.history)
        if epochs < 1 or done + epochs > LARGEST_EPOCHS:
            raise FerError(
                f"A run can be continued for at least 1 epoch, up to {LARGEST_EPOCHS} in total. "
                f"Received: {epochs} more after {done}"
            )
        queue.submit(run.directory, kinds.TRAIN, {"epochs": done + epochs, "since": done})


def second_look(run: Run) -> str:
    """Returns a warning about continuing if the test split has been opened, else ""."""
    if not run.test_openings:
        return ""
    again = "will be opened again at the end" if run.config.test_at_end else "must be opened again"
    return (
        "The test split of this run has been opened. If continuing finds a better epoch, the test "
        f"score is discarded and the split {again}. A score from a second look is biased, since "
        "the first may have influenced your choices."
    )


def open_test_task(run: Run) -> Task:
    """Queues opening the sealed test split: it is evaluated once, and the time is recorded.

    Raises:
        FerError: the run has not finished, or its dataset is missing or has changed.
    """
    check_data(run)
    with queue.lock():  # another session may continue the run at the same time
        check_finished(run)
        directory = tasks.new_directory(paths.tasks_root(), "open-test")
        return queue.submit(directory, kinds.OPEN_TEST, {"run": run.id})


def check_data(run: Run) -> None:
    """Checks that the dataset of a run is unchanged; a run may come from another machine.

    Raises:
        FerError: there is no dataset of that name, or its images, labels or splits differ.
    """
    if not run.fingerprint:  # no attempt has read the dataset yet
        return
    try:
        dataset = dataset_of(run)
    except FerError as error:
        raise FerError(f"{run.id} needs the images that it was trained on. {error}") from error
    if dataset.fingerprint() != run.fingerprint:
        raise FerError(
            f"{run.id} needs the images that it was trained on. The images, labels or splits of "
            f"the dataset {dataset.name} have changed since."
        )


def check_finished(run: Run) -> None:
    """Raises a FerError unless the run has finished."""
    if run.state is not TaskState.FINISHED:
        raise FerError(
            f"The test split can be opened once the run has finished. {run.id} is {run.state}."
        )


def _check_writable(run: Run) -> None:
    if not run.directory.exists():
        raise FerError(f"{run.id} was deleted.")
    if run.is_imported:
        raise FerError(f"{run.id} was imported. Start a new run from its weights.")
    if run.is_pretrained:
        raise FerError(f"{run.id} is a pretrained model. Start a new run from its weights.")


def _is_being_opened(run: Run) -> bool:
    active = [task for task in tasks.list_tasks(kinds.OPEN_TEST) if task.state.is_active]
    return any(task.request and task.request.arguments.get("run") == run.id for task in active)


def _initial_run(config: TrainConfig) -> Run | None:
    """Returns the run whose weights to start from, or None.

    Raises:
        FerError: there is no such run, it has no model yet, or the architectures differ.
    """
    if not config.initial_run:
        return None
    run = open_run(config.initial_run)
    if run.model_file is None:
        raise FerError(f"A run can start only from a run with a model. {run.id} has none yet.")
    run.require_keras("Training from a model")
    other = run.config
    if (other.architecture, other.image_size) != (config.architecture, config.image_size):
        height, width = other.image_size
        raise FerError(
            f"Choose an initial run with the architecture {config.architecture} at "
            f"{config.image_size[0]}×{config.image_size[1]} pixels. {run.id} has "
            f"{other.architecture} at {height}×{width}."
        )
    return run


def _teachers(config: TrainConfig) -> list[Run]:
    """Returns the runs to distill from, without repetitions.

    Raises:
        FerError: one does not exist, has no model yet, or lacks an expression.
    """
    runs = {run.id: run for run in map(open_run, config.teachers)}
    if not runs:
        return []
    class_names = used_classes(config, open_dataset(config.dataset))
    for run in runs.values():
        if run.model_file is None:
            raise FerError(f"A teacher needs a model. {run.id} has none yet.")
        run.require_keras("Learning from a teacher")
        lacking = [name for name in class_names if name not in run.class_names]
        if lacking:
            raise FerError(
                f"A teacher needs every expression of the dataset. {run.id} lacks: "
                f"{', '.join(lacking)}"
            )
    return list(runs.values())
