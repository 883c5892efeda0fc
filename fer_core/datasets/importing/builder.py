"""Builds a dataset's directory, completely or not at all."""

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.clusters import with_clusters
from fer_core.datasets.importing.entry_check import check_entries
from fer_core.datasets.importing.image_check import ImageCheck, validate_images
from fer_core.datasets.index import pixels_key, write_index
from fer_core.datasets.layouts.layout import Report
from fer_core.datasets.layouts.plan import ImportPlan
from fer_core.datasets.names import check_name
from fer_core.datasets.quality.measures import move_to_cache
from fer_core.datasets.registry import open_dataset
from fer_core.datasets.split_notes import split_notes
from fer_core.datasets.splits import VALIDATION_FRACTION, complete_splits
from fer_core.expressions import sort_classes
from fer_core.storage import paths, write_json
from fer_core.tasks import is_alive, process_record
from fer_core.text import Tally, counted, some

_STALE = 3600.0  # seconds after which an unfinished directory without its process is removed


def build_dataset(
    name: str,
    read: Callable[[Path], ImportPlan],
    report: Report,
    *,
    split_seed: int = 0,
    validation_fraction: float = VALIDATION_FRACTION,
    test_fraction: float = 0.0,
) -> Dataset:
    """Builds a dataset by the plan that `read` returns.

    Decodes every image once, so that unreadable ones are skipped before training, and caches
    the measures that the quality scan needs.

    Args:
        read: gets the new dataset's directory, into which it may copy files.

    Raises:
        FerError: the name is invalid or taken, the plan leaves questions open, or no image can
            be read.
    """
    check_name(name)
    _remove_abandoned()
    directory = paths.datasets_root() / f".import-{uuid.uuid4().hex[:8]}"
    directory.mkdir(parents=True)
    try:
        write_json(directory / "process.json", process_record())
        plan = read(directory)
        plan.check_decided()
        plan = check_entries(plan)
        measures = directory / "measures.npy"
        check = validate_images(plan.index, plan.root, measures, report)
        own = {*check.index["split"]}
        draws = "val" not in own or (test_fraction > 0 and "test" not in own)
        clustered, copies = with_clusters(check.index, measures, report, compare=draws)
        index = complete_splits(clustered, validation_fraction, split_seed, test_fraction)
        notes = [*_notes(plan, check, index, split_seed), *copies]
        write_index(directory, _ordered(index))
        np.save(directory / "mean_faces.npy", check.mean_faces)
        record = {
            **_record(plan, directory, check),
            "images": len(index),
            "split_seed": split_seed,
            "validation_fraction": validation_fraction,
            "notes": notes,
        }
        write_json(directory / "data_set.json", record)
        move_to_cache(measures, pixels_key(index, index["content"]))
        (directory / "process.json").unlink()
        check_name(name)  # another import may have taken it in the meantime
        directory.rename(paths.datasets_root() / name)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return open_dataset(name)


def _record(plan: ImportPlan, directory: Path, check: ImageCheck) -> dict[str, Any]:
    """Returns what is kept of the plan and the images."""
    return {
        "layout": plan.layout,
        "root": _root(plan.root, directory),
        "gray": check.is_gray,
        "choices": plan.choices.as_record(),
        "conventions": {
            "numbering": plan.parsed.conventions.numbering,
            "meanings": dict(plan.parsed.conventions.meanings),
        },
        "own_splits": sorted({*check.index["split"]} - {""}),
    }


def _notes(plan: ImportPlan, check: ImageCheck, index: pd.DataFrame, seed: int) -> list[str]:
    return [
        plan.parsed.summary(check.index),
        *plan.notes,
        *_damaged_note(check.damaged),
        *split_notes(check.index, index, seed),
        *_training_problems(index),
    ]


def _ordered(index: pd.DataFrame) -> pd.DataFrame:
    first = ["path", "row", "expression", "split", "source_split"]
    return index[first + [name for name in index.columns if name not in first]]


def _root(root: Path, directory: Path) -> str:
    """Returns a root inside the dataset's directory as a relative path: workspaces can be moved."""
    if root.is_relative_to(directory):
        return root.relative_to(directory).as_posix()
    return str(root.resolve())


def _damaged_note(messages: Tally) -> list[str]:
    if not messages:
        return []
    return [f"Skipped {counted(len(messages), 'unreadable image')}: {messages}"]


def _training_problems(index: pd.DataFrame) -> list[str]:
    """Describes why training will refuse this dataset or some of its classes."""
    counts = pd.crosstab(index["expression"], index["split"])
    if "train" not in counts:
        return ["There are no training images: you can browse this dataset, but not train on it."]
    notes = []
    if len(counts) < 2:
        notes.append(
            f"The only expression is {counts.index[0]}: training needs at least two expressions."
        )
    without = sort_classes(counts.index[counts["train"] == 0])
    if without:
        notes.append(
            f"There are no training images of {some(without, 10)}: deselect them when you train."
        )
    if "val" not in counts:
        notes.append(
            "There are no validation images, and no expression has two different images to draw "
            "one from: you cannot train on this dataset."
        )
    return notes


def _remove_abandoned() -> None:
    """Removes what killed imports and deletions left behind."""
    root = paths.datasets_root()
    for directory in [*root.glob(".import-*"), *root.glob(".deleted-*")]:
        with contextlib.suppress(OSError):  # a link to itself, or removed by another session
            age = time.time() - directory.lstat().st_mtime
            if age > _STALE and not is_alive(directory / "process.json"):
                shutil.rmtree(directory, ignore_errors=True)
