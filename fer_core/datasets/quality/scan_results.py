"""Stores the results of quality scans and face searches in the dataset's directory."""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.image_reader import BOX
from fer_core.datasets.quality.measures import GONE
from fer_core.errors import FerError
from fer_core.storage import (
    DamagedFileError,
    Seconds,
    check_time,
    check_value,
    parse_json,
    read_arrays,
    replacing,
)
from fer_core.tasks import check_tree

# Increase it when the same images would give another result: saved results become out of date.
_VERSION = 3

TABLE = np.dtype(
    [
        ("problem", "u1"),  # `measures.READABLE`, `GONE` or `DAMAGED`
        ("height", "i4"),
        ("width", "i4"),
        ("mean", "f4"),
        ("deviation", "f4"),
        ("sharpness", "f4"),
        ("first", "i4"),  # position of the first image with the same pixels, maybe its own
        ("near", "i4"),  # position of the first near duplicate of its group, maybe its own
        ("similarity", "f4"),  # highest correlation within that group; 0 if alone
    ]
)


@dataclass(frozen=True)
class _Search:
    """Holds what both results have in common."""

    key: str  # `images_key` of the index
    started: str  # ISO 8601

    def __post_init__(self) -> None:
        check_value(str, self.key)
        check_time(check_value(str, self.started))

    @property
    def time(self) -> datetime:
        """Returns when the search started."""
        return datetime.fromisoformat(self.started)


@dataclass(frozen=True)
class ScanResult(_Search):
    """Holds the result of a quality scan, by position in the index."""

    seconds: Seconds  # duration
    table: np.ndarray  # of dtype TABLE

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value(Seconds, self.seconds)


@dataclass(frozen=True)
class FaceSearch(_Search):
    """Holds the result of a face search in a random sample of the images."""

    positions: np.ndarray  # of the sample, ascending
    found: np.ndarray  # bool: whether MTCNN found a face


Result = TypeVar("Result", ScanResult, FaceSearch)
_ARRAYS: dict[type, tuple[str, ...]] = {ScanResult: ("table",), FaceSearch: ("positions", "found")}
_NAME_ON_DISK = {"started": "looked"}  # fields whose name in the files is an older one
_NAME_IN_MEMORY = {stored: name for name, stored in _NAME_ON_DISK.items()}
_MAX_FILE_BYTES = 500_000_000  # of the results of ten million images


def images_key(index: pd.DataFrame) -> str:
    """Identifies the images in their order, regardless of labels and splits: 32 hex digits."""
    digest = hashlib.blake2b(f"v{_VERSION}".encode(), digest_size=16)
    for name in ("path", "row", "content", *BOX):
        if name in index:
            digest.update("\n".join(index[name].astype("str").fillna("").tolist()).encode())
    return digest.hexdigest()


def has_changed(dataset: Dataset, result: ScanResult) -> bool:
    """Returns whether images changed since the scan, by the index and by their files.

    Calls `stat` on every file.
    """
    if images_key(dataset.index) != result.key:
        return True
    first = ~dataset.index["path"].duplicated().to_numpy()
    names = dataset.index["path"].to_numpy()[first].tolist()
    existed = (result.table["problem"][first] != GONE).tolist()
    root, then = str(dataset.root), result.time.timestamp()
    return any(
        _file_has_changed(f"{root}/{name}", before, then)
        for name, before in zip(names, existed, strict=True)
    )


def _file_has_changed(path: str, existed: bool, then: float) -> bool:
    try:
        return os.stat(path).st_mtime > then or not existed  # noqa: PTH116 (three times as fast)
    except OSError:
        return existed


def scan_result_file(dataset: Dataset) -> Path:
    """Returns where the scan result is stored."""
    return folder(dataset) / "seen.npz"


def face_search_file(dataset: Dataset) -> Path:
    """Returns where the face search result is stored."""
    return folder(dataset) / "faces.npz"


def folder(dataset: Dataset) -> Path:
    """Returns the folder of all quality results; it may be deleted."""
    return dataset.directory / "quality"


def make_folder(dataset: Dataset) -> Path:
    """Creates the folder if it is missing.

    Raises:
        FerError: the dataset was deleted, or the folder is a link or has one.
    """
    try:
        folder(dataset).mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise FerError(f"{dataset.name} was deleted while it was being scanned.") from error
    except FileExistsError as error:
        raise FerError(f"{folder(dataset)} must be a folder. Delete it, and scan again.") from error
    check_tree(folder(dataset))
    return folder(dataset)


def save(path: Path, result: ScanResult | FaceSearch) -> None:
    """Writes a result atomically."""
    values = {_NAME_ON_DISK.get(name, name): value for name, value in asdict(result).items()}
    arrays: dict[str, Any] = {
        name: value for name, value in values.items() if isinstance(value, np.ndarray)
    }
    record = {name: value for name, value in values.items() if name not in arrays}
    with replacing(path) as temporary:
        np.savez(temporary, record=np.array(json.dumps(record)), **arrays)


def read_scan_result(dataset: Dataset) -> ScanResult | None:
    """Reads the last scan result, up to date or not; None if it is missing or damaged."""
    with suppress(DamagedFileError):
        return _load_scan(dataset)
    return None


def read_face_search(dataset: Dataset) -> FaceSearch | None:
    """Reads the last face search, up to date or not; None if it is missing or damaged."""
    with suppress(DamagedFileError):
        return _load_search(dataset)
    return None


def damaged_results(dataset: Dataset) -> list[str]:
    """Returns a sentence for each result that was saved and cannot be read."""
    sentences = []
    for load in (_load_scan, _load_search):
        try:
            load(dataset)
        except DamagedFileError as error:
            sentences.append(str(error))
    return sentences


def _load_scan(dataset: Dataset) -> ScanResult | None:
    return _read(scan_result_file(dataset), ScanResult, lambda result: _is_table(result.table))


def _load_search(dataset: Dataset) -> FaceSearch | None:
    return _read(face_search_file(dataset), FaceSearch, _is_search)


def _is_table(table: np.ndarray) -> bool:
    if table.dtype != TABLE or table.ndim != 1:
        return False
    positions = np.array([table["first"], table["near"]])
    measures = np.array([table[name] for name in ("mean", "deviation", "sharpness", "similarity")])
    return bool(((positions >= 0) & (positions < len(table))).all() and np.isfinite(measures).all())


def _is_search(search: FaceSearch) -> bool:
    positions, found = search.positions, search.found
    if positions.ndim != 1 or positions.dtype.kind != "i" or found.dtype != bool:
        return False
    return positions.shape == found.shape and bool((positions >= 0).all())


def _read(path: Path, kind: type[Result], is_valid: Callable[[Result], bool]) -> Result | None:
    """Reads a result; None if there is none.

    Raises:
        DamagedFileError: it cannot be read. It can be computed again.
    """
    try:
        arrays = read_arrays(path, max_bytes=_MAX_FILE_BYTES)
        stored = check_value(dict[str, Any], parse_json(str(arrays["record"])))
        values: dict[str, Any] = {name: arrays[name] for name in _ARRAYS[kind]}
        about = {_NAME_IN_MEMORY.get(name, name): value for name, value in stored.items()}
        result = kind(**about, **values)
        if not is_valid(result):
            raise FerError("It has invalid values.")
    except FileNotFoundError:
        return None
    except DamagedFileError:
        raise
    except (FerError, KeyError, TypeError) as error:
        raise DamagedFileError(path, f"must hold a scan's result. {error}") from error
    return result
