"""Samples of images to rate: drawn once, and shown to each rater in an order of their own."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from fer_core import access
from fer_core.datasets.corrections import Key, keys_at
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.names import is_name
from fer_core.datasets.raters.votes import Row
from fer_core.datasets.splits import SPLITS
from fer_core.errors import FerError
from fer_core.storage import Count, read_record, workspace, write_json
from fer_core.text import shortened

MOST_IMAGES = 20_000  # of a sample


@dataclass(frozen=True)
class Sample:
    """Holds the images that raters label, as the file keeps them."""

    images: tuple[tuple[str, Row | None], ...]
    split: str | None = None  # that they are from; None: all
    stratified: bool = False  # whether classes have the shares that they have there
    seed: Count = 0

    def order_for(self, rater: str, name: str) -> list[Key]:
        """Returns the images in the order of one rater, which is always the same.

        Args:
            name: of the sample.
        """
        digest = hashlib.sha256(f"{name}/{rater.lower()}".encode()).digest()
        rng = np.random.default_rng([self.seed, *digest])
        return [self.images[place] for place in rng.permutation(len(self.images))]


def sample_names(dataset: Dataset) -> list[str]:
    """Returns the names of the samples of a dataset."""
    names = [path.stem for path in _folder(dataset).glob("*.json")]
    return sorted(filter(is_name, names), key=str.lower)


def sample_file(dataset: Dataset, name: str) -> Path:
    """Returns the path of a sample, whether it exists or not."""
    return _folder(dataset) / f"{name}.json"


def read_sample(dataset: Dataset, name: str) -> Sample:
    """Reads a sample.

    Raises:
        FerError: there is none of that name, or its file is damaged.
    """
    sample = read_record(sample_file(dataset, name), Sample) if is_name(name) else None
    if sample is None:
        raise FerError(f"{dataset.name} has no sample named {shortened(name)}. Draw one first.")
    return sample


def draw_sample(
    dataset: Dataset,
    name: str,
    count: int,
    *,
    split: str | None = None,
    stratified: bool = True,
    seed: int = 0,
) -> Sample:
    """Draws images that are not excluded, and saves them under a name for all raters.

    Args:
        count: of images.
        split: to draw from; None: all.
        stratified: whether each class has the share that it has there.

    Raises:
        FerError: the name is taken or not valid, there are not so many images, or changes are
            switched off.
    """
    access.current().require_write()
    name = name.strip()
    if not is_name(name):
        raise FerError(
            "A sample's name must be 1 to 64 letters, digits, dashes, underscores or dots, and "
            f"start with a letter or digit. Received: {shortened(name)!r}"
        )
    index = dataset.with_corrections().index
    splits = SPLITS if split is None else (split,)
    positions = np.flatnonzero(index["split"].isin(splits).to_numpy())
    most = min(len(positions), MOST_IMAGES)
    if not 1 <= count <= most:
        raise FerError(
            f"A sample of {dataset.name} from {split or 'all splits'} must have 1 to {most:,} "
            f"images. Received: {count:,}"
        )
    labels = index["expression"].iloc[positions] if stratified else None
    chosen = positions[_draw(len(positions), count, labels, np.random.default_rng(seed))]
    sample = Sample(tuple(keys_at(index, chosen.tolist())), split, stratified, seed)
    _save(dataset, name, sample)
    return sample


def _draw(total: int, count: int, labels: pd.Series | None, rng: np.random.Generator) -> np.ndarray:
    """Returns places, ascending; with labels, as many of each as its share, rounded."""
    order = rng.permutation(total)
    if labels is None:
        return np.sort(order[:count])
    names, sizes = np.unique(labels.to_numpy(object).astype(str), return_counts=True)
    shares = count * sizes / total
    wanted = np.floor(shares).astype(int)
    wanted[np.argsort(wanted - shares, kind="stable")[: count - wanted.sum()]] += 1
    shuffled = labels.to_numpy(object)[order]
    return np.sort(
        np.concatenate(
            [order[shuffled == name][:some] for name, some in zip(names, wanted, strict=True)]
        )
    )


def _save(dataset: Dataset, name: str, sample: Sample) -> None:
    with FileLock(workspace() / "raters.lock"):  # two sessions must not draw one differently
        taken = {each.lower() for each in sample_names(dataset)}
        if name.lower() in taken:
            raise FerError(
                f"{dataset.name} has a sample named {name} already. It is drawn once, so that all "
                "raters see the same images: choose another name."
            )
        if not (dataset.directory / "data_set.json").exists():
            raise FerError(f"{dataset.name} was deleted, so no sample of it can be drawn.")
        _folder(dataset).mkdir(parents=True, exist_ok=True)
        write_json(sample_file(dataset, name), asdict(sample))


def _folder(dataset: Dataset) -> Path:
    return dataset.directory / "raters" / "samples"
