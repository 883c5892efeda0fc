"""Looks at every image of a data set, and compares each with each."""

import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.duplicates import Comparable, first_copies, near_groups
from fer_core.datasets.quality.measures import READABLE, SIDE, measure
from fer_core.datasets.quality.scan_results import (
    TABLE,
    ScanResult,
    images_key,
    make_folder,
    save,
    scan_result_file,
)
from fer_core.datasets.quality.thresholds import NEARLY_FLAT
from fer_core.datasets.registry import open_dataset
from fer_core.storage import writing_array

Report = Callable[[int, int, str], None]  # done, of how much, and a sentence


def scan(name: str, report: Report) -> ScanResult:
    """Looks at every image of the data set of that name and keeps what it saw.

    What `report` raises ends it, and what was kept before stays.

    Raises:
        ValueError: there is no such data set, its index is damaged, or the disk is full.
    """
    looked, started = datetime.now().isoformat(), time.monotonic()
    dataset = _up_to_date(name)
    sketches_file = make_folder(dataset) / ".sketches.npy"
    try:
        table = _look(dataset, sketches_file, report)
    finally:
        with contextlib.suppress(OSError):  # on Windows a mapped file stays until the next time
            sketches_file.unlink(missing_ok=True)
    seen = ScanResult(images_key(dataset.index), looked, time.monotonic() - started, table)
    make_folder(dataset)
    save(scan_result_file(dataset), seen)
    return seen


def _up_to_date(name: str) -> Dataset:
    """The data set, after its index has learned of files that changed since they were read."""
    with contextlib.suppress(ValueError):  # some have vanished: that is one of the findings
        open_dataset(name).fingerprint()
    return open_dataset(name)


def _look(dataset: Dataset, sketches_file: Path, report: Report) -> np.ndarray:
    """The TABLE of what was seen; the sketches are in the file while it lasts."""
    total = len(dataset.index)
    parts, lows = [], []
    pictures, done = dataset.pictures, 0
    with writing_array(sketches_file, (SIDE, SIDE)) as append:
        for measured in in_chunks(lambda positions: measure(pictures, positions), total):
            append(measured.sketches)
            parts.append(measured.measures)
            lows.append(measured.low)
            done += len(measured.measures)
            report(done, total, f"Looked at {done:,} of {total:,} images")
    measures, low = np.concatenate(parts), np.concatenate(lows)
    del parts, lows
    table = np.zeros(total, TABLE)
    for column in ("problem", "height", "width", "mean", "deviation", "sharpness"):
        table[column] = measures[column]
    readable = measures["problem"] == READABLE
    own = np.arange(total, dtype=np.int32)
    first = np.where(readable, first_copies(measures["pixels"]), own)
    table["first"], table["near"] = first, first
    # A picture without contrast is like any other one.
    chosen = np.flatnonzero(readable & (first == own) & (measures["deviation"] >= NEARLY_FLAT))
    if len(chosen):
        sketches = np.load(sketches_file, mmap_mode="r")
        comparable = Comparable(measures["hash"][chosen], low[chosen], sketches, chosen)
        del low
        _add_near(table, chosen, comparable, report)
    return table


def _add_near(
    table: np.ndarray, chosen: np.ndarray, comparable: Comparable, report: Report
) -> None:
    """Fills `near` and `similarity`; copies of a picture belong where their first one does."""
    pictures = f"{len(chosen):,} different images"

    def tell(done: int, total: int) -> None:
        report(done, total, f"Compared {done / total:.0%} of all pairs of {pictures}")

    groups, similarity = near_groups(comparable, tell)
    table["near"][chosen] = chosen[groups]
    table["similarity"][chosen] = similarity
    for column in ("near", "similarity"):
        table[column] = table[column][table["first"]]
