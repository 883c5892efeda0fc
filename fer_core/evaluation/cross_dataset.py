"""A run evaluated on other data than its own: asked for, and found again.

The answers lie in the run's directory, those of a run that ships with the program in the workspace.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fer_core import tasks
from fer_core.datasets import SPLITS, Dataset, is_name, open_dataset
from fer_core.errors import FerError
from fer_core.runs import Run
from fer_core.storage import paths, read_json
from fer_core.tasks import Task, queue

KIND = "evaluate"  # of a task
EVERYTHING = "all"  # in place of a split: every image


@dataclass(frozen=True)
class CrossDatasetEvaluation:
    """What a run was evaluated on, as its record holds it."""

    dataset: str
    split: str  # one of SPLITS, or EVERYTHING
    images: int
    left_out: Mapping[str, int]  # images of classes that the network does not know, by class
    missing: tuple[str, ...]  # classes of the network of which there was no image
    leaks_known: bool  # whether the images that the run learned from were there to compare with
    best_epoch: int | None  # of the network that answered
    evaluated: str  # when, as ISO 8601

    @property
    def time(self) -> datetime:
        """When it was evaluated."""
        return datetime.fromisoformat(self.evaluated)


def folder(run: Run) -> Path:
    """Where what a run answered elsewhere lies, or will lie."""
    if run.is_pretrained:
        return paths.workspace() / "evaluations" / run.id
    return run.directory / "predictions" / "elsewhere"


def predictions_file(run: Run, dataset: str, split: str) -> Path:
    """Where the predictions for a split of another data set lie, or will lie.

    Raises:
        FerError: the data set cannot be called that, or there is no such split.
    """
    if not is_name(dataset):
        raise FerError(
            f"There is no dataset named {dataset} on this machine. Add it on the Datasets page."
        )
    if split not in (*SPLITS, EVERYTHING):
        raise FerError(
            f"A split must be one of {', '.join(SPLITS)}, or {EVERYTHING}. Received: {split}"
        )
    return folder(run) / dataset / f"{split}.csv"


def views_file(run: Run, dataset: str, split: str) -> Path:
    """Where the predictions averaged over ten views lie, where they were asked for."""
    file = predictions_file(run, dataset, split)
    return file.with_name(f"{split}_views.csv")


def list_evaluations(run: Run) -> list[CrossDatasetEvaluation]:
    """What the run was evaluated on besides its own data, the newest first."""
    found = []
    for file in folder(run).glob("*/*.json"):
        with contextlib.suppress(ValueError, TypeError, KeyError):  # damaged
            record = read_json(file) or {}
            record["missing"] = tuple(record["missing"])
            one = CrossDatasetEvaluation(**record)
            if predictions_file(run, one.dataset, one.split).exists():
                found.append(one)
    return sorted(found, key=lambda one: one.evaluated, reverse=True)


def submit_evaluation(run: Run, dataset_name: str, split: str, *, views: bool = False) -> Task:
    """Asks for a run's model to answer all images of a split of a data set.

    Args:
        views: average its answers to ten views of each image too, which takes ten times as long.

    Raises:
        FerError: it cannot be done, as `check` tells, or is being done already.
    """
    check_evaluation(run, open_dataset(dataset_name), split)
    with queue.lock():
        arguments: dict[str, str | bool] = {"run": run.id, "dataset": dataset_name, "split": split}
        asked = [task.request for task in evaluations_of(run) if task.state.is_active]
        if any(request and arguments.items() <= request.arguments.items() for request in asked):
            raise FerError(f"{run.id} is being evaluated on {dataset_name} already.")
        arguments |= {"views": True} if views else {}
        return queue.submit(tasks.new_directory(paths.tasks_root(), KIND), KIND, arguments)


def evaluations_of(run: Run) -> list[Task]:
    """The tasks that evaluate, or evaluated, the run elsewhere; the newest first."""
    asked = tasks.list_tasks(KIND)
    return [task for task in asked if task.request and task.request.arguments.get("run") == run.id]


def check_evaluation(run: Run, dataset: Dataset, split: str) -> None:
    """Sees whether a run can be evaluated on a split of a data set.

    Raises:
        FerError: the run has no model or still trains; the data set shares no class with it, has
            no image of these in the split, or is the run's own, whose validation and test it has
            answered in its own time.
    """
    predictions_file(run, dataset.name, split)
    if run.model_file is None or run.state.is_active:
        raise FerError(
            f"A run must have ended with a model to be evaluated elsewhere. {run.id} is "
            f"{run.state}{'' if run.model_file else ' and has none'}."
        )
    if dataset.name == run.config.dataset and split != "train":
        raise FerError(
            f"{run.id} was trained on {dataset.name}: it must be evaluated on its validation and "
            "test splits as Validation and Test. Elsewhere means its training split, or another "
            "data set."
        )
    shared = [name for name in dataset.class_names if name in run.class_names]
    if not shared:
        raise FerError(
            f"The run and the data set must have a class in common. {run.id} knows "
            f"{', '.join(run.class_names)}; {dataset.name} has {', '.join(dataset.class_names)}."
        )
    counts = dataset.counts()
    chosen = list(counts) if split == EVERYTHING else [split]
    if not counts.reindex(columns=chosen, fill_value=0).loc[shared].to_numpy().sum():
        raise FerError(
            f"The split must have images of the classes in common. {dataset.name} has none in "
            f"{split}."
        )
