"""Stores the results of quality scans and face searches in the dataset's directory."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.image_reader import BOX
from fer_core.datasets.quality.measures import GONE
from fer_core.errors import FerError
from fer_core.storage import replacing, retry_while_locked

# Increase it when the same images would give another result: saved results become out of date.
_VERSION = 1

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
class ScanResult:
    """The result of a quality scan, by position in the index."""

    key: str  # `images_key` of the index
    started: str  # ISO 8601
    seconds: float  # duration
    table: np.ndarray  # of dtype TABLE

    @property
    def time(self) -> datetime:
        """When the scan started."""
        return datetime.fromisoformat(self.started)


@dataclass(frozen=True)
class FaceSearch:
    """The result of a face search in a random sample of the images."""

    key: str  # `images_key` of the index
    started: str  # ISO 8601
    positions: np.ndarray  # of the sample, ascending
    found: np.ndarray  # bool: whether MTCNN found a face

    @property
    def time(self) -> datetime:
        """When the search started."""
        return datetime.fromisoformat(self.started)


Result = TypeVar("Result", ScanResult, FaceSearch)
_NAME_ON_DISK = {"started": "looked"}  # fields whose name in the files is an older one


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
        FerError: the dataset was deleted.
    """
    try:
        folder(dataset).mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise FerError(f"{dataset.name} was deleted while it was being scanned.") from error
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
    result = _read(scan_result_file(dataset), ScanResult)
    return result if result is not None and result.table.dtype == TABLE else None


def read_face_search(dataset: Dataset) -> FaceSearch | None:
    """Reads the last face search, up to date or not; None if it is missing or damaged."""
    return _read(face_search_file(dataset), FaceSearch)


def _read(path: Path, kind: type[Result]) -> Result | None:
    try:
        with retry_while_locked(lambda: path.open("rb")) as opened, np.load(opened) as file:
            record: dict[str, Any] = json.loads(str(file["record"]))
            names = {each.name: _NAME_ON_DISK.get(each.name, each.name) for each in fields(kind)}
            values = {
                name: file[stored] if stored in file else record[stored]
                for name, stored in names.items()
            }
        return kind(**values)
    except Exception:  # damage raises errors of zipfile, NumPy or json; it can be computed again
        return None
