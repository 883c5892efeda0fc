"""The data set as a run uses it: with the corrections that were there when it was asked for."""

from pathlib import Path

import pandas as pd

from fer_core.datasets import CORRECTIONS_FILE, Corrections, Dataset, open_dataset, read_corrections
from fer_core.errors import FerError
from fer_core.runs.config import TrainConfig
from fer_core.runs.run import Run
from fer_core.storage import write_text


def dataset_for(config: TrainConfig, overlay: Corrections | None = None) -> Dataset:
    """The data set with the validation share and the corrections that the settings ask for.

    Args:
        overlay: the corrections, where the settings ask for some; by default those of now.

    Raises:
        FerError: there is no such data set, or its corrections are damaged.
    """
    dataset = open_dataset(config.dataset).with_validation_fraction(config.validation_fraction)
    return dataset.with_corrections(overlay) if config.overlay else dataset


def dataset_of(run: Run) -> Dataset:
    """The data set as that run uses it, whatever was corrected since.

    Raises:
        FerError: as `dataset_for`, or the run has lost its corrections.
    """
    return dataset_for(run.config, corrections_of(run))


def corrections_of(run: Run) -> Corrections | None:
    """The run's own copy of the corrections; None where it uses none.

    Raises:
        FerError: it is lost or damaged.
    """
    if not run.config.overlay:
        return None
    file = run.directory / CORRECTIONS_FILE
    if not file.exists():
        raise FerError(f"{run.id} must have the corrections it began with. They are gone.")
    return read_corrections(file)


def copy_corrections(config: TrainConfig, directory: Path) -> None:
    """Gives a run that is being made the corrections of now, as far as it asks for any.

    Raises:
        FerError: they leave nothing to learn a class from, or are damaged.
    """
    if not config.overlay:
        return
    dataset = dataset_for(config)
    check_trainable(config, dataset.counts().loc[list(used_classes(config, dataset))])
    overlay = dataset.corrections or Corrections()
    write_text(directory / CORRECTIONS_FILE, overlay.to_csv())


def used_classes(config: TrainConfig, dataset: Dataset) -> tuple[str, ...]:
    """The classes that the settings ask for, in label order; all where they name none.

    Raises:
        FerError: the data set does not have one of them.
    """
    missing = set(config.class_names) - set(dataset.class_names)
    if missing:
        raise FerError(
            f"`class_names` must be classes of {dataset.name}: {', '.join(dataset.class_names)}. "
            f"Received: {', '.join(sorted(missing))}"
        )
    chosen = tuple(name for name in dataset.class_names if name in config.class_names)
    return chosen or dataset.class_names


def check_trainable(config: TrainConfig, counts: pd.DataFrame) -> None:
    """Sees whether a network can be trained on so many images.

    Args:
        counts: a row per class that the run uses, a column per split.

    Raises:
        FerError: there is none to train or to validate on, or of a class none to train on; or
            there is one class alone.
    """
    name = f"{config.dataset} with its corrections" if config.overlay else config.dataset
    for split in ("train", "val"):
        if split not in counts or not counts[split].any():
            raise FerError(
                f"{name} must have images to train and to validate on. It has none in {split}."
            )
    if len(counts) < 2:
        raise FerError(
            "There must be at least two expressions to tell apart. "
            f"{name} has {', '.join(counts.index)}"
        )
    empty = counts.index[counts["train"] == 0]
    if len(empty):
        where = f" in {name}" if config.overlay else ""
        raise FerError(
            f"Every class to use must have training images{where}. Without any: {', '.join(empty)}"
        )
