"""The images that one run learns from: its classes, its splits, its batches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_core.datasets import Corrections, open_pixels
from fer_core.runs.config import TrainConfig
from fer_core.runs.corrections import check_trainable, corrections_of, dataset_for, used_classes
from fer_core.runs.records import KEY, LEAKED
from fer_core.runs.run import Run
from fer_core.storage import DiskFullError
from fer_core.vision import ImageStats, compute_image_stats, sampled


class Rows:
    """Some rows of a large array, read when they are sliced: they need not fit into memory."""

    def __init__(self, array: np.ndarray, positions: np.ndarray) -> None:
        self.array, self.positions = array, positions

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, part: slice) -> np.ndarray:
        return np.asarray(self.array[self.positions[part]])


@dataclass(frozen=True)
class RunData:
    """A data set as one run uses it: only its classes, in label order."""

    config: TrainConfig
    class_names: tuple[str, ...]
    index: pd.DataFrame  # the data set's rows of these classes, with the run's corrections
    pixels: np.ndarray  # uint8 (all images of the data set, height, width, channels)
    pixels_key: str  # changes with the pixels
    fingerprint: str
    is_gray: bool  # no image has any colour
    overlay: Corrections | None = None  # the corrections that are in the index
    answers: np.ndarray | None = None  # of teachers, float32 (all images, classes)

    def changed_since(self) -> str:
        """A sentence where the data set is not any more as it was when it was opened, else ""."""
        name = self.config.dataset
        learned = "The network learned from the images as they were when it began."
        try:
            dataset = dataset_for(self.config, self.overlay)
            unchanged = dataset.fingerprint() == self.fingerprint
        except DiskFullError:  # the data set remembers what it sees
            raise
        except (OSError, ValueError):
            return f"Images of {name} vanished meanwhile. {learned}"
        return "" if unchanged else f"{name} changed meanwhile. {learned}"

    @property
    def counts(self) -> pd.DataFrame:
        """Images: one row per class, one column per split."""
        counts = pd.crosstab(self.index["expression"], self.index["split"])
        splits = [split for split in ("train", "val", "test") if split in counts]
        return counts.reindex(self.class_names, fill_value=0)[splits]

    def positions(self, split: str) -> np.ndarray:
        """Rows of `pixels` that belong to a split."""
        return self.index.index[self.index["split"] == split].to_numpy()

    def rows(self, split: str) -> Rows:
        """The images of a split: uint8 (n, height, width, channels)."""
        return Rows(self.pixels, self.positions(split))

    def labels(self, positions: np.ndarray) -> np.ndarray:
        """Class numbers of rows of `pixels`."""
        order = {name: number for number, name in enumerate(self.class_names)}
        return self.index.loc[positions, "expression"].map(order).to_numpy(int)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last may be smaller than the others."""
        return -(-len(self.positions("train")) // self.config.batch_size)

    def survey(self) -> ImageStats:
        """What the training images look like, by a sample of them."""
        return compute_image_stats(
            self.pixels[position] for position in sampled(self.positions("train"))
        )

    def predictions(self, split: str, probabilities: np.ndarray) -> pd.DataFrame:
        """The table that `Run.predictions` gives, of (n, classes) probabilities of a split."""
        rows = self.index.loc[self.positions(split)]
        table = rows[[*KEY, "expression"]].reset_index(drop=True)
        learned = self.index.loc[self.positions("train"), "content"]
        table[LEAKED] = rows["content"].isin(learned).to_numpy()
        for number, name in enumerate(self.class_names):
            table[f"p_{name}"] = probabilities[:, number]
        return table


def open_data_of(run: Run, progress: Callable[[int, int], None] | None = None) -> RunData:
    """Opens the data set of a run, with the corrections that it was asked for with.

    Raises:
        ValueError: as `open_run_data`, or the run has lost its corrections.
    """
    return open_run_data(run.config, progress, overlay=corrections_of(run))


def open_run_data(
    config: TrainConfig,
    progress: Callable[[int, int], None] | None = None,
    *,
    overlay: Corrections | None = None,
) -> RunData:
    """Opens the data set that the settings name, its pixels built on first use.

    Args:
        overlay: the corrections, where the settings ask for some; by default those of now.

    Raises:
        ValueError: no such data set, its images have vanished, or a class has no images.
    """
    dataset = dataset_for(config, overlay).checked()
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
    )
    check_trainable(config, data.counts)
    return data
