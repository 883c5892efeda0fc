"""Stores feature maps: the model's penultimate features, projected to two dimensions.

A map covers the images that a run has predictions for. It is computed in a worker process and
stored in the run's directory; that of a pretrained model in the workspace.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.evaluation.cross_dataset import outputs, predictions_file
from fer_core.runs import Run
from fer_core.storage import (
    MAX_TABLE_BYTES,
    DamagedFileError,
    Fraction,
    check_time,
    check_value,
    parse_json,
    paths,
    read_arrays,
    read_bytes,
    replacing,
)
from fer_core.tasks import Task, kinds, queue

PCA, UMAP = "pca", "umap"
MIN_MAP_IMAGES = 3
MAX_MAP_IMAGES = 40_000  # of more images, a stratified sample is taken
_MAX_FILE_BYTES = 10_000_000  # a map of so many images takes 640 kB


@dataclass(frozen=True, eq=False)
class FaceMap:
    """Holds the projected features of the predicted images, or of a sample of them."""

    rows: np.ndarray  # int (n,), of the predictions, ascending
    points: np.ndarray  # float32 (n, 2)
    method: str  # one of `methods`
    explained: tuple[float, ...]  # explained variance ratio of each axis; PCA only
    predictions: str  # `digest` of the predictions file
    made: str  # time, ISO 8601

    def __post_init__(self) -> None:
        check_time(self.made)

    @property
    def time(self) -> datetime:
        """Returns when the map was computed."""
        return datetime.fromisoformat(self.made)


def methods() -> tuple[str, ...]:
    """Returns the projection methods available on this machine; UMAP is optional."""
    return (PCA, UMAP) if find_spec("umap") else (PCA,)


def mapped_file(run: Run, dataset: str, split: str) -> Path:
    """Returns the predictions that a map covers: the run's own, or those for other data.

    Raises:
        FerError: as in `cross_dataset.predictions_file`.
    """
    other = predictions_file(run, dataset, split)
    is_own = dataset == run.config.dataset and split in ("val", "test")
    return run.predictions_file(split) if is_own else other


def map_file(run: Run, dataset: str, split: str, method: str) -> Path:
    """Returns the path of a map; it may not exist yet.

    Raises:
        FerError: as in `cross_dataset.predictions_file`, or there is no such method.
    """
    predictions_file(run, dataset, split)
    if method not in (PCA, UMAP):
        raise FerError(f"The projection must be {PCA} or {UMAP}. Received: {method}")
    return outputs(run) / "maps" / dataset / f"{split}-{method}.npz"


def digest(predictions: Path) -> str:
    """Returns a hash of a predictions file, empty if there is none."""
    try:
        data = read_bytes(predictions, max_bytes=MAX_TABLE_BYTES)
        return blake2b(data, digest_size=16).hexdigest()
    except (FileNotFoundError, DamagedFileError):
        return ""


def save_map(file: Path, face_map: FaceMap) -> None:
    """Writes a map atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    record = {k: v for k, v in asdict(face_map).items() if k not in ("rows", "points")}
    with replacing(file) as temporary:
        np.savez(temporary, rows=face_map.rows, points=face_map.points, record=json.dumps(record))


def read_map(file: Path) -> FaceMap | None:
    """Reads a map; None if there is none.

    Raises:
        DamagedFileError: it cannot be read. It can be computed again.
    """
    try:
        arrays = read_arrays(file, max_bytes=_MAX_FILE_BYTES)
        rows, points = arrays["rows"], arrays["points"]
        record = check_value(dict[str, Any], parse_json(str(arrays["record"])))
        explained = check_value(tuple[Fraction, ...], record.pop("explained"))
        texts = check_value(dict[str, str], record)
        face_map = FaceMap(rows=rows, points=points, explained=explained, **texts)
        if not _are_map(rows, points):
            raise FerError("It has invalid values.")
    except FileNotFoundError:
        return None
    except DamagedFileError:
        raise
    except (FerError, KeyError, TypeError) as error:
        raise DamagedFileError(file, f"must hold a feature map. {error}") from error
    return face_map


def _are_map(rows: np.ndarray, points: np.ndarray) -> bool:
    are_numbers = rows.dtype.kind == "i" and points.dtype.kind == "f" and rows.ndim == 1
    if not are_numbers or points.shape != (len(rows), 2) or not np.isfinite(points).all():
        return False
    return not len(rows) or bool(rows[0] >= 0 and (np.diff(rows) > 0).all())


def sample(expressions: pd.Series, most: int = MAX_MAP_IMAGES, seed: int = 0) -> np.ndarray:
    """Returns the positions to map, ascending: all, or a stratified random sample of `most`.

    Every class keeps its share and has at least one image.
    """
    if len(expressions) <= most:
        return np.arange(len(expressions))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(expressions))
    within = expressions.iloc[order].groupby(expressions.iloc[order], sort=False).cumcount()
    sizes = expressions.map(expressions.value_counts()).iloc[order]
    # The fraction of its class that precedes an image; 0 for the first image of each class.
    rank = within.to_numpy() / sizes.to_numpy()
    return np.sort(order[np.argsort(rank, kind="stable")[:most]])


def submit_map(run: Run, dataset: str, split: str, method: str = PCA) -> Task:
    """Queues computing a map of the images that the run has predictions for.

    Raises:
        FerError: as in `check`, or the map is queued already.
    """
    check(run, dataset, split, method)
    arguments = {"run": run.id, "dataset": dataset, "split": split, "method": method}
    with queue.lock():
        every = tasks.list_tasks(kinds.MAP)
        if any(_has_arguments(task, arguments) and task.state.is_active for task in every):
            raise FerError(f"The map of {run.id} on {dataset} is already being computed.")
        return queue.submit(
            tasks.new_directory(paths.tasks_root(), kinds.MAP), kinds.MAP, arguments
        )


def maps_of(run: Run, dataset: str, split: str) -> list[Task]:
    """Returns the tasks that compute, or computed, maps of a split; the newest first."""
    arguments = {"run": run.id, "dataset": dataset, "split": split}
    return [task for task in tasks.list_tasks(kinds.MAP) if _has_arguments(task, arguments)]


def check(run: Run, dataset: str, split: str, method: str) -> Path:
    """Checks that a map can be computed, and returns the predictions that it covers.

    Raises:
        FerError: the run has no model or is still training, has no predictions for these images
            (as for a sealed test split), or the method is not available.
    """
    map_file(run, dataset, split, method)
    if method not in methods():
        raise FerError(
            "UMAP needs the package umap-learn, which is not installed: pip install umap-learn"
        )
    if run.model_file is None or run.state.is_active:
        raise FerError(
            f"A run must have ended with a model to map its features. {run.id} is "
            f"{run.state}{'' if run.model_file else ' and has no model'}."
        )
    run.require_keras("A feature map")
    file = mapped_file(run, dataset, split)
    if not file.exists():
        raise FerError(
            f"{run.id} has no predictions for {dataset}, {split}. Evaluate it on them first."
        )
    return file


def _has_arguments(task: Task, arguments: Mapping[str, Any]) -> bool:
    requested = task.request.arguments if task.request else {}
    return arguments.items() <= requested.items()
