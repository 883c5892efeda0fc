"""Shortcuts for notebooks and scripts, offered by `import fer_core`."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.datasets import Dataset, open_dataset
from fer_core.datasets.importing import import_source
from fer_core.errors import FerError
from fer_core.runs import RECIPES, Run, list_pretrained, open_run, settings_here, submit_run

if TYPE_CHECKING:  # both load TensorFlow
    from fer_core.inference import Classifier, Recognition
    from fer_core.vision import FaceDetector


def import_dataset(source: str | Path, name: str = "", **options: Any) -> Dataset:
    """Adds a folder, a .zip or a .csv file to the workspace as a dataset.

    Args:
        name: by default the name of the folder or file.
        options: `validation_fraction`, `test_fraction` and `split_seed`.

    Raises:
        FerError: the source is not recognized, or the name is invalid or taken.
    """
    source = Path(source)
    return import_source(source, name or source.stem, **options)


def train(dataset: str | Dataset, recipe: str = "cnn_classic", **settings: Any) -> Run:
    """Queues a training run and returns it; a background process trains it.

    Args:
        recipe: a key of RECIPES.
        settings: fields of TrainConfig that replace the recipe's, such as `epochs=20`.

    Raises:
        FerError: there is no such dataset or recipe, or a setting is invalid.
    """
    if recipe not in RECIPES:
        raise FerError(f"`recipe` must be one of {', '.join(RECIPES)}. Received: {recipe}")
    name = dataset if isinstance(dataset, str) else dataset.name
    open_dataset(name)  # raises here rather than in the background process
    return submit_run(replace(settings_here(recipe), dataset=name, **settings))


def load_classifier(run: str | Run | None = None, *, tta: bool = False) -> "Classifier":
    """Loads the trained model of a run, given itself or as its ID; by default a pretrained model.

    Args:
        tta: averages the predictions for ten views of each face.

    Raises:
        FerError: there is no such run, or it has no model yet.
    """
    from fer_core.inference import Classifier

    if run is None:
        run = _pretrained_run()
    return Classifier.load(open_run(run) if isinstance(run, str) else run, tta=tta)


def recognize_faces(
    image: str | Path | bytes | np.ndarray, classifier: "Classifier | None" = None
) -> "list[Recognition]":
    """Finds the faces in an image, from left to right, and predicts their expressions.

    Args:
        image: a path, the bytes of an image file, or uint8 RGB of shape (height, width, 3).
        classifier: from `load_classifier`; by default that of the pretrained model.

    Returns:
        Per face its `face.box` (x, y, width, height in pixels), its `probabilities` by
        expression, and the most probable `expression` with its `probability`.

    Raises:
        FerError: the image cannot be read.
    """
    from fer_core.inference import recognition
    from fer_core.vision import decode

    if not isinstance(image, np.ndarray):
        image = decode(image if isinstance(image, bytes) else Path(image))
    classifier = classifier or _pretrained_classifier(_pretrained_run())
    return recognition.recognize(image, _detector(), classifier)


def _pretrained_run() -> Run:
    pretrained = list_pretrained()
    if not pretrained:
        raise FerError("No pretrained model is installed. Name a run instead.")
    return pretrained[0]


@cache
def _pretrained_classifier(run: Run) -> "Classifier":
    return load_classifier(run)


@cache
def _detector() -> "FaceDetector":
    from fer_core.vision import FaceDetector

    return FaceDetector()
