"""Reads and changes the directory of a training run."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from fer_core import access
from fer_core.errors import FerError
from fer_core.runs.config import IMPORTED_RECIPE, TrainConfig
from fer_core.runs.ensemble import EnsembleRecord
from fer_core.runs.records import (
    HISTORY,
    STEPS,
    Calibration,
    DatasetRecord,
    Goal,
    ImportRecord,
    Notes,
    Result,
    TestOpenings,
    TrialRecord,
    read_notes,
    read_predictions,
)
from fer_core.storage import (
    CsvTail,
    Stamp,
    cached_by_files,
    cached_by_mtime,
    check_record,
    paths,
    read_record,
    read_table,
    stamp,
    write_json,
)
from fer_core.tasks import Task, processes, read_request
from fer_core.vision import MARGIN

# The model of a run, and in what format; all but the first are of other programs.
_MODELS = {"model.keras": "Keras", "model.onnx": "ONNX", "model.tflite": "LiteRT"}

_Record = TypeVar("_Record")

VIEWS = {False: "single", True: "ten"}  # keys of calibration.json, by whether TTA is used

# The files that `Run.damage` reads.
_OPTIONAL = (
    "notes.json",
    "calibration.json",
    "ensemble.json",
    "imported.json",
    "trial.json",
    "history.csv",
    "steps.csv",
    *(f"predictions/{name}" for name in ("val.csv", "val_views.csv", "test.csv", "test_views.csv")),
    "predictions/test.json",
)

# The files that `Run.problem` reads.
_RECORDS = (
    "config.json",
    "dataset.json",
    "environment.json",
    "result.json",
    *_MODELS,
)


@dataclass(frozen=True)
class Run(Task):
    """Represents a task that trains a model. Only this class knows the names of its files."""

    @property
    def name(self) -> str:
        """Returns the name that the user gave the run, or else its id."""
        return self.notes.name or self.id

    @property
    def notes(self) -> Notes:
        """Returns the user's notes: name, note, whether starred, whether archived.

        Damaged notes are ignored, since the model is usable without them.
        """
        try:
            return _notes(self.directory / "notes.json")
        except (FerError, OSError):
            return Notes()

    @property
    def notes_problem(self) -> str:
        """Returns a sentence if the notes are damaged, else ""."""
        return _failure(lambda: _notes(self.directory / "notes.json"))

    @property
    def damage(self) -> tuple[str, ...]:
        """Returns a sentence for each damaged file without which the run is usable."""
        return _damage(self, tuple(stamp(f"{self.directory}/{name}") for name in _OPTIONAL))

    def save_notes(self, notes: Notes) -> None:
        """Replaces the user's notes.

        Raises:
            FerError: the run is pretrained, was deleted, or would be archived while queued or
                running; the name or the note is too long; or changes are switched off.
        """
        access.current().require_write()
        if self.is_pretrained:
            raise FerError(f"{self.id} ships with the program and cannot be changed.")
        if not self.directory.exists():
            raise FerError(f"{self.id} was deleted, so its notes cannot be saved.")
        notes.check()
        if notes.archived and not self.notes.archived and self.state.is_active:
            raise FerError(f"A run can be archived once it has ended. {self.id} is {self.state}.")
        write_json(self.directory / "notes.json", asdict(notes))

    @property
    def config(self) -> TrainConfig:
        """Returns the settings that the run was submitted with."""
        return _config(self.directory / "config.json")

    @property
    def goal(self) -> Goal:
        """Returns the goal of the newest request that set one, else the settings' epochs."""
        for file in self._request_files():
            request = read_request(file)
            arguments = request.arguments if request is not None else {}
            with contextlib.suppress(FerError, KeyError):  # no goal, or a damaged one
                names = ("epochs", "since")
                return check_record(Goal, {name: arguments[name] for name in names})
        return Goal(self.config.epochs)

    @property
    def can_continue(self) -> bool:
        """Tells whether more epochs can be trained: from a checkpoint, or from the start."""
        if self.is_imported or not self.config.is_trained:
            return False
        return (self.directory / "checkpoints").is_dir() or not len(self.history)

    @property
    def ensemble(self) -> EnsembleRecord | None:
        """Returns the members of an ensemble; None of any other run, or if the record is damaged.

        `damage` tells about a damaged one, without which the run is usable.
        """
        return _unless_damaged(_ensemble, self.directory / "ensemble.json")

    @property
    def is_imported(self) -> bool:
        """Tells whether another program trained the model."""
        return self.config.recipe == IMPORTED_RECIPE

    @property
    def imported(self) -> ImportRecord | None:
        """Returns where an imported model comes from; None of others, or if it is damaged.

        `damage` tells about a damaged record, without which the run is usable.
        """
        return _unless_damaged(_imported, self.directory / "imported.json")

    @property
    def trial(self) -> TrialRecord | None:
        """Returns which trial of which experiment the run is; None of others, or if damaged.

        `damage` tells about a damaged record, without which the run is usable.
        """
        return _unless_damaged(_trial, self.directory / "trial.json")

    @property
    def crop_margin(self) -> float:
        """Returns the margin around faces that the model is used to; see `vision.crop_face`."""
        record = self.imported or self.ensemble
        return record.crop_margin if record else MARGIN

    @property
    def initial(self) -> "Run | None":
        """Returns the copy of the run whose weights this one started from, or None."""
        directory = self.directory / "initial"
        return Run(directory) if directory.exists() else None

    @property
    def teachers(self) -> "list[Run]":
        """Returns the copies of the runs that this one distills from."""
        return [Run(self.directory / "teachers" / name) for name in self.config.teachers]

    @property
    def problem(self) -> str:
        """Returns a sentence if the run's files are damaged or from a newer version, else ""."""
        return _problem(self)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Returns the expressions in label order; empty until the trainer has read the dataset."""
        return self._dataset_record.class_names

    @property
    def counts(self) -> pd.DataFrame:
        """Returns the numbers of images used: a row per class, a column per split."""
        record = self._dataset_record
        counts = {split: list(numbers) for split, numbers in record.counts.items()}
        return pd.DataFrame(counts, index=list(record.class_names))

    @property
    def fold_note(self) -> str:
        """Returns a sentence about the fold that validated; "" with the dataset's own splits."""
        return self._dataset_record.folds

    @property
    def has_test(self) -> bool:
        """Tells whether the dataset has a test split, sealed or opened."""
        return "test" in self._dataset_record.counts

    @property
    def is_gray(self) -> bool:
        """Tells whether all images of the dataset are gray, as in FER2013."""
        return self._dataset_record.gray

    @property
    def fingerprint(self) -> str:
        """Returns the fingerprint of the images and labels used; see `Dataset.fingerprint`."""
        return str(self.environment.get("fingerprint", ""))

    @property
    def environment(self) -> dict[str, Any]:
        """Returns versions, device and dataset fingerprint, as recorded by the trainer."""
        return _environment(self.directory / "environment.json")

    @property
    def history(self) -> pd.DataFrame:
        """Returns one row per whole epoch, counted from 0; see HISTORY_COLUMNS."""
        return read_table(self.directory / "history.csv", HISTORY)

    @property
    def steps(self) -> pd.DataFrame:
        """Returns about one row per second; `epoch` is a fraction: 1.5 is halfway through epoch 1.

        See STEPS.
        """
        return read_table(self.directory / "steps.csv", STEPS)

    @property
    def result(self) -> Result | None:
        """Returns how the run ended, or None while it has not."""
        return _result(self.directory / "result.json")

    def predictions(self, split: str, *, tta: bool = False) -> pd.DataFrame | None:
        """Returns one row per image of the split: key, true expression, `p_<expression>`; or None.

        The probabilities are uncalibrated. The column `leaked`, if present, marks images that are
        also in the training split, and `seen_subject` those whose subject is.

        Args:
            tta: with test-time augmentation.

        Raises:
            FerError: the file is damaged.
        """
        try:
            return read_predictions(self.predictions_file(split, tta=tta))
        except FerError as error:
            raise FerError(
                f"The predictions of {self.id} for {split} are damaged: {error}"
            ) from error

    def calibration(self, *, tta: bool = False) -> Calibration | None:
        """Returns the calibration, without or with test-time augmentation; None if unknown."""
        try:
            return _calibrations(self.directory / "calibration.json").get(VIEWS[tta])
        except FerError:  # `damage` tells
            return None

    def predictions_file(self, split: str, *, tta: bool = False) -> Path:
        """Returns the path of a split's predictions; the file may not exist yet."""
        name = f"{split}_views.csv" if tta else f"{split}.csv"
        return self.directory / "predictions" / name

    @property
    def test_opened(self) -> datetime | None:
        """Returns when the sealed test split was evaluated with the current model, or None."""
        openings = self.test_openings
        return openings[-1] if openings and self.predictions_file("test").exists() else None

    @property
    def test_openings(self) -> list[datetime]:
        """Returns every time the test split was evaluated; a continued run may evaluate it again.

        With more than one, the test split may have influenced model selection.
        """
        path = self.predictions_file("test").with_suffix(".json")
        try:
            return (read_record(path, TestOpenings) or TestOpenings()).times
        except FerError:  # it was written when the split was last opened
            return [datetime.fromtimestamp(path.lstat().st_mtime)]

    @property
    def model_file(self) -> Path | None:
        """Returns the best epoch's model, or the imported one; None while there is none."""
        paths = (self.directory / name for name in _MODELS)
        return next((path for path in paths if path.is_file()), None)

    @property
    def has_keras_model(self) -> bool:
        """Tells whether Keras can load the model; else it only predicts, as it was imported."""
        return self.model_file is not None and self.model_file.suffix == ".keras"

    def require_keras(self, purpose: str) -> None:
        """Checks that Keras can load the model.

        Args:
            purpose: what needs it, as the subject of a sentence.

        Raises:
            FerError: the model is of another format.
        """
        if self.model_file is not None and not self.has_keras_model:
            format = _MODELS[self.model_file.name]
            raise FerError(
                f"{purpose} needs a Keras model. {self.id} was imported as {format}, which can "
                "predict and be evaluated, but not be taken apart. Import the original Keras "
                "model, if there is one."
            )

    @property
    def exports(self) -> list[Path]:
        """Returns the model files exported for other programs."""
        folder = self.directory / "export"
        if not folder.is_dir():
            return []
        files = (path for path in folder.iterdir() if path.is_file())
        return sorted(path for path in files if not path.name.startswith("."))

    @property
    def started(self) -> datetime | None:
        """Returns when the first attempt left the queue, or None."""
        attempts = self.attempts
        if not attempts:
            return None
        record = processes.read_process(attempts[0] / "process.json")
        if record is None or record.started is None:
            return None
        return datetime.fromtimestamp(record.started)

    @property
    def duration(self) -> timedelta | None:
        """Returns the time spent in training epochs, all attempts together; None before the first.

        An epoch that was cut off by an interruption does not count.
        """
        history = self.history
        return timedelta(seconds=float(history["seconds"].sum())) if len(history) else None

    @property
    def is_pretrained(self) -> bool:
        """Tells whether the run is a pretrained model, which is read-only."""
        return self.directory.parent == paths.pretrained_root()

    def size_on_disk(self) -> int:
        """Returns the bytes in the run's directory."""
        size = 0
        for folder, _, names in os.walk(self.directory):
            for name in names:
                with contextlib.suppress(OSError):  # the trainer replaces its files
                    size += Path(folder, name).lstat().st_size
        return size

    def delete(self) -> None:
        """Deletes the run with its model, history and predictions.

        Raises:
            FerError: the run is queued, running, or pretrained.
        """
        if self.is_pretrained:
            raise FerError(f"{self.id} ships with the program and cannot be deleted.")
        super().delete()

    def _request_files(self) -> list[Path]:
        """Returns the request files, newest first."""
        return [folder / "request.json" for folder in (self.directory, *reversed(self.attempts))]

    @property
    def _dataset_record(self) -> DatasetRecord:
        return _dataset(self.directory / "dataset.json")


