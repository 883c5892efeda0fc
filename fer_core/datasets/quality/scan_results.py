"""What a look at every image of a data set saw, kept beside the data set's index."""

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

# Raise it when the same pictures would be seen differently: what was kept before is out of date.
_VERSION = 1

TABLE = np.dtype(
    [
        ("problem", "u1"),  # as `measures.READABLE`, `GONE` and `DAMAGED`
        ("height", "i4"),
        ("width", "i4"),
        ("mean", "f4"),
        ("deviation", "f4"),
        ("sharpness", "f4"),
        ("first", "i4"),  # position of the first image with the same pixels; maybe its own
        ("near", "i4"),  # position of the first of a group of near duplicates; maybe its own
        ("similarity", "f4"),  # correlation with another of that group; 0 where there is none
    ]
)


@dataclass(frozen=True)
class ScanResult:
    """What was seen, by position in the index."""

    key: str  # `images_key` of the index
    looked: str  # when it began, ISO 8601
    seconds: float  # that it took
    table: np.ndarray  # of the type TABLE

    @property
    def time(self) -> datetime:
        """When the look began."""
        return datetime.fromisoformat(self.looked)


@dataclass(frozen=True)
class FaceSearch:
    """In which images of a random sample a face was found."""

    key: str  # `images_key` of the index
    looked: str  # when it began, ISO 8601
    positions: np.ndarray  # of the sample, ascending
    found: np.ndarray  # bool

    @property
    def time(self) -> datetime:
        """When the search began."""
        return datetime.fromisoformat(self.looked)


Kept = TypeVar("Kept", ScanResult, FaceSearch)


def images_key(index: pd.DataFrame) -> str:
    """Identifies the images in their order, whatever their labels and splits: 32 hex digits."""
    digest = hashlib.blake2b(f"v{_VERSION}".encode(), digest_size=16)
    for name in ("path", "row", "content", *BOX):
        if name in index:
            digest.update("\n".join(index[name].astype("str").fillna("").tolist()).encode())
    return digest.hexdigest()


def has_changed(dataset: Dataset, seen: ScanResult) -> bool:
    """Whether the images are others than those that were seen, by the index and by their files.

    Asks the system for every file.
    """
    if images_key(dataset.index) != seen.key:
        return True
    first = ~dataset.index["path"].duplicated().to_numpy()
    names = dataset.index["path"].to_numpy()[first].tolist()
    was_there = (seen.table["problem"][first] != GONE).tolist()
    root, then = str(dataset.root), seen.time.timestamp()
    return any(
        _has_changed(f"{root}/{name}", was, then)
        for name, was in zip(names, was_there, strict=True)
    )


def _has_changed(path: str, was_there: bool, then: float) -> bool:
    try:
        return os.stat(path).st_mtime > then or not was_there  # noqa: PTH116 (a third of the time)
    except OSError:
        return was_there


def scan_result_file(dataset: Dataset) -> Path:
    """Where what was seen is kept."""
    return folder(dataset) / "seen.npz"


def face_search_file(dataset: Dataset) -> Path:
    """Where it is kept in which images a face was found."""
    return folder(dataset) / "faces.npz"


def folder(dataset: Dataset) -> Path:
    """What was computed about the quality of the images lies in it; it may be deleted."""
    return dataset.directory / "quality"


def make_folder(dataset: Dataset) -> Path:
    """The folder, made where it is missing.

    Raises:
        FerError: the data set was deleted.
    """
    try:
        folder(dataset).mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise FerError(f"{dataset.name} must be there to be looked at. It was deleted.") from error
    return folder(dataset)


def save(path: Path, kept: ScanResult | FaceSearch) -> None:
    """Writes it, whole or not at all."""
    named = asdict(kept)
    arrays: dict[str, Any] = {
        name: value for name, value in named.items() if isinstance(value, np.ndarray)
    }
    record = {name: value for name, value in named.items() if name not in arrays}
    with replacing(path) as temporary:
        np.savez(temporary, record=np.array(json.dumps(record)), **arrays)


def read_scan_result(dataset: Dataset) -> ScanResult | None:
    """What the last look saw, up to date or not; None where there was none, or it is damaged."""
    seen = _read(scan_result_file(dataset), ScanResult)
    return seen if seen is not None and seen.table.dtype == TABLE else None


def read_face_search(dataset: Dataset) -> FaceSearch | None:
    """The last search, up to date or not; None where there was none, or it is damaged."""
    return _read(face_search_file(dataset), FaceSearch)


def _read(path: Path, kind: type[Kept]) -> Kept | None:
    try:
        with retry_while_locked(lambda: path.open("rb")) as opened, np.load(opened) as file:
            values: dict[str, Any] = json.loads(str(file["record"]))
            values |= {each.name: file[each.name] for each in fields(kind) if each.name in file}
        return kind(**values)
    except Exception:  # whatever zip, NumPy or JSON say of damage: it can be computed again
        return None
