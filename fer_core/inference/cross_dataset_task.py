"""Evaluates a run on a dataset other than the one it was trained on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b

import numpy as np
import pandas as pd

from fer_core import models
from fer_core.datasets import Dataset, in_chunks, open_dataset, seen_in_training
from fer_core.errors import FerError
from fer_core.evaluation import (
    EVERYTHING,
    CrossDatasetEvaluation,
    check_evaluation,
    outputs,
    predictions_file,
    tta_file,
)
from fer_core.inference.recognition import Classifier
from fer_core.models import predict_tta
from fer_core.runs import (
    KEY,
    LEAKED,
    SEEN,
    Run,
    dataset_of,
    open_data_of,
    open_run,
    read_predictions,
)
from fer_core.storage import write_json, write_table
from fer_core.tasks import ProgressReporter, Task, check_tree

Progress = Callable[[int, int], None]


def run_evaluation(task: Task) -> None:
    """Runs a task of kind "evaluate"; called by the worker."""
    if task.request is None:
        raise FerError(f"{task.id} must hold a request. It has none.")
    arguments = task.request.arguments
    run, dataset = open_run(arguments["run"]), open_dataset(arguments["dataset"])
    check_tree(outputs(run))
    progress = ProgressReporter(task, f"Predicting {dataset.name}")
    evaluate(run, dataset, arguments["split"], progress, tta=bool(arguments.get("views")))
    write_json(task.directory / "result.json", dict(arguments))


def evaluate(
    run: Run,
    dataset: Dataset,
    split: str,
    progress: Progress | None = None,
    *,
    tta: bool = False,
) -> CrossDatasetEvaluation:
    """Saves the model's predictions for all images of a split, and returns their record.

    Classes are matched by name. Images of classes the model does not know are skipped; a predicted
    class that the split has no images of counts as wrong.

    Args:
        progress: called with the images done and the total; an exception it raises ends the
            evaluation and leaves earlier results in place.
        tta: also save predictions with test-time augmentation.

    Raises:
        FerError: as `check_evaluation`; an image is missing or damaged, or belongs to the run's
            sealed test split.
    """
    check_evaluation(run, dataset, split)
    classifier = Classifier.load(run, keras=run.has_keras_model)
    positions = dataset.select(None if split == EVERYTHING else split)
    labels = dataset.index["expression"].iloc[positions]
    known = labels.isin(run.class_names).to_numpy()
    positions = positions[known]
    own_images = _OwnImages(run, progress)
    predicted, hashes = _predict(classifier, dataset, positions, progress, tta)
    own_images.check_seal(hashes)
    table = _images(run, dataset, positions, own_images.learned(hashes))
    record = CrossDatasetEvaluation(
        dataset=dataset.name,
        split=split,
        images=len(table),
        left_out={str(k): int(n) for k, n in labels[~known].value_counts().items()},
        missing=tuple(name for name in run.class_names if name not in set(table["expression"])),
        leaks_known=own_images.train is not None and not _has_other_images(run),
        best_epoch=run.result.best_epoch if run.result else None,
        evaluated=datetime.now().isoformat(timespec="seconds"),
    )
    names = classifier.class_names
    tables = {
        mode: table.assign(**{f"p_{name}": rows[:, i] for i, name in enumerate(names)})
        for mode, rows in predicted.items()
    }
    _save(run, record, tables)
    return record


def _has_other_images(run: Run) -> bool:
    """Tells whether members of an ensemble learned from images that are not of its dataset."""
    return run.ensemble is not None and bool(run.ensemble.remark)


def _images(
    run: Run, dataset: Dataset, positions: np.ndarray, leaked: list[bool] | None
) -> pd.DataFrame:
    """Returns the key and the expression of each image, and what is known of it in training."""
    table = dataset.index.iloc[positions][[*KEY, "expression"]].reset_index(drop=True)
    if leaked is not None:
        table[LEAKED] = leaked
        if dataset.name == run.config.dataset:  # subjects of other datasets are others
            seen = seen_in_training(dataset_of(run).index)
            if seen is not None:
                table[SEEN] = seen[positions]
    return table


def _save(run: Run, record: CrossDatasetEvaluation, tables: Mapping[bool, pd.DataFrame]) -> None:
    """Writes the tables, by whether they use TTA, and then the record.

    The record comes last: an evaluation that has one is complete.
    """
    file = predictions_file(run, record.dataset, record.split)
    file_with_tta = tta_file(run, record.dataset, record.split)
    file.parent.mkdir(parents=True, exist_ok=True)
    for outdated in (file.with_suffix(".json"), file_with_tta):
        outdated.unlink(missing_ok=True)
    for tta, table in tables.items():
        place = file_with_tta if tta else file
        write_table(place, table, read_predictions, float_format="%.6g")
    write_json(file.with_suffix(".json"), asdict(record))


def _predict(
    classifier: Classifier,
    dataset: Dataset,
    positions: np.ndarray,
    progress: Progress | None,
    tta: bool,
) -> tuple[dict[bool, np.ndarray], list[bytes]]:
    """Returns probabilities (n, classes) before the temperature, and a hash of each image.

    The probabilities are keyed by whether they use TTA.
    """

    def read(rows: range) -> np.ndarray:
        chosen = positions[rows.start : rows.stop].tolist()
        return np.stack([dataset.reader.reduced(each, classifier.pixels) for each in chosen])

    functions = {False: models.predict} | ({True: predict_tta} if tta else {})
    parts: dict[bool, list[np.ndarray]] = {mode: [] for mode in functions}
    hashes: list[bytes] = []
    for chunk in in_chunks(read, len(positions)):
        for mode, function in functions.items():
            parts[mode].append(function(classifier.model, chunk))
        hashes += _hashes(chunk, range(len(chunk)))
        if progress is not None:
            progress(len(hashes), len(positions))
    return {mode: np.concatenate(chunks) for mode, chunks in parts.items()}, hashes


class _OwnImages:
    """Hashes of the images that the run trained on and of those in its sealed test split.

    `train` is None where the run's dataset is not on this machine.
    """

    def __init__(self, run: Run, progress: Progress | None) -> None:
        self.run = run
        self.train: set[bytes] | None = None
        self.sealed: set[bytes] = set()
        try:
            # With the run's own corrections and classes: what it left out it did not learn from.
            data = open_data_of(run, progress)
        except FerError:  # a run from another machine, or images that have vanished
            return
        self.train = set(_hashes(data.pixels, data.positions("train")))
        if run.test_opened is None:
            self.sealed = set(_hashes(data.pixels, data.positions("test"))) - self.train

    def learned(self, hashes: list[bytes]) -> list[bool] | None:
        """Returns whether each image was trained on; None if that is unknown."""
        return None if self.train is None else [each in self.train for each in hashes]

    def check_seal(self, hashes: list[bytes]) -> None:
        """Raises FerError if any of the images belongs to the sealed test split."""
        count = sum(each in self.sealed for each in hashes)
        if count:
            raise FerError(
                f"No image may be of the test split that {self.run.id} keeps sealed; {count:,} "
                "are. Open the test split first, or choose other images."
            )


def _hashes(pixels: np.ndarray, rows: Iterable[int]) -> list[bytes]:
    """Returns a hash of the model's pixels of each image; equal for equal pixels."""
    return [blake2b(np.ascontiguousarray(pixels[i]).data, digest_size=16).digest() for i in rows]
