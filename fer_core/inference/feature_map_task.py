"""Draws a map of faces from a network's features, those before its last layer."""

import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA as Projection

from fer_core import evaluation, models
from fer_core.datasets import Dataset, in_chunks, open_dataset
from fer_core.errors import FerError
from fer_core.evaluation import MIN_MAP_IMAGES, PCA, FaceMap
from fer_core.inference.recognition import Classifier
from fer_core.runs import Run, open_run, read_predictions
from fer_core.storage import write_json
from fer_core.tasks import ProgressReporter, Task

_NEIGHBOURS = 15  # of an image, which UMAP keeps together
_BEFORE_UMAP = 50  # dimensions that PCA leaves to it

Progress = Callable[[int, int], None]


def run_map(task: Task) -> None:
    """Does a task of kind "map"; the worker's entry."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    asked = task.request.arguments
    progress = ProgressReporter(task, f"Looking at {asked['dataset']} through the network")
    draw_map(open_run(asked["run"]), asked["dataset"], asked["split"], asked["method"], progress)
    write_json(task.directory / "result.json", dict(asked))


def draw_map(
    run: Run, dataset: str, split: str, method: str = PCA, progress: Progress | None = None
) -> FaceMap:
    """Draws the map of the images that the run has answered, and keeps it.

    Args:
        progress: called with the images done and their number; what it raises ends the drawing,
            and a map that was there before stays.

    Raises:
        FerError: as `face_map.check`; fewer than `face_map.FEWEST` of the images are in the data
            set, or one of them cannot be read.
    """
    predictions = evaluation.check(run, dataset, split, method)
    print_of_it = evaluation.digest(predictions)
    rows, positions = _choose(predictions, open_dataset(dataset))
    features = _features(run, open_dataset(dataset), positions, progress)
    points, explained = _pca(features) if method == PCA else (_umap(features), ())
    made = datetime.now().isoformat(timespec="seconds")
    drawn = FaceMap(rows, points.astype(np.float32), method, explained, print_of_it, made)
    evaluation.save_map(evaluation.map_file(run, dataset, split, method), drawn)
    return drawn


def _choose(predictions: Path, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the predictions that are drawn, and where in the data set their images are."""
    table = read_predictions(predictions)
    if table is None:
        raise FerError(f"There must be predictions in {predictions}. There are none.")
    positions = evaluation.find_images(table, dataset.index)
    there = np.flatnonzero(positions >= 0)
    if len(there) < MIN_MAP_IMAGES:
        raise FerError(
            f"At least {MIN_MAP_IMAGES} of the images must be in the data set "
            f"{dataset.name} for a map. "
            f"Received: {len(there)} of {len(positions):,}"
        )
    labels = pd.Series(table["expression"].to_numpy(str)[there])
    rows = there[evaluation.sample(labels)]
    return rows, positions[rows]


def _features(
    run: Run, dataset: Dataset, positions: np.ndarray, progress: Progress | None
) -> np.ndarray:
    """What the last layer gets of each image: float32 (n, features)."""
    classifier = Classifier.load(run)
    model = classifier.model
    trunk = keras.Model(model.inputs, model.layers[-1].input)

    def pixels(places: range) -> np.ndarray:
        return np.stack([classifier.pixels(dataset.image(int(positions[i]))) for i in places])

    done, found = 0, []
    for chunk in in_chunks(pixels, len(positions)):
        found.append(models.predict(trunk, chunk))
        done += len(chunk)
        if progress is not None:
            progress(done, len(positions))
    features = np.concatenate(found)
    return features.reshape(len(features), -1)


def _pca(features: np.ndarray, dimensions: int = 2) -> tuple[np.ndarray, tuple[float, ...]]:
    """The coordinates along the directions in which the features differ most, and their shares."""
    dimensions = min(dimensions, *features.shape)
    with warnings.catch_warnings():
        # Features that are all the same have no variance to take a share of.
        warnings.simplefilter("ignore", RuntimeWarning)
        projection = Projection(dimensions, random_state=0)
        points = projection.fit_transform(features)
    shares = np.nan_to_num(projection.explained_variance_ratio_)
    if points.shape[1] < 2:  # a network with a single feature
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    return points, tuple(float(share) for share in shares)


def _umap(features: np.ndarray) -> np.ndarray:
    """The plane in which neighbours stay neighbours (McInnes, Healy and Melville, 2018)."""
    from umap import UMAP

    reduced, _ = _pca(features, _BEFORE_UMAP)
    neighbours = min(_NEIGHBOURS, len(features) - 1)
    # With a seed UMAP works in one thread, and says so, unless it is told to.
    reducer = UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1)
    return np.asarray(reducer.fit_transform(reduced))
