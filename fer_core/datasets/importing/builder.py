"""Makes a data set's directory, whole or not at all."""

import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.image_check import validate_images
from fer_core.datasets.index import write_index
from fer_core.datasets.layouts.layout import ParsedLayout, Report
from fer_core.datasets.names import check_name
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.splits import VALIDATION_FRACTION, complete_splits
from fer_core.expressions import sort_classes
from fer_core.storage import paths, write_json
from fer_core.tasks import is_alive, process_record
from fer_core.text import counted, some

_STALE = 3600.0  # seconds after which a half-made directory without its process is removed


def build_dataset(
    name: str,
    read: Callable[[Path], ParsedLayout],
    report: Report,
    *,
    split_seed: int = 0,
    validation_fraction: float = VALIDATION_FRACTION,
    test_fraction: float = 0.0,
) -> Dataset:
    """Makes a data set of what `read` finds; `read` may put files into the directory it is given.

    Every image is read once here, so that training meets none that cannot be.

    Raises:
        ValueError: the name cannot be used, or nothing readable was found.
    """
    check_name(name)
    _remove_abandoned()
    directory = paths.datasets_root() / f".import-{uuid.uuid4().hex[:8]}"
    directory.mkdir(parents=True)
    try:
        write_json(directory / "process.json", process_record())
        found = read(directory)
        seen = validate_images(found.index.assign(row=_rows(found.index)), found.root, report)
        index = complete_splits(seen.index, validation_fraction, split_seed, test_fraction)
        notes = [
            found.recognised(seen.index),
            *found.notes,
            *_damaged(seen.damaged),
            *_drawn(seen.index, index, split_seed),
            *_untrainable(index),
        ]
        write_index(directory, _ordered(index))
        np.save(directory / "mean_faces.npy", seen.mean_faces)
        write_json(
            directory / "data_set.json",
            {
                "layout": found.layout,
                "root": _root(found.root, directory),
                "images": len(index),
                "split_seed": split_seed,
                "validation_fraction": validation_fraction,
                "gray": seen.is_gray,
                "notes": notes,
            },
        )
        (directory / "process.json").unlink()
        check_name(name)  # another import may have taken it meanwhile
        directory.rename(paths.datasets_root() / name)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return open_dataset(name)


def _rows(index: pd.DataFrame) -> pd.Series:
    missing = pd.Series(pd.NA, index.index, dtype="Int64")
    return index["row"].astype("Int64") if "row" in index.columns else missing


def _ordered(index: pd.DataFrame) -> pd.DataFrame:
    first = ["path", "row", "expression", "split", "source_split"]
    return index[first + [name for name in index.columns if name not in first]]


def _root(root: Path, directory: Path) -> str:
    """From the data set's directory if it lies inside, so that a workspace can be moved."""
    if root.is_relative_to(directory):
        return root.relative_to(directory).as_posix()
    return str(root.resolve())


def _damaged(sentences: tuple[str, ...]) -> list[str]:
    if not sentences:
        return []
    return [f"Skipped, damaged: {counted(len(sentences), 'image')}. {some(sentences)}"]


def _drawn(before: pd.DataFrame, after: pd.DataFrame, seed: int) -> list[str]:
    """What became of rows whose split was not named, or not understood."""
    notes = []
    words = set(before.loc[before["split"] == "", "source_split"]) - {""}
    if words:
        notes.append(f"Put into train, since it names no known split: {some(sorted(words))}.")
    for split, word in (("val", "validation"), ("test", "test")):
        count = int((after["split"] == split).sum())
        if count and not (before["split"] == split).any():
            notes.append(
                f"There was no {word} split: {counted(count, 'image')} were drawn from train, "
                f"class by class, with seed {seed}."
            )
    return notes


def _untrainable(index: pd.DataFrame) -> list[str]:
    """What training will refuse, said before anybody asks for it."""
    counts = pd.crosstab(index["expression"], index["split"])
    if "train" not in counts:
        return [
            "There is no training image: this data set can be looked at, but no network can be "
            "trained on it."
        ]
    notes = []
    if len(counts) < 2:
        notes.append(
            f"There is no expression beside {counts.index[0]}: no network can be trained on it."
        )
    without = sort_classes(counts.index[counts["train"] == 0])
    if without:
        notes.append(
            f"There is no training image of {some(without, 10)}: no network can learn it. "
            "Choose the other expressions when you train."
        )
    if "val" not in counts:
        notes.append(
            "There is no validation image, and no expression has two different images to draw one "
            "from: no network can be trained on this data set."
        )
    return notes


def _remove_abandoned() -> None:
    """Removes what a killed import, or a killed deletion, left behind."""
    root = paths.datasets_root()
    for directory in [*root.glob(".import-*"), *root.glob(".deleted-*")]:
        age = time.time() - directory.stat().st_mtime
        if age > _STALE and not is_alive(directory / "process.json"):
            shutil.rmtree(directory, ignore_errors=True)
