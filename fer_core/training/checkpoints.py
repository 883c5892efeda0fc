"""Checkpoints: the exact training state of a run, written atomically."""

import hashlib
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_core.errors import FerError
from fer_core.models import trained_layers
from fer_core.storage import disk_full_as_error, fsync_file, read_json, write_json

LOG = logging.getLogger(__name__)

KEPT = 2  # if the newest is damaged, the one before is used
_ARRAYS = "arrays.npz"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint: everything needed to resume training after `epoch`."""

    directory: Path
    epoch: int  # the last completed epoch, counted from 0
    state: Mapping[str, Any]  # the trainer's own state, such as the best epoch

    def restore(self, model: keras.Model) -> None:
        """Restores the model's trained layers and its optimizer.

        Raises:
            FerError: the checkpoint belongs to another model.
        """
        with np.load(self.directory / _ARRAYS) as arrays:
            variables = _variables(model)
            if set(arrays.files) != set(variables):
                raise FerError(
                    f"The checkpoint must contain the {len(variables)} arrays of {model.name}. "
                    f"Received: {len(arrays.files)} arrays in {self.directory}"
                )
            for name, variable in variables.items():
                variable.assign(arrays[name])


def save_checkpoint(
    root: Path, epoch: int, model: keras.Model, state: Mapping[str, Any]
) -> Checkpoint:
    """Writes `root/<epoch>` and removes all but the newest `KEPT`.

    Frozen layers are left out: the model is built with their weights. The manifest with the
    checksum is written last, and the directory gets its name once all of it is on disk.

    Raises:
        DiskFullError: the disk is full; the incomplete checkpoint is removed.
    """
    partial, final = root / f".{epoch}", root / str(epoch)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with disk_full_as_error(final / _ARRAYS):
            partial.mkdir(parents=True)
            _write(partial, epoch, model, state)
            shutil.rmtree(final, ignore_errors=True)
            partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in _directories(root)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return Checkpoint(final, epoch, state)


def load_latest(root: Path) -> Checkpoint | None:
    """Returns the newest undamaged checkpoint, or None."""
    for directory in _directories(root):
        try:
            manifest = read_json(directory / _MANIFEST)
            is_intact = manifest["sha256"] == _checksum(directory / _ARRAYS)
        except (OSError, ValueError, KeyError, TypeError):  # ValueError: no JSON
            is_intact = False
        if is_intact:
            return Checkpoint(directory, manifest["epoch"], manifest["state"])
        LOG.warning("The checkpoint of epoch %s is damaged.", int(directory.name) + 1)
    return None


def _write(directory: Path, epoch: int, model: keras.Model, state: Mapping[str, Any]) -> None:
    arrays = {name: np.asarray(variable) for name, variable in _variables(model).items()}
    np.savez(directory / _ARRAYS, allow_pickle=False, **arrays)
    fsync_file(directory / _ARRAYS)  # or only the manifest could survive a power cut
    checksum = _checksum(directory / _ARRAYS)
    write_json(directory / _MANIFEST, {"epoch": epoch, "state": state, "sha256": checksum})


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    layers = trained_layers(model)
    trained = [variable for layer in layers for variable in layer.variables]
    named = {f"model.{number}": variable for number, variable in enumerate(trained)}
    for number, variable in enumerate(model.optimizer.variables):
        named[f"optimizer.{number}"] = variable
    return named


def _directories(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    numbered = [path for path in root.iterdir() if path.name.isdigit()]
    return sorted(numbered, key=lambda path: int(path.name), reverse=True)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
