"""Submits and lists cross-dataset evaluations: a run on data it was not trained on.

The predictions are stored in the run's directory; those of a pretrained model in the workspace.
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
from fer_core.storage import Count, DamagedFileError, check_time, paths, read_record
from fer_core.tasks import Task, kinds, queue

EVERYTHING = "all"  # instead of a split: all images


@dataclass(frozen=True)
class CrossDatasetEvaluation:
    """Records an evaluation, as stored next to its predictions."""

    dataset: str
    split: str  # one of SPLITS, or EVERYTHING
    images: Count
    left_out: Mapping[str, Count]  # images of classes that the model lacks, by class
    missing: tuple[str, ...]  # classes of the model that had no image
    leaks_known: bool  # whether the run's training images were available to compare with
    best_epoch: Count | None  # of the model at that time
    evaluated: str  # time, ISO 8601

    def __post_init__(self) -> None:
        check_time(self.evaluated)

    @property
    def time(self) -> datetime:
        """Returns when the evaluation was done."""
        return datetime.fromisoformat(self.evaluated)


def folder(run: Run) -> Path:
    """Returns the folder of a run's cross-dataset predictions; it may not exist yet."""
    root = outputs(run)
    return root if run.is_pretrained else root / "predictions" / "elsewhere"


def outputs(run: Run) -> Path:
    """Returns the folder in which a run's evaluations and maps are; it may not exist yet."""
    return paths.workspace() / "evaluations" / run.id if run.is_pretrained else run.directory


def predictions_file(run: Run, dataset: str, split: str) -> Path:
    """Returns the path of the predictions for a split of a dataset; it may not exist yet.

    Raises:
        FerError: the name of the dataset or of the split is not valid.
    """
    if not is_name(dataset):
        raise FerError(f"{dataset} is not a valid dataset name.")
    if split not in (*SPLITS, EVERYTHING):
        raise FerError(f"The split must be {', '.join(SPLITS)} or {EVERYTHING}. Received: {split}")
    return folder(run) / dataset / f"{split}.csv"


def tta_file(run: Run, dataset: str, split: str) -> Path:
    """Returns the path of the predictions with test-time augmentation; it may not exist."""
    file = predictions_file(run, dataset, split)
    return file.with_name(f"{split}_views.csv")


def list_evaluations(run: Run) -> list[CrossDatasetEvaluation]:
    """Returns a run's cross-dataset evaluations, the newest first, without damaged ones."""
    evaluations = []
    for file in _record_files(run):
        with contextlib.suppress(FerError):
            one = _read_evaluation(run, file)
            if predictions_file(run, one.dataset, one.split).exists():
                evaluations.append(one)
    return sorted(evaluations, key=lambda one: one.evaluated, reverse=True)


def unreadable_evaluations(run: Run) -> list[str]:
    """Returns an error message for each damaged record that `list_evaluations` skips."""
    messages = []
    for file in _record_files(run):
        try:
            _read_evaluation(run, file)
        except FerError as error:
            messages.append(str(error))
    return messages


def _record_files(run: Run) -> list[Path]:
    return [file for file in sorted(folder(run).glob("*/*.json")) if not file.name.startswith(".")]


def _read_evaluation(run: Run, file: Path) -> CrossDatasetEvaluation:
    one = read_record(file, CrossDatasetEvaluation)
    if one is None:  # deleted since it was listed, or a link to nothing
        raise DamagedFileError(file, "is missing")
    if predictions_file(run, one.dataset, one.split).with_suffix(".json") != file:
        raise DamagedFileError(file, f"must be of its own folder. It is of {one.dataset[:100]}")
    return one


def submit_evaluation(run: Run, dataset_name: str, split: str, *, tta: bool = False) -> Task:
    """Queues the evaluation of a run's model on all images of a split of a dataset.

    Args:
        run: with a model.
        dataset_name: to evaluate on.
        split: one of SPLITS, or EVERYTHING.
        tta: also predict with test-time augmentation, which takes ten times as long.

    Raises:
        FerError: as in `check_evaluation`, or the evaluation is queued already.
    """
    check_evaluation(run, open_dataset(dataset_name), split)
    with queue.lock():
        arguments: dict[str, str | bool] = {"run": run.id, "dataset": dataset_name, "split": split}
        active = [task.request for task in evaluations_of(run) if task.state.is_active]
        if any(request and arguments.items() <= request.arguments.items() for request in active):
            raise FerError(f"{run.id} is already being evaluated on {dataset_name}.")
        arguments |= {"views": True} if tta else {}
        return queue.submit(
            tasks.new_directory(paths.tasks_root(), kinds.EVALUATE), kinds.EVALUATE, arguments
        )


def evaluations_of(run: Run) -> list[Task]:
    """Returns the tasks that evaluate, or evaluated, the run on other data; the newest first."""
    every = tasks.list_tasks(kinds.EVALUATE)
    return [task for task in every if task.request and task.request.arguments.get("run") == run.id]


def check_evaluation(run: Run, dataset: Dataset, split: str) -> None:
    """Checks that a run can be evaluated on a split of a dataset.

    Raises:
        FerError: the run has no model or is still training; the dataset shares no class with it,
            or has no images of shared classes in the split; or the split is the run's own
            validation or test split, which are evaluated otherwise.
    """
    predictions_file(run, dataset.name, split)
    if run.model_file is None or run.state.is_active:
        raise FerError(
            f"A run must have ended with a model to be evaluated. {run.id} is "
            f"{run.state}{'' if run.model_file else ' and has no model'}."
        )
    if dataset.name == run.config.dataset and split != "train":
        raise FerError(
            f"{run.id} was trained on {dataset.name}. See its validation and test splits under "
            "Validation and Test; choose the training split or another dataset here."
        )
    shared = [name for name in dataset.class_names if name in run.class_names]
    if not shared:
        raise FerError(
            f"The run and the dataset must have a class in common. {run.id} has "
            f"{', '.join(run.class_names)}; {dataset.name} has {', '.join(dataset.class_names)}."
        )
    counts = dataset.counts()
    chosen = list(counts) if split == EVERYTHING else [split]
    if not counts.reindex(columns=chosen, fill_value=0).loc[shared].to_numpy().sum():
        raise FerError(
            f"The split must have images of the shared classes. {dataset.name} has none in {split}."
        )
