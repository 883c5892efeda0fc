"""Scans a dataset: measures every image and compares all pairs."""

import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.parallel import in_chunks
from fer_core.datasets.quality.duplicates import first_copies, near_groups
from fer_core.datasets.quality.measures import (
    READABLE,
    load_measures,
    measure_images,
    measures_file,
    move_to_cache,
    writing_measures,
)
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
from fer_core.errors import FerError
from fer_core.storage import DiskFullError, release_pages

Report = Callable[[int, int, str], None]  # done, total, message


def scan(name: str, report: Report) -> ScanResult:
    """Scans every image of a dataset and saves the result.

    Images that were measured before, at import or by the last scan, are not decoded again
    unless their files changed. An exception in `report` cancels the scan; the previous result
    is then kept.

    Raises:
        FerError: there is no such dataset, its index is damaged, or the disk is full.
    """
    started, clock = datetime.now().isoformat(), time.monotonic()
    dataset = _with_updated_index(name)
    temporary = make_folder(dataset) / ".measures.npy"
    try:
        table = _scan_images(dataset, temporary, report)
    finally:
        with contextlib.suppress(OSError):  # on Windows a mapped file stays until the next scan
            temporary.unlink(missing_ok=True)
    result = ScanResult(images_key(dataset.index), started, time.monotonic() - clock, table)
    make_folder(dataset)
    save(scan_result_file(dataset), result)
    return result


def _with_updated_index(name: str) -> Dataset:
    """Opens a dataset after updating its index for files that changed since the last read."""
    try:
        open_dataset(name).checked()
    except DiskFullError:
        raise
    except FerError:  # missing files are one of the findings
        pass
    return open_dataset(name)


def _scan_images(dataset: Dataset, temporary: Path, report: Report) -> np.ndarray:
    """Returns the TABLE of all images."""
    return compare_measures(_measures(dataset, temporary, report), report)


def compare_measures(measures: np.ndarray, report: Report) -> np.ndarray:
    """Returns the TABLE of images from their MEASURES, after comparing all pairs."""
    total = len(measures)
    table = np.zeros(total, TABLE)
    for column in ("problem", "height", "width", "mean", "deviation", "sharpness"):
        table[column] = measures[column]
    readable = measures["problem"] == READABLE
    own = np.arange(total, dtype=np.int32)
    first = np.where(readable, first_copies(measures["pixels"]), own)
    table["first"], table["near"] = first, first
    # An image without contrast correlates with any other.
    chosen = np.flatnonzero(readable & (first == own) & (measures["deviation"] >= NEARLY_FLAT))
    release_pages(measures)
    if len(chosen):
        _add_near(table, chosen, measures["sketch"], report)
    return table


def _measures(dataset: Dataset, temporary: Path, report: Report) -> np.ndarray:
    """Returns the MEASURES of all images: those cached at import, brought up to date."""
    key, total = dataset.last_pixels_key(), len(dataset.index)
    known = load_measures(measures_file(key))
    if known is None or len(known) != total:
        return _measure_all(dataset, key, temporary, report)
    report(total, total, f"Checked {total:,} of {total:,} images")
    changed = dataset.changed_files()
    if len(changed):
        known = np.array(known)
        known[changed] = measure_images(dataset.reader, changed.tolist())
    return known


def _measure_all(dataset: Dataset, key: str, temporary: Path, report: Report) -> np.ndarray:
    """Measures all images into a file, cached for the next scan if all are readable."""
    total, done, all_readable = len(dataset.index), 0, True
    reader = dataset.reader
    with writing_measures(temporary) as append:
        for chunk in in_chunks(lambda positions: measure_images(reader, positions), total):
            append(chunk)
            all_readable &= bool((chunk["problem"] == READABLE).all())
            done += len(chunk)
            report(done, total, f"Checked {done:,} of {total:,} images")
    path = temporary
    if all_readable:
        move_to_cache(temporary, key)
        path = measures_file(key)
    measures = load_measures(path)
    if measures is None:
        raise OSError(f"{path} has vanished while {dataset.name} was scanned.")
    return measures


def _add_near(table: np.ndarray, chosen: np.ndarray, sketches: np.ndarray, report: Report) -> None:
    """Fills `near` and `similarity`; exact copies get the values of the first one."""
    images = f"{len(chosen):,} distinct images"

    def report_pairs(done: int, total: int) -> None:
        report(done, total, f"Compared {done / total:.0%} of all pairs of {images}")

    groups, similarity = near_groups(sketches, chosen, report_pairs)
    table["near"][chosen] = chosen[groups]
    table["similarity"][chosen] = similarity
    for column in ("near", "similarity"):
        table[column] = table[column][table["first"]]
