"""Reads and changes the directory of a training run."""

import contextlib
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core import access
from fer_core.errors import FerError
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import (
    HISTORY,
    STEPS,
    Calibration,
    Goal,
    Notes,
    Result,
    read_json_object,
    read_notes,
    read_predictions,
    read_result,
)
from fer_core.storage import (
    cached_by_files,
    cached_by_mtime,
    paths,
    read_table,
    write_json,
)
from fer_core.tasks import Task, processes, read_request

VIEWS = {False: "single", True: "ten"}  # keys of calibration.json, by whether TTA is used

# The files that `Run.problem` reads.
_RECORDS = (
    "config.json",
    "dataset.json",
    "environment.json",
    "result.json",
    "model.keras",
)


@dataclass(frozen=True)
class Run(Task):
    """A task that trains a model. Only this class knows the names of its files."""

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
            epochs, since = arguments.get("epochs"), arguments.get("since")
            if epochs is not None and since is not None:
                return Goal(epochs, since)
        return Goal(self.config.epochs)

    @property
    def can_continue(self) -> bool:
        """Tells whether more epochs can be trained: from a checkpoint, or from the start."""
        return (self.directory / "checkpoints").is_dir() or not len(self.history)

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
        return tuple(self._dataset_record().get("class_names", ()))

    @property
    def counts(self) -> pd.DataFrame:
        """Returns the numbers of images used: a row per class, a column per split."""
        record = self._dataset_record()
        return pd.DataFrame(record.get("counts", {}), index=list(self.class_names))

    @property
    def has_test(self) -> bool:
        """Tells whether the dataset has a test split, sealed or opened."""
        return "test" in self._dataset_record().get("counts", {})

    @property
    def is_gray(self) -> bool:
        """Tells whether all images of the dataset are gray, as in FER2013."""
        return bool(self._dataset_record().get("gray", False))

    @property
    def fingerprint(self) -> str:
        """Returns the fingerprint of the images and labels used; see `Dataset.fingerprint`."""
        return str(self.environment.get("fingerprint", ""))

    @property
    def environment(self) -> dict[str, Any]:
        """Returns versions, device and dataset fingerprint, as recorded by the trainer."""
        return _read_object(self.directory / "environment.json")

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
        also in the training split.

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
            return Calibration(**_read_object(self.directory / "calibration.json")[VIEWS[tta]])
        except (KeyError, TypeError, FerError):  # from an older version, or damaged
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
            return [datetime.fromisoformat(time) for time in _read_object(path).get("opened", ())]
        except (ValueError, TypeError):  # damaged; it was written when the split was last opened
            return [datetime.fromtimestamp(path.stat().st_mtime)]

    @property
    def model_file(self) -> Path | None:
        """Returns the best epoch's model, or None while there is none."""
        path = self.directory / "model.keras"
        return path if path.exists() else None

    @property
    def exports(self) -> list[Path]:
        """Returns the model files exported for other programs."""
        folder = self.directory / "export"
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

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

    def _dataset_record(self) -> dict[str, Any]:
        return _read_object(self.directory / "dataset.json")


_config = cached_by_mtime(lambda path: TrainConfig.from_dict(_read_object(path)))
_notes = cached_by_mtime(read_notes)
_result = cached_by_mtime(read_result)


def _read_object(path: Path) -> dict[str, Any]:
    return read_json_object(path) or {}


def _record_files(run: Run) -> list[str]:
    return [f"{run.directory}/{name}" for name in _RECORDS]


@cached_by_files(_record_files)
def _problem(run: Run) -> str:
    try:
        _ = run.config, run.counts, run.result, run.environment
        if not all(isinstance(name, str) for name in run.class_names):
            raise FerError("the class names in dataset.json must be strings.")
    # pandas and tuple() raise these where dataset.json holds values of the wrong type.
    except (ValueError, TypeError, AttributeError, OSError) as error:
        return f"{run.id} cannot be read: {error}"
    if run.model_file and not run.class_names:
        return f"{run.id} cannot be read: dataset.json, which has its class names, is missing."
    return ""
