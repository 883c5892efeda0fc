"""A map of faces: those that a network's last features hardly tell apart lie side by side.

It is drawn of the images that a run has answered, in a process of its own, and kept beside what the
run answered elsewhere: that of a run which ships with the program in the workspace.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from fer_core import tasks
from fer_core.errors import FerError
from fer_core.evaluation.cross_dataset import predictions_file
from fer_core.runs import Run
from fer_core.storage import paths, replacing
from fer_core.tasks import Task, queue

KIND = "map"  # of a task
PCA, UMAP = "pca", "umap"
MIN_MAP_IMAGES = 3  # images of a map
MAX_MAP_IMAGES = 40_000  # images of a map; more are a sample, in which every class keeps its share


@dataclass(frozen=True, eq=False)
class FaceMap:
    """Where the images lie that were answered, or a sample of them."""

    rows: np.ndarray  # int (n,), of the predictions, ascending
    points: np.ndarray  # float32 (n, 2)
    method: str  # one of `methods`
    explained: tuple[float, ...]  # by PCA: the share of all variance along each axis
    predictions: str  # `digest` of the file that it was drawn for
    made: str  # when, as ISO 8601

    @property
    def time(self) -> datetime:
        """When it was drawn."""
        return datetime.fromisoformat(self.made)


def methods() -> tuple[str, ...]:
    """The ways to lay features into a plane that this machine has: UMAP is no requirement."""
    return (PCA, UMAP) if find_spec("umap") else (PCA,)


def answers_file(run: Run, dataset: str, split: str) -> Path:
    """The predictions that a map is of: the run's own, or those for other data.

    Raises:
        FerError: as `elsewhere.predictions_file`.
    """
    elsewhere = predictions_file(run, dataset, split)
    own = dataset == run.config.dataset and split in ("val", "test")
    return run.predictions_file(split) if own else elsewhere


def map_file(run: Run, dataset: str, split: str, method: str) -> Path:
    """Where the map lies, or will lie.

    Raises:
        FerError: as `elsewhere.predictions_file`; there is no such method.
    """
    predictions_file(run, dataset, split)
    if method not in (PCA, UMAP):
        raise FerError(f"A map must be drawn by {PCA} or {UMAP}. Received: {method}")
    root = paths.workspace() / "evaluations" / run.id if run.is_pretrained else run.directory
    return root / "maps" / dataset / f"{split}-{method}.npz"


def digest(predictions: Path) -> str:
    """Tells one file of predictions from another; empty where there is none."""
    try:
        return blake2b(predictions.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def save_map(file: Path, drawn: FaceMap) -> None:
    """Writes a map, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    record = {k: v for k, v in asdict(drawn).items() if k not in ("rows", "points")}
    with replacing(file) as temporary:
        np.savez(temporary, rows=drawn.rows, points=drawn.points, record=json.dumps(record))


def read_map(file: Path) -> FaceMap | None:
    """The map; None where there is none, or it is damaged: it can be drawn again."""
    try:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as parts:
            record = json.loads(str(parts["record"]))
            record["explained"] = tuple(map(float, record["explained"]))
            found = FaceMap(rows=parts["rows"], points=parts["points"], **record)
            datetime.fromisoformat(found.made)
    except (OSError, ValueError, TypeError, KeyError, EOFError, AttributeError, BadZipFile):
        return None
    return found if found.points.shape == (len(found.rows), 2) else None


def sample(expressions: pd.Series, most: int = MAX_MAP_IMAGES, seed: int = 0) -> np.ndarray:
    """Positions to draw, ascending: all, or at random as many as `most`, by class.

    Every class keeps its share, and one image at least.
    """
    if len(expressions) <= most:
        return np.arange(len(expressions))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(expressions))
    within = expressions.iloc[order].groupby(expressions.iloc[order], sort=False).cumcount()
    sizes = expressions.map(expressions.value_counts()).iloc[order]
    # The share of its class that comes before an image; the first of each class comes before all.
    rank = within.to_numpy() / sizes.to_numpy()
    return np.sort(order[np.argsort(rank, kind="stable")[:most]])


def submit_map(run: Run, dataset: str, split: str, method: str = PCA) -> Task:
    """Asks for a map of the images that the run has answered.

    Raises:
        FerError: as `check`, or it is being drawn already.
    """
    check(run, dataset, split, method)
    arguments = {"run": run.id, "dataset": dataset, "split": split, "method": method}
    with queue.lock():
        if any(_asks(task, arguments) and task.state.is_active for task in tasks.list_tasks(KIND)):
            raise FerError(f"The map of {run.id} and {dataset} is being drawn already.")
        return queue.submit(tasks.new_directory(paths.tasks_root(), KIND), KIND, arguments)


def maps_of(run: Run, dataset: str, split: str) -> list[Task]:
    """The tasks that draw, or drew, maps of these answers; the newest first."""
    about = {"run": run.id, "dataset": dataset, "split": split}
    return [task for task in tasks.list_tasks(KIND) if _asks(task, about)]


def check(run: Run, dataset: str, split: str, method: str) -> Path:
    """Sees whether a map can be drawn; gives the predictions that it is of.

    Raises:
        FerError: the run has no model or still trains, has not answered these images (those of
            a sealed test split among them), or there is no such method.
    """
    map_file(run, dataset, split, method)
    if method not in methods():
        raise FerError(
            "For a map by UMAP the package umap-learn must be installed. It is not: "
            "pip install umap-learn"
        )
    if run.model_file is None or run.state.is_active:
        raise FerError(
            f"A run must have ended with a model for a map of its features. {run.id} is "
            f"{run.state}{'' if run.model_file else ' and has none'}."
        )
    file = answers_file(run, dataset, split)
    if not file.exists():
        raise FerError(
            f"{run.id} must have answered the images of {dataset}, {split}, first. It has not."
        )
    return file


def _asks(task: Task, arguments: Mapping[str, Any]) -> bool:
    asked = task.request.arguments if task.request else {}
    return arguments.items() <= asked.items()
