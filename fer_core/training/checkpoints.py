"""A run's exact state on disk, whole or not at all."""

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

KEPT = 2  # a damaged checkpoint falls back to the one before
_ARRAYS = "arrays.npz"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: everything that training needs to go on after `epoch`."""

    directory: Path
    epoch: int  # the last whole epoch, counted from 0
    state: Mapping[str, Any]  # what the trainer keeps besides: best epoch and the like

    def restore(self, model: keras.Model) -> None:
        """Gives the model's trained layers and optimizer the values they had.

        Raises:
            FerError: the checkpoint is of another model.
        """
        with np.load(self.directory / _ARRAYS) as arrays:
            variables = _variables(model)
            if set(arrays.files) != set(variables):
                raise FerError(
                    f"The checkpoint must hold {len(variables)} arrays, those of {model.name}. "
                    f"Received: {len(arrays.files)} in {self.directory}"
                )
            for name, variable in variables.items():
                variable.assign(arrays[name])


def save_checkpoint(
    root: Path, epoch: int, model: keras.Model, state: Mapping[str, Any]
) -> Checkpoint:
    """Writes `root/<epoch>` and removes all but the newest `KEPT`.

    The frozen layers are left out: the model is built with them. The manifest with the checksum
    is written last, into a directory that gets its name only when it is whole and on the disk.

    Raises:
        DiskFullError: there is no room for it; nothing of it stays.
    """
    making, final = root / f".{epoch}", root / str(epoch)
    shutil.rmtree(making, ignore_errors=True)
    try:
        with disk_full_as_error(final / _ARRAYS):
            making.mkdir(parents=True)
            _write(making, epoch, model, state)
            shutil.rmtree(final, ignore_errors=True)
            making.rename(final)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    for old in _directories(root)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return Checkpoint(final, epoch, state)


def load_latest(root: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole, or None."""
    for directory in _directories(root):
        try:
            manifest = read_json(directory / _MANIFEST)
            whole = manifest["sha256"] == _checksum(directory / _ARRAYS)
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if whole:
            return Checkpoint(directory, manifest["epoch"], manifest["state"])
        LOG.warning("The checkpoint of epoch %s is damaged.", int(directory.name) + 1)
    return None


def _write(making: Path, epoch: int, model: keras.Model, state: Mapping[str, Any]) -> None:
    arrays = {name: np.asarray(variable) for name, variable in _variables(model).items()}
    np.savez(making / _ARRAYS, allow_pickle=False, **arrays)
    fsync_file(making / _ARRAYS)  # or the manifest could outlive a power cut alone
    checksum = _checksum(making / _ARRAYS)
    write_json(making / _MANIFEST, {"epoch": epoch, "state": state, "sha256": checksum})


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
