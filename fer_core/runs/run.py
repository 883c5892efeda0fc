"""A training run's directory and what it holds."""

import contextlib
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.errors import FerError
from fer_core.runs.config import TrainConfig
from fer_core.runs.records import (
    HISTORY_COLUMNS,
    STEPS_COLUMNS,
    Calibration,
    Goal,
    Notes,
    Result,
    read_notes,
    read_predictions,
    read_result,
)
from fer_core.storage import Stamp, cached_by_mtime, paths, read_json, read_table, stamp, write_json
from fer_core.tasks import Task, read_request

VIEWS = {False: "single", True: "ten"}  # what `calibration.json` calls them

# The files that `Run.problem` depends on.
_RECORDS = (
    "config.json",
    "dataset.json",
    "environment.json",
    "result.json",
    "model.keras",
)


@dataclass(frozen=True)
class Run(Task):
    """A task that trains. Pages ask it for what they show and never name its files."""

    @property
    def name(self) -> str:
        """What a person called it, or its id."""
        return self.notes.name or self.id

    @property
    def notes(self) -> Notes:
        """What a person keeps about it: name, note, star, and whether it is archived.

        Notes that are damaged count as none: the network is as good without them.
        """
        try:
            return _notes(self.directory / "notes.json")
        except (ValueError, OSError):
            return Notes()

    def save_notes(self, notes: Notes) -> None:
        """Replaces what a person keeps about it.

        Raises:
            FerError: the run ships with the program, was deleted, or is to be archived while it
                waits or works; or a name or a note that is too long.
        """
        if self.is_pretrained:
            raise FerError(f"{self.id} ships with the program and cannot be changed.")
        if not self.directory.exists():
            raise FerError(f"A run must be there to be noted on. {self.id} was deleted.")
        notes.check()
        if notes.archived and not self.notes.archived and self.state.is_active:
            raise FerError(f"{self.id} must have ended to be archived. It is {self.state}.")
        write_json(self.directory / "notes.json", asdict(notes))

    @property
    def config(self) -> TrainConfig:
        """The settings, as they were when the run was asked for."""
        return _config(self.directory / "config.json")

    @property
    def goal(self) -> Goal:
        """How far it shall be trained: as the settings say, until it was asked to continue."""
        for file in self._request_files():
            request = read_request(file)
            asked = request.arguments if request is not None else {}
            # It set no goal, or nonsense.
            with contextlib.suppress(KeyError, ValueError, TypeError):
                return Goal(int(asked["epochs"]), int(asked["since"]))
        return Goal(self.config.epochs)

    @property
    def can_continue(self) -> bool:
        """Whether more epochs can be trained: there is a checkpoint, or nothing was trained yet."""
        return (self.directory / "checkpoints").is_dir() or not len(self.history)

    @property
    def initial(self) -> "Run | None":
        """The model and the classes of the run that it began with, copied when it was asked for."""
        directory = self.directory / "initial"
        return Run(directory) if directory.exists() else None

    @property
    def teachers(self) -> "list[Run]":
        """Likewise of the runs whose answers it learns from."""
        return [Run(self.directory / "teachers" / name) for name in self.config.teachers]

    @property
    def problem(self) -> str:
        """A sentence where the run's files cannot be understood, else an empty string.

        Settings of another version of the program, or a file that was damaged.
        """
        return _problem(self, tuple(stamp(f"{self.directory}/{name}") for name in _RECORDS))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The expressions in label order; empty until the trainer has read the data set."""
        return tuple(self._dataset_record().get("class_names", ()))

    @property
    def counts(self) -> pd.DataFrame:
        """Images that the run uses: one row per class, one column per split."""
        record = self._dataset_record()
        return pd.DataFrame(record.get("counts", {}), index=list(self.class_names))

    @property
    def has_test(self) -> bool:
        """Whether the data set has a test split, sealed or opened."""
        return "test" in self._dataset_record().get("counts", {})

    @property
    def is_gray(self) -> bool:
        """Whether every image that the run has seen was without colour, as FER2013's are."""
        return bool(self._dataset_record().get("gray", False))

    @property
    def fingerprint(self) -> str:
        """Which images and labels the run was trained on; see `Dataset.fingerprint`."""
        return str(self.environment.get("fingerprint", ""))

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device and fingerprint, as the trainer found them."""
        return _names(self.directory / "environment.json")

    @property
    def history(self) -> pd.DataFrame:
        """One row per whole epoch, counted from 0; see HISTORY_COLUMNS."""
        return read_table(self.directory / "history.csv", HISTORY_COLUMNS)

    @property
    def steps(self) -> pd.DataFrame:
        """About one row per second; `epoch` is a fraction, 1.5 in the middle of the second."""
        return read_table(self.directory / "steps.csv", STEPS_COLUMNS)

    @property
    def result(self) -> Result | None:
        """How the run ended, or None while it has not."""
        return _result(self.directory / "result.json")

    def predictions(self, split: str, *, averaged: bool = False) -> pd.DataFrame | None:
        """One row per image of the split: key, true expression, `p_<expression>`; or None.

        Where the data set's images are known, `leaked` tells which were learned from. They are the
        network's own, without the temperature; `averaged` over ten views of each image.

        Raises:
            FerError: the file is damaged.
        """
        try:
            return read_predictions(self.predictions_file(split, averaged=averaged))
        except ValueError as error:
            raise FerError(f"{self.id} has lost its predictions for {split}: {error}") from error

    def calibration(self, *, averaged: bool = False) -> Calibration | None:
        """How its probabilities are mended, or those averaged over ten views; None if unknown."""
        try:
            return Calibration(**_names(self.directory / "calibration.json")[VIEWS[averaged]])
        except (KeyError, TypeError, ValueError):  # of an older version, or damaged
            return None

    def predictions_file(self, split: str, *, averaged: bool = False) -> Path:
        """Where the predictions of a split lie, or will lie."""
        name = f"{split}_views.csv" if averaged else f"{split}.csv"
        return self.directory / "predictions" / name

    @property
    def test_opened(self) -> datetime | None:
        """When the sealed test split was evaluated with the model as it is now, or None."""
        looks = self.test_looks
        return looks[-1] if looks and self.predictions_file("test").exists() else None

    @property
    def test_looks(self) -> list[datetime]:
        """Every time that the test split was evaluated; a run that is continued may do it anew.

        More than one and the test split has had a chance to choose.
        """
        path = self.predictions_file("test").with_suffix(".json")
        try:
            return [datetime.fromisoformat(time) for time in _names(path).get("opened", ())]
        except (ValueError, TypeError):  # damaged: it was there to be written at the last look
            return [datetime.fromtimestamp(path.stat().st_mtime)]

    @property
    def model_file(self) -> Path | None:
        """The best epoch's model, or None while there is none."""
        path = self.directory / "model.keras"
        return path if path.exists() else None

    @property
    def exports(self) -> list[Path]:
        """The run as files that other programs read."""
        folder = self.directory / "export"
        if not folder.is_dir():
            return []
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))

    @property
    def started(self) -> datetime | None:
        """When the run's first attempt was taken from the queue."""
        attempts = self.attempts
        if not attempts:
            return None
        try:
            return datetime.fromtimestamp(read_json(attempts[0] / "process.json")["started"])
        except (ValueError, TypeError, KeyError, OverflowError):  # damaged, or not there
            return None

    @property
    def duration(self) -> timedelta | None:
        """Time spent in training epochs, all attempts together; None before the first ends."""
        history = self.history
        return timedelta(seconds=float(history["seconds"].sum())) if len(history) else None

    @property
    def is_pretrained(self) -> bool:
        """Whether the run ships with the program; such a run is read-only."""
        return self.directory.parent == paths.pretrained_root()

    def size_on_disk(self) -> int:
        """Bytes in the run's directory."""
        size = 0
        for folder, _, names in os.walk(self.directory):
            for name in names:
                with contextlib.suppress(OSError):  # the trainer replaces its files
                    size += Path(folder, name).lstat().st_size
        return size

    def delete(self) -> None:
        """Removes the run with its model, history and predictions.

        Raises:
            FerError: the run waits, works, or ships with the program.
        """
        if self.is_pretrained:
            raise FerError(f"{self.id} ships with the program and cannot be deleted.")
        super().delete()

    def _request_files(self) -> list[Path]:
        """What was asked for, newest first."""
        return [folder / "request.json" for folder in (self.directory, *reversed(self.attempts))]

    def _dataset_record(self) -> dict[str, Any]:
        return _names(self.directory / "dataset.json")


_config = cached_by_mtime(lambda path: TrainConfig.from_dict(read_json(path) or {}))
_notes = cached_by_mtime(read_notes)
_result = cached_by_mtime(read_result)


def _names(path: Path) -> dict[str, Any]:
    """A JSON file of names with values; empty where there is none.

    Raises:
        FerError: the file is damaged.
    """
    data = read_json(path) or {}
    if not isinstance(data, dict):
        raise FerError(f"{path.name} must hold names with values.")
    return data


@lru_cache(maxsize=10_000)
def _problem(run: Run, stamps: tuple[Stamp, ...]) -> str:
    """`Run.problem`, looked for again when a record has changed: pages list a thousand runs."""
    try:
        _ = run.config, run.counts, run.result, run.environment
        if not all(isinstance(name, str) for name in run.class_names):
            raise FerError("dataset.json must name its classes in words.")
    except (ValueError, TypeError, AttributeError, OSError) as error:
        return f"{run.id} cannot be read: {error}"
    if run.model_file and not run.class_names:
        return f"{run.id} cannot be read: dataset.json, which names its classes, is missing."
    return ""
