"""Evaluates a run on another data set than the one that it was trained on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b

import numpy as np
import pandas as pd

from fer_core import models
from fer_core.datasets import Dataset, in_chunks, open_dataset, open_pixels
from fer_core.errors import FerError
from fer_core.evaluation import (
    EVERYTHING,
    CrossDatasetEvaluation,
    check_evaluation,
    predictions_file,
    tta_file,
)
from fer_core.inference.recognition import Classifier
from fer_core.models import predict_tta
from fer_core.runs import KEY, LEAKED, Run, open_run
from fer_core.storage import replacing, write_json
from fer_core.tasks import Task, task_progress

Progress = Callable[[int, int], None]


def run_evaluation(task: Task) -> None:
    """Does a task of kind "evaluate"; the worker's entry."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    asked = task.request.arguments
    run, dataset = open_run(asked["run"]), open_dataset(asked["dataset"])
    progress = task_progress(task, f"Answering {dataset.name}")
    evaluate(run, dataset, asked["split"], progress, views=bool(asked.get("views")))
    write_json(task.directory / "result.json", dict(asked))


def evaluate(
    run: Run,
    dataset: Dataset,
    split: str,
    progress: Progress | None = None,
    *,
    views: bool = False,
) -> CrossDatasetEvaluation:
    """Writes the network's answers to all images of a split, and what they are of.

    Classes are matched by their names. Images of a class that the network does not know are left
    out; an answer that is a class of which there are no images is wrong.

    Args:
        progress: called with the images done and their number; what it raises ends the evaluation,
            and what was there before stays.
        views: keep the answers averaged over ten views of each image too.

    Raises:
        FerError: as `elsewhere.check`; an image is gone or damaged, or among those of the test
            split that the run keeps sealed.
    """
    check_evaluation(run, dataset, split)
    classifier = Classifier.load(run)
    positions = dataset.select(None if split == EVERYTHING else split)
    truths = dataset.index["expression"].iloc[positions]
    known = truths.isin(run.class_names).to_numpy()
    positions = positions[known]
    own = _OwnImages(run, classifier, progress)
    probabilities, averaged, prints = _answer(classifier, dataset, positions, progress, views)
    own.check_seal(prints)
    table = dataset.index.iloc[positions][[*KEY, "expression"]].reset_index(drop=True)
    if own.train is not None:
        table[LEAKED] = [one in own.train for one in prints]
    tables = [
        table.assign(**{f"p_{name}": each[:, i] for i, name in enumerate(classifier.class_names)})
        for each in (probabilities, averaged)
        if each is not None
    ]
    record = CrossDatasetEvaluation(
        dataset=dataset.name,
        split=split,
        images=len(table),
        left_out={str(k): int(n) for k, n in truths[~known].value_counts().items()},
        missing=tuple(name for name in run.class_names if name not in set(table["expression"])),
        leaks_known=own.train is not None,
        best_epoch=run.result.best_epoch if run.result else None,
        evaluated=datetime.now().isoformat(timespec="seconds"),
    )
    _save(run, record, tables)
    return record


def _save(run: Run, record: CrossDatasetEvaluation, tables: Sequence[pd.DataFrame]) -> None:
    """The record comes last: what has one is whole."""
    file = predictions_file(run, record.dataset, record.split)
    averaged = tta_file(run, record.dataset, record.split)
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in (file.with_suffix(".json"), averaged):
        old.unlink(missing_ok=True)
    for path, table in zip((file, averaged), tables, strict=False):
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    write_json(file.with_suffix(".json"), asdict(record))


def _answer(
    classifier: Classifier,
    dataset: Dataset,
    positions: np.ndarray,
    progress: Progress | None,
    views: bool,
) -> tuple[np.ndarray, np.ndarray | None, list[bytes]]:
    """Probabilities, (n, classes), without the temperature; those averaged; a print of each one.

    The print tells the network's pixels of an image apart.
    """

    def pixels(places: range) -> np.ndarray:
        return np.stack([classifier.pixels(dataset.image(int(positions[i]))) for i in places])

    probabilities: list[np.ndarray] = []
    averaged: list[np.ndarray] = []
    prints: list[bytes] = []
    for chunk in in_chunks(pixels, len(positions)):
        probabilities.append(models.predict(classifier.model, chunk))
        if views:
            averaged.append(predict_tta(classifier.model, chunk))
        prints += _prints(chunk, range(len(chunk)))
        if progress is not None:
            progress(len(prints), len(positions))
    return np.concatenate(probabilities), np.concatenate(averaged) if views else None, prints


class _OwnImages:
    """What the run learned from, and what it must not have seen, where its data set is here."""

    def __init__(self, run: Run, classifier: Classifier, progress: Progress | None) -> None:
        self.run = run
        self.train: set[bytes] | None = None
        self.sealed: set[bytes] = set()
        config = run.config
        try:
            dataset = open_dataset(config.dataset)
            dataset = dataset.with_validation_fraction(config.validation_fraction)
            _, height, width, channels = classifier.model.input_shape
            pixels = open_pixels(dataset, (height, width), channels, progress)
        except ValueError:  # a run that came from elsewhere, or images that have vanished
            return
        self.train = set(_prints(pixels, dataset.select("train")))
        if run.test_opened is None:
            self.sealed = set(_prints(pixels, dataset.select("test"))) - self.train

    def check_seal(self, prints: list[bytes]) -> None:
        """Raises a ValueError where images are those of the sealed test split."""
        found = sum(one in self.sealed for one in prints)
        if found:
            raise FerError(
                f"No image may be of the test split that {self.run.id} keeps sealed; {found:,} "
                "are. Open the test split first, or choose other images."
            )


def _prints(pixels: np.ndarray, rows: Iterable[int]) -> list[bytes]:
    """What tells the network's pixels of images apart; equal for equal pixels."""
    return [blake2b(np.ascontiguousarray(pixels[i]).data, digest_size=16).digest() for i in rows]
