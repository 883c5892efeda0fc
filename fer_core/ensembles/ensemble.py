"""Checks which runs can become an ensemble, and submits the task that makes it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.runs import (
    Notes,
    Run,
    TrainConfig,
    check_trainable,
    dataset_for,
    dataset_of,
    used_classes,
)
from fer_core.storage import paths
from fer_core.tasks import Task, TaskState, kinds, queue
from fer_core.text import shortened

EQUAL: Literal["equal"] = "equal"
FITTED: Literal["fitted"] = "fitted"  # by the likelihood of the validation split
Weighting = Literal["equal", "fitted"]


def check_members(runs: Sequence[Run]) -> None:
    """Checks that runs can become one, as far as their records tell.

    Raises:
        FerError: there are too few or too many; one is chosen twice, has not finished, is an
            ensemble itself, or has a model that cannot be rebuilt, other expressions, or another
            margin around faces.
    """
    if not kinds.MIN_MEMBERS <= len(runs) <= kinds.MAX_MEMBERS:
        raise FerError(
            f"An ensemble is made of {kinds.MIN_MEMBERS} to {kinds.MAX_MEMBERS} runs. "
            f"Received: {len(runs)}"
        )
    for run_id, times in Counter(run.id for run in runs).items():
        if times > 1:
            raise FerError(f"The members of an ensemble must be different runs. Twice: {run_id}")
    for run in runs:
        _check_member(run)
    first = runs[0]
    for run in runs[1:]:
        if set(run.class_names) != set(first.class_names):
            raise FerError(
                "The members of an ensemble must have the same expressions. "
                f"{first.id} has {shortened(', '.join(first.class_names))}; "
                f"{run.id} has {shortened(', '.join(run.class_names))}."
            )
        if run.crop_margin != first.crop_margin:
            raise FerError(
                "The members of an ensemble must take the same margin around faces. "
                f"{first.id} takes {first.crop_margin:.0%}; {run.id} takes {run.crop_margin:.0%}."
            )


def _check_member(run: Run) -> None:
    if run.state is not TaskState.FINISHED or run.model_file is None:
        raise FerError(f"A member of an ensemble must have finished. {run.id} is {run.state}.")
    if run.config.family == "ensemble":
        raise FerError(
            f"A member of an ensemble must be a single model. {run.id} is an ensemble: choose its "
            "members."
        )
    run.require_keras("A member of an ensemble")


@dataclass(frozen=True)
class Reference:
    """Tells on whose validation images an ensemble is fitted and evaluated."""

    config: TrainConfig  # of which the dataset, its splits, labels and classes count
    member: Run | None = None  # whose images they are; it may have corrections of its own


def reference_of(runs: Sequence[Run], dataset: str = "") -> Reference:
    """Returns what an ensemble is fitted and evaluated on.

    Args:
        dataset: whose validation split to take; "" takes the images that most members were
            trained on, of what is on this machine.

    Raises:
        FerError: there is no such dataset, or it lacks an expression of the members or validation
            images; or, without one, all members were imported, or the datasets of the others are
            missing or have changed.
    """
    return _of_dataset(runs, dataset) if dataset else _of_members(runs)


def _of_dataset(runs: Sequence[Run], name: str) -> Reference:
    config = TrainConfig(dataset=name, class_names=runs[0].class_names)
    dataset = dataset_for(config)
    missing = set(config.class_names) - set(dataset.class_names)
    if missing:
        raise FerError(
            f"The dataset must have all expressions of the members. {name} lacks: "
            f"{shortened(', '.join(sorted(missing)))}"
        )
    check_trainable(config, dataset.counts().loc[list(used_classes(config, dataset))])
    return Reference(config)


def _of_members(runs: Sequence[Run]) -> Reference:
    trained = [run for run in runs if not run.is_imported]
    trained_on = Counter(run.fingerprint for run in trained)
    problem = "" if trained else "Imported models have none: choose a dataset."
    for run in sorted(trained, key=lambda run: -trained_on[run.fingerprint]):
        try:
            dataset = dataset_of(run)
        except FerError as error:
            problem = problem or f"{error} Or choose another dataset."
            continue
        if dataset.fingerprint() == run.fingerprint:
            return Reference(run.config, run)
        problem = problem or (
            f"The images, labels or splits of {dataset.name} have changed since {run.id} was "
            "trained: choose a dataset."
        )
    raise FerError(f"An ensemble needs validation images. {problem}")


def submit_ensemble(
    runs: Sequence[Run],
    name: str = "",
    *,
    weighting: Weighting = EQUAL,
    tta: bool = False,
    dataset: str = "",
) -> Task:
    """Queues combining runs into one.

    Args:
        name: of the new run; "" names the number of its members.
        weighting: `EQUAL`, or `FITTED` on the validation split.
        tta: also evaluate it with test-time augmentation, which takes ten times as long.
        dataset: as in `reference_of`.

    Raises:
        FerError: as `check_members` and `reference_of`, or the name is too long.
    """
    check_members(runs)
    reference_of(runs, dataset)
    name = name.strip() or f"Ensemble of {len(runs)}"
    Notes(name=name).check()
    size = sum(run.model_file.stat().st_size for run in runs if run.model_file)
    directory = tasks.new_directory(paths.tasks_root(), kinds.ENSEMBLE, size)
    arguments = {
        "runs": [run.id for run in runs],
        "name": name,
        "weights": weighting,
        "views": tta,
        "dataset": dataset or None,
    }
    return queue.submit(directory, kinds.ENSEMBLE, arguments)


def ensembles_in_progress() -> list[Task]:
    """Returns the tasks that make an ensemble, and those that could not; the newest first."""
    every = tasks.list_tasks(kinds.ENSEMBLE)
    return [task for task in every if task.state is not TaskState.FINISHED]


def ensemble_of(task: Task) -> str:
    """Returns the id of the run that a task makes; the run exists once the task has finished."""
    return task.id
