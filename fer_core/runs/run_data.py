"""Opens the dataset of a run: its classes, splits, pixels, corrections and raters' votes."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets import (
    CORRECTIONS_FILE,
    UNITS,
    VOTES_FILE,
    Corrections,
    Dataset,
    VoteTable,
    open_dataset,
    open_pixels,
    raters,
    read_corrections,
    read_votes,
    seen_in_training,
    unit_names,
)
from fer_core.errors import FerError
from fer_core.runs.config import FERPLUS, RATERS, WIDEST_UNIT, TrainConfig
from fer_core.runs.records import KEY, LEAKED, SEEN, UNIT
from fer_core.runs.run import Run
from fer_core.storage import DiskFullError, Stamp, stamp, write_text
from fer_core.text import counted
from fer_core.vision import ImageStats, compute_image_stats, sampled


class Rows:
    """Selects rows of a large array, read on slicing, so that they need not fit into memory."""

    def __init__(self, array: np.ndarray, positions: np.ndarray) -> None:
        self.array, self.positions = array, positions

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, part: slice) -> np.ndarray:
        return np.asarray(self.array[self.positions[part]])


@dataclass(frozen=True)
class RunData:
    """Holds a dataset as one run uses it: only the run's classes, in label order."""

    config: TrainConfig
    class_names: tuple[str, ...]
    index: pd.DataFrame  # the dataset's rows of these classes, with the run's corrections
    pixels: np.ndarray  # uint8 (all images of the dataset, height, width, channels)
    pixels_key: str  # changes with the pixels
    fingerprint: str
    is_gray: bool  # no image has color
    corrections: Corrections | None = None  # that were applied to the index
    votes: VoteTable | None = None  # of raters, whose majorities are the labels
    teacher_probabilities: np.ndarray | None = None  # float32 (all images, classes)

    def changed_since(self) -> str:
        """Returns a sentence if the dataset has changed since it was opened, else ""."""
        name = self.config.dataset
        trained = "The model was trained on the images as they were at the start."
        try:
            dataset = dataset_for(self.config, self.corrections, self.votes)
            unchanged = dataset.fingerprint() == self.fingerprint
        except DiskFullError:  # the dataset caches its content hashes
            raise
        except (OSError, FerError):
            return f"Images of {name} were deleted during training. {trained}"
        return "" if unchanged else f"{name} was changed during training. {trained}"

    @property
    def counts(self) -> pd.DataFrame:
        """Returns the numbers of images: a row per class, a column per split."""
        counts = pd.crosstab(self.index["expression"], self.index["split"])
        splits = [split for split in ("train", "val", "test") if split in counts]
        return counts.reindex(self.class_names, fill_value=0)[splits]

    @property
    def fold_note(self) -> str:
        """Returns a sentence about the fold that validates; "" with the dataset's own splits."""
        fold = self.config.validates_on
        if fold is None:
            return ""
        used = self.index[self.index["split"].isin(("train", "val"))]
        units = unit_names(used, fold.unit).groupby(used["split"]).nunique()
        images = used["split"].value_counts()
        val, train = (counted(int(units[split]), *UNITS[fold.unit]) for split in ("val", "train"))
        return (
            f"{fold}: validates on {val} ({images['val']:,} images) and trains on {train} "
            f"({images['train']:,}), drawn from training and validation; the test split is "
            "untouched."
        )

    def positions(self, split: str) -> np.ndarray:
        """Returns the rows of `pixels` that belong to a split."""
        return self.index.index[self.index["split"] == split].to_numpy()

    def rows(self, split: str) -> Rows:
        """Returns the images of a split: uint8 (n, height, width, channels)."""
        return Rows(self.pixels, self.positions(split))

    def labels(self, positions: np.ndarray) -> np.ndarray:
        """Returns the class numbers of rows of `pixels`."""
        order = {name: number for number, name in enumerate(self.class_names)}
        return self.index.loc[positions, "expression"].map(order).to_numpy(int)

    @property
    def steps_per_epoch(self) -> int:
        """Returns the number of batches in an epoch; the last may be smaller than the others."""
        return -(-len(self.positions("train")) // self.config.batch_size)

    def image_stats(self) -> ImageStats:
        """Computes the image statistics of a sample of the training split."""
        return compute_image_stats(
            self.pixels[position] for position in sampled(self.positions("train"))
        )

    def predictions(self, split: str, probabilities: np.ndarray) -> pd.DataFrame:
        """Returns the table of `Run.predictions` for a split's probabilities, (n, classes)."""
        rows = self.index.loc[self.positions(split)]
        table = rows[[*KEY, "expression"]].reset_index(drop=True)
        trained_on = self.index.loc[self.positions("train"), "content"]
        table[LEAKED] = rows["content"].isin(trained_on).to_numpy()
        seen = seen_in_training(self.index)
        if seen is not None:
            table[SEEN] = seen[(self.index["split"] == split).to_numpy()]
        if self.config.validates_on is not None:
            table[UNIT] = unit_names(rows, self.config.fold_unit).to_numpy()
        for number, name in enumerate(self.class_names):
            table[f"p_{name}"] = probabilities[:, number]
        return table


def dataset_for(
    config: TrainConfig, corrections: Corrections | None = None, votes: VoteTable | None = None
) -> Dataset:
    """Opens the dataset with the settings' validation fraction or fold, labels and corrections.

    Args:
        corrections: to apply if the settings use corrections; by default the dataset's current
            ones.
        votes: of raters, if the settings take labels from them; by default all until now.

    Raises:
        FerError: there is no such dataset, its corrections are damaged, or it lacks the votes
            from which the settings take labels.
    """
    dataset = open_dataset(config.dataset).with_validation_fraction(config.validation_fraction)
    if config.validates_on is not None:
        dataset = dataset.with_fold(config.validates_on)
    if config.labels == FERPLUS:
        dataset = dataset.with_ferplus_labels()
    elif config.labels == RATERS:
        dataset = dataset.with_rater_votes(_current_votes(dataset) if votes is None else votes)
    return dataset.with_corrections(corrections) if config.overlay else dataset


def dataset_of(run: Run) -> Dataset:
    """Opens the dataset as the run uses it, with its own copy of the corrections and votes.

    Raises:
        FerError: as in `dataset_for`, or the run's corrections or votes are missing.
    """
    return dataset_for(run.config, corrections_of(run), votes_of(run))


def corrections_of(run: Run) -> Corrections | None:
    """Reads the run's own copy of the corrections; None if it uses none.

    Raises:
        FerError: the file is missing or damaged.
    """
    if not run.config.overlay:
        return None
    file = run.directory / CORRECTIONS_FILE
    if not file.exists():
        raise FerError(f"The corrections that {run.id} uses are missing from its directory.")
    return read_corrections(file)


def votes_of(run: Run) -> VoteTable | None:
    """Reads the run's own copy of the raters' votes; None if its labels are others.

    Raises:
        FerError: the file is missing or damaged.
    """
    if run.config.labels != RATERS:
        return None
    try:
        return read_votes(run.directory / VOTES_FILE)
    except FileNotFoundError as error:
        raise FerError(
            f"The raters' votes that {run.id} uses are missing from its directory."
        ) from error


def _current_votes(dataset: Dataset) -> VoteTable:
    ratings = raters.read_ratings(dataset)
    if not len(ratings):
        raise FerError(
            f"Raters' labels need votes. {dataset.name} has none: label faces on the tab Raters of "
            "the Datasets page, or import votes there."
        )
    return ratings.table(dataset)


def check_labels(config: TrainConfig) -> None:
    """Checks that the dataset has the labels that the settings use.

    Raises:
        FerError: it lacks the votes, or too few images have a majority of them.
    """
    if config.labels in (FERPLUS, RATERS):
        dataset = dataset_for(config)
        check_trainable(config, dataset.counts().loc[list(used_classes(config, dataset))])


def copy_labels(source: Run, target: Run) -> None:
    """Copies a run's own corrections and votes to another run, as far as it has them."""
    for name in (CORRECTIONS_FILE, VOTES_FILE):
        if (source.directory / name).exists():
            shutil.copyfile(source.directory / name, target.directory / name)


def with_fold_unit(config: TrainConfig) -> TrainConfig:
    """Returns settings that tell what their folds are drawn of, as the dataset has it.

    Raises:
        FerError: these folds cannot be drawn, or one leaves nothing to train or validate on.
    """
    if not config.folds:
        return config
    dataset = open_dataset(config.dataset)
    if config.fold_unit == WIDEST_UNIT:
        config = replace(config, fold_unit=dataset.fold_unit)
    files = (dataset.directory / "index.csv", dataset.directory / CORRECTIONS_FILE)
    _check_folds(replace(config, fold=1), tuple(map(stamp, files)))
    return config


@lru_cache(maxsize=8)  # all folds of an experiment are checked at once, of hundreds of runs
def _check_folds(config: TrainConfig, stamps: tuple[Stamp, ...]) -> None:
    dataset = dataset_for(config)
    folds = dataset.plan_folds(config.folds, config.fold_unit, config.fold_seed)
    class_names = used_classes(config, dataset)
    folds.check(class_names)
    check_trainable(config, dataset.counts().loc[list(class_names)])


def copy_corrections(config: TrainConfig, directory: Path) -> None:
    """Copies the dataset's corrections and votes into a new run, if its settings use them.

    Raises:
        FerError: they leave too few images to train on, or are damaged.
    """
    votes = None
    if config.labels == RATERS:
        votes = _current_votes(open_dataset(config.dataset))
        votes.save(directory / VOTES_FILE)
    if not config.overlay:
        return
    dataset = dataset_for(config, votes=votes)
    check_trainable(config, dataset.counts().loc[list(used_classes(config, dataset))])
    corrections = dataset.corrections or Corrections()
    write_text(directory / CORRECTIONS_FILE, corrections.to_csv())


def used_classes(config: TrainConfig, dataset: Dataset) -> tuple[str, ...]:
    """Returns the classes to train on in label order: all, if the settings name none.

    Raises:
        FerError: the dataset lacks one of them.
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
    """Checks that there are enough images to train a model.

    Args:
        counts: numbers of images: a row per class that the run uses, a column per split.

    Raises:
        FerError: there are no training or no validation images, a class has no training images,
            or there is only one class.
    """
    name = f"{config.dataset} with its corrections" if config.overlay else config.dataset
    for split in ("train", "val"):
        if split not in counts or not counts[split].any():
            raise FerError(
                f"Training needs training and validation images. {name} has none in {split}."
            )
    if len(counts) < 2:
        raise FerError(
            "At least two expressions are needed to train a classifier. "
            f"{name} has only: {', '.join(counts.index)}"
        )
    empty = counts.index[counts["train"] == 0]
    if len(empty):
        where = f" in {name}" if config.overlay else ""
        raise FerError(f"Every class must have training images{where}. None: {', '.join(empty)}")


def open_data_of(run: Run, progress: Callable[[int, int], None] | None = None) -> RunData:
    """Opens the images of a run, with the run's own copy of the corrections and votes.

    Raises:
        FerError: as in `open_run_data`, or the run's corrections or votes are missing.
    """
    return open_run_data(run.config, progress, corrections=corrections_of(run), votes=votes_of(run))


def open_run_data(
    config: TrainConfig,
    progress: Callable[[int, int], None] | None = None,
    *,
    corrections: Corrections | None = None,
    votes: VoteTable | None = None,
) -> RunData:
    """Opens the images of the settings' dataset; their pixels are cached on first use.

    Args:
        progress: called with the images decoded so far, and their total.
        corrections: as in `dataset_for`.
        votes: as in `dataset_for`.

    Raises:
        FerError: there is no such dataset, images are missing, or a class has no images.
    """
    dataset = dataset_for(config, corrections, votes).checked()
    class_names = used_classes(config, dataset)
    index = dataset.index[dataset.index["expression"].isin(class_names)]
    data = RunData(
        config,
        class_names,
        index,
        open_pixels(dataset, config.image_size, config.channels, progress),
        dataset.pixels_key(),
        dataset.fingerprint(),
        dataset.is_gray,
        dataset.corrections,
        dataset.rater_votes,
    )
    check_trainable(config, data.counts)
    return data
