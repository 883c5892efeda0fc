"""Computes a feature map: images placed by the features before the model's last layer."""

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
from fer_core.tasks import ProgressReporter, Task, check_tree

_NEIGHBORS = 15  # of each image, for UMAP
_UMAP_INPUTS = 50  # dimensions, after PCA

Progress = Callable[[int, int], None]


def run_map(task: Task) -> None:
    """Runs a task of kind "map"; called by the worker."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    arguments = task.request.arguments
    dataset, split, method = (arguments[name] for name in ("dataset", "split", "method"))
    progress = ProgressReporter(task, f"Computing features of {dataset}")
    run = open_run(arguments["run"])
    check_tree(evaluation.outputs(run))
    draw_map(run, dataset, split, method, progress)
    write_json(task.directory / "result.json", dict(arguments))


def draw_map(
    run: Run, dataset: str, split: str, method: str = PCA, progress: Progress | None = None
) -> FaceMap:
    """Computes and saves the feature map of the images that the run has predictions for.

    Args:
        progress: called with the images done and the total; an exception it raises ends the
            computation and leaves an earlier map in place.

    Raises:
        FerError: as `evaluation.check`; fewer than `MIN_MAP_IMAGES` of the images are in the
            dataset, or one of them cannot be read.
    """
    predictions = evaluation.check(run, dataset, split, method)
    digest = evaluation.digest(predictions)
    rows, positions = _choose(predictions, open_dataset(dataset))
    features = _features(run, open_dataset(dataset), positions, progress)
    points, explained = _pca(features) if method == PCA else (_umap(features), ())
    made = datetime.now().isoformat(timespec="seconds")
    face_map = FaceMap(rows, points.astype(np.float32), method, explained, digest, made)
    evaluation.save_map(evaluation.map_file(run, dataset, split, method), face_map)
    return face_map


def _choose(predictions: Path, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of the predictions to draw, and the positions of their images."""
    table = read_predictions(predictions)
    if table is None:
        raise FerError(f"A feature map needs predictions. {predictions} is missing or empty.")
    positions = evaluation.find_images(table, dataset.index)
    present = np.flatnonzero(positions >= 0)
    if len(present) < MIN_MAP_IMAGES:
        raise FerError(
            f"A feature map needs at least {MIN_MAP_IMAGES} of the predicted images in the dataset "
            f"{dataset.name}. Received: {len(present)} of {len(positions):,}"
        )
    labels = pd.Series(table["expression"].to_numpy(str)[present])
    rows = present[evaluation.sample(labels)]
    return rows, positions[rows]


def _features(
    run: Run, dataset: Dataset, positions: np.ndarray, progress: Progress | None
) -> np.ndarray:
    """Returns the inputs of the model's last layer: float32 (n, features)."""
    classifier = Classifier.load(run, keras=True)
    model: keras.Model = classifier.model
    trunk = keras.Model(model.inputs, model.layers[-1].input)

    def read(rows: range) -> np.ndarray:
        chosen = positions[rows.start : rows.stop].tolist()
        return np.stack([dataset.reader.reduced(each, classifier.pixels) for each in chosen])

    done, parts = 0, []
    for chunk in in_chunks(read, len(positions)):
        parts.append(models.predict(trunk, chunk))
        done += len(chunk)
        if progress is not None:
            progress(done, len(positions))
    features = np.concatenate(parts)
    return features.reshape(len(features), -1)


def _pca(features: np.ndarray, dimensions: int = 2) -> tuple[np.ndarray, tuple[float, ...]]:
    """Returns coordinates on the principal components and their shares of the variance."""
    dimensions = min(dimensions, *features.shape)
    with warnings.catch_warnings():
        # Constant features have no variance to take a share of.
        warnings.simplefilter("ignore", RuntimeWarning)
        projection = Projection(dimensions, random_state=0)
        points = projection.fit_transform(features)
    shares = np.nan_to_num(projection.explained_variance_ratio_)
    if points.shape[1] < 2:  # a model with a single feature
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    return points, tuple(float(share) for share in shares)


def _umap(features: np.ndarray) -> np.ndarray:
    """Projects features to the plane with UMAP (McInnes, Healy and Melville, 2018)."""
    from umap import UMAP

    reduced, _ = _pca(features, _UMAP_INPUTS)
    neighbors = min(_NEIGHBORS, len(features) - 1)
    # With a seed UMAP uses one thread, and warns unless `n_jobs` says so.
    reducer = UMAP(n_neighbors=neighbors, random_state=0, n_jobs=1)
    return np.asarray(reducer.fit_transform(reduced))