def _unless_damaged(read: Callable[[Path], _Record | None], file: Path) -> _Record | None:
    try:
        return read(file)
    except FerError:
        return None


_config = cached_by_mtime(lambda path: read_record(path, TrainConfig) or TrainConfig())
_notes = cached_by_mtime(read_notes)


_ensemble = cached_by_mtime(lambda path: read_record(path, EnsembleRecord))
_trial = cached_by_mtime(lambda path: read_record(path, TrialRecord))
_imported = cached_by_mtime(lambda path: read_record(path, ImportRecord))
_result = cached_by_mtime(lambda path: read_record(path, Result))
_dataset = cached_by_mtime(lambda path: read_record(path, DatasetRecord) or DatasetRecord())


@lru_cache(maxsize=1_000)
def _damage(run: Run, stamps: tuple[Stamp, ...]) -> tuple[str, ...]:
    """Returns `Run.damage`, cached until a file changes: predictions may have many rows."""
    reads: list[Callable[[], object]] = [
        lambda: _notes(run.directory / "notes.json"),
        lambda: _calibrations(run.directory / "calibration.json"),
        lambda: _ensemble(run.directory / "ensemble.json"),
        lambda: _imported(run.directory / "imported.json"),
        lambda: _trial(run.directory / "trial.json"),
        lambda: read_record(run.directory / "predictions" / "test.json", TestOpenings),
    ]
    for split, tta in product(("val", "test"), (False, True)):
        reads.append(partial(run.predictions, split, tta=tta))
    tables = (("history.csv", HISTORY), ("steps.csv", STEPS))
    tails = [CsvTail(run.directory / name, ranges) for name, ranges in tables]
    for tail in tails:
        tail.read()
    found = [*map(_failure, reads), *(tail.problem for tail in tails)]
    return tuple(sentence for sentence in found if sentence)


def _failure(read: Callable[[], object]) -> str:
    try:
        read()
    except FerError as error:
        return str(error)
    return ""


def _environment(path: Path) -> dict[str, Any]:
    return read_record(path, dict[str, str | int | float | list[str] | None]) or {}


def _calibrations(path: Path) -> dict[str, Calibration]:
    return read_record(path, dict[str, Calibration]) or {}


def _record_files(run: Run) -> list[str]:
    return [f"{run.directory}/{name}" for name in _RECORDS]


@cached_by_files(_record_files)
def _problem(run: Run) -> str:
    try:
        _ = run.config, run.counts, run.result, run.environment
    except FerError as error:
        return f"{run.id} cannot be read: {error}"
    for name in _MODELS:
        if run.model_file is None and os.path.lexists(run.directory / name):
            return f"{run.id} cannot be read: its {name} is no file."
    if run.model_file and not run.class_names:
        return f"{run.id} cannot be read: dataset.json, which has its class names, is missing."
    return ""
