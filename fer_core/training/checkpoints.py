"""Checkpoints: the exact training state of a run, written atomically."""

import hashlib
import logging
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
from msgspec import Meta

from fer_core.errors import FerError
from fer_core.models import trained_layers
from fer_core.runs import HISTORY
from fer_core.storage import (
    Count,
    NonNegative,
    disk_full_as_error,
    fsync_file,
    open_regular,
    read_arrays,
    read_record,
    write_json,
)

LOG = logging.getLogger(__name__)

KEPT = 2  # if the newest is damaged, the one before is used
_ARRAYS = "arrays.npz"
_MANIFEST = "manifest.json"
_MAX_HEADER_BYTES = 1_000  # of an array in the file


@dataclass
class State:
    """Holds the trainer's own state after an epoch."""

    epoch: Annotated[int, Meta(ge=-1)] = -1  # the last completed one, counted from 0
    step: Count = 0  # optimizer steps so far
    best_epoch: Count | None = None
    best_accuracy: Annotated[float, Meta(ge=-1, le=1)] = -1.0
    best_loss: NonNegative = 0.0
    row: dict[str, int | float] = field(default_factory=dict)  # the epoch's row of history.csv

    def epochs_without_improvement(self, since: int) -> int:
        """Counts epochs since the best one, or since epoch `since` if that is later."""
        if self.best_epoch is None:
            return 0
        return self.epoch - max(self.best_epoch, since - 1)


@dataclass(frozen=True)
class _Manifest:
    """Describes a checkpoint; the content of its manifest."""

    epoch: Count
    state: State
    sha256: str  # of the arrays

    def __post_init__(self) -> None:
        row = self.state.row
        is_whole = set(row) == set(HISTORY) and all(
            low <= row[name] <= high for name, (low, high) in HISTORY.items()
        )
        if not is_whole or not self.epoch == self.state.epoch == row["epoch"]:
            raise FerError(f"The state must be that of epoch {self.epoch}, with its scores.")


@dataclass(frozen=True)
class Checkpoint:
    """Represents a complete checkpoint: all that is needed to resume after `epoch`."""

    directory: Path
    epoch: int  # the last completed epoch, counted from 0
    state: State

    def restore(self, model: keras.Model) -> None:
        """Restores the model's trained layers and its optimizer, all or nothing.

        Raises:
            FerError: the checkpoint is damaged or belongs to another model.
        """
        variables = _variables(model)
        wanted = {name: np.asarray(variable) for name, variable in variables.items()}
        size = sum(array.nbytes + _MAX_HEADER_BYTES for array in wanted.values())
        arrays = read_arrays(self.directory / _ARRAYS, max_bytes=size)
        if _forms(arrays) != _forms(wanted):
            raise FerError(
                f"The checkpoint must contain the {len(variables)} arrays of {model.name}. "
                f"Received: {len(arrays)} arrays in {self.directory}"
            )
        for name, variable in variables.items():
            variable.assign(arrays[name])


class CheckpointWriter:
    """Writes the state after each epoch to `root/<epoch>`; all but the newest `KEPT` are removed.

    Frozen layers are left out: the model is built with their weights. The manifest with the
    checksum is written last, and the directory gets its name once all of it is on disk.
    """

    def __init__(self, root: Path, interval: float = 0.0) -> None:
        """Takes the seconds that there are at least between two checkpoints."""
        self.root, self.interval = root, interval
        self._written = -math.inf
        self._pending: tuple[dict[str, np.ndarray], State] | None = None

    def add(self, model: keras.Model, state: State, *, at_once: bool = False) -> None:
        """Keeps the state, and writes it where that is due, or wanted at once.

        Raises:
            DiskFullError: the disk is full; the incomplete checkpoint is removed.
        """
        arrays = {name: np.array(variable) for name, variable in _variables(model).items()}
        self._pending = arrays, replace(state)
        if at_once or time.monotonic() - self._written >= self.interval:
            self.flush()

    def flush(self) -> None:
        """Writes the state that was kept last, if it is not written yet."""
        if self._pending is not None:
            _write(self.root, *self._pending)
            self._pending, self._written = None, time.monotonic()


def _write(root: Path, arrays: Mapping[str, np.ndarray], state: State) -> None:
    epoch = state.epoch
    partial, final = root / f".{epoch}", root / str(epoch)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with disk_full_as_error(final / _ARRAYS):
            partial.mkdir(parents=True)
            _write_files(partial, arrays, state)
            shutil.rmtree(final, ignore_errors=True)
            partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in _directories(root)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def intact_checkpoints(root: Path) -> Iterator[Checkpoint]:
    """Yields the undamaged checkpoints, newest first."""
    for directory in _directories(root):
        epoch = int(directory.name)
        try:
            manifest = read_record(directory / _MANIFEST, _Manifest)
            if manifest is None or manifest.epoch != epoch:
                raise FerError(f"{directory / _MANIFEST} must be that of epoch {epoch}.")
            if manifest.sha256 != _checksum(directory / _ARRAYS):
                raise FerError(f"{directory / _ARRAYS} has another checksum.")
        except (FerError, OSError) as error:
            LOG.warning("The checkpoint of epoch %d is damaged: %s", epoch + 1, error)
        else:
            yield Checkpoint(directory, epoch, manifest.state)


def _write_files(directory: Path, arrays: Mapping[str, np.ndarray], state: State) -> None:
    np.savez(directory / _ARRAYS, allow_pickle=False, **arrays)
    fsync_file(directory / _ARRAYS)  # or only the manifest could survive a power cut
    checksum = _checksum(directory / _ARRAYS)
    record = {"epoch": state.epoch, "state": asdict(state), "sha256": checksum}
    write_json(directory / _MANIFEST, record)


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    layers = trained_layers(model)
    trained = [variable for layer in layers for variable in layer.variables]
    named = {f"model.{number}": variable for number, variable in enumerate(trained)}
    for number, variable in enumerate(model.optimizer.variables):
        named[f"optimizer.{number}"] = variable
    return named


def _forms(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def _directories(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    numbered = [path for path in root.iterdir() if path.name.isdecimal()]
    return sorted(numbered, key=lambda path: int(path.name), reverse=True)


def _checksum(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
