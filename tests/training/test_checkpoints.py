"""A run's exact state on disk."""

import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.errors import FerError
from fer_core.models.architectures import build_model
from fer_core.runs.recipes import RECIPES
from fer_core.runs.records import HISTORY_COLUMNS
from fer_core.training.checkpoints import (
    Checkpoint,
    CheckpointWriter,
    State,
    intact_checkpoints,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, 48, 48, 1)).astype("float32")
TARGETS = np.eye(7, dtype="float32")[RNG.integers(0, 7, 8)]


def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_model(RECIPES["cnn_classic"].config, 7)


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    trained = model()
    for _ in range(3):
        trained.train_on_batch(IMAGES, TARGETS)
    return trained


def state(epoch: int) -> State:
    row = dict.fromkeys(HISTORY_COLUMNS, 0.5) | {"epoch": float(epoch)}
    return State(epoch, step=3, best_epoch=0, best_accuracy=0.5, best_loss=1.0, row=row)


def load_latest(root: Path) -> Checkpoint | None:
    return next(intact_checkpoints(root), None)


def test_weights_and_optimizer_come_back_exactly(trained: keras.Model, tmp_path: Path) -> None:
    CheckpointWriter(tmp_path).add(trained, state(4))
    checkpoint = load_latest(tmp_path)
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.state) == (4, state(4))
    other = model()
    checkpoint.restore(other)
    for ours, theirs in zip(trained.variables, other.variables, strict=True):
        assert np.array_equal(ours, theirs)
    for ours, theirs in zip(trained.optimizer.variables, other.optimizer.variables, strict=True):
        assert np.array_equal(ours, theirs)
    assert int(other.optimizer.iterations) == 3


def test_two_checkpoints_are_kept(trained: keras.Model, tmp_path: Path) -> None:
    for epoch in range(12):
        CheckpointWriter(tmp_path).add(trained, state(epoch))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "11"]


def damaged(text: str, harm: str) -> str:
    """Returns the manifest with a value that no trainer writes."""
    if harm == "deep":
        return "[" * 100_000
    manifest = json.loads(text)
    if harm == "another epoch":
        manifest["epoch"] = 7
    elif harm == "no state":
        manifest["state"] = {}
    elif harm == "no scores":
        manifest["state"]["row"] = {}
    else:
        manifest["state"]["row"]["loss"] = math.inf
    return json.dumps(manifest)


@pytest.mark.parametrize(
    "harm",
    [
        "truncate",
        "flip",
        "no manifest",
        "half a manifest",
        "deep",
        "another epoch",
        "no state",
        "no scores",
        "infinite",
        "folder",
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    trained: keras.Model, tmp_path: Path, harm: str
) -> None:
    for epoch in (0, 1):
        CheckpointWriter(tmp_path).add(trained, state(epoch))
    arrays, manifest = tmp_path / "1" / "arrays.npz", tmp_path / "1" / "manifest.json"
    data = bytearray(arrays.read_bytes())
    if harm == "truncate":
        arrays.write_bytes(data[: len(data) // 2])
    elif harm == "flip":
        data[len(data) // 2] ^= 1
        arrays.write_bytes(data)
    elif harm == "no manifest":
        manifest.unlink()
    elif harm == "half a manifest":
        manifest.write_text(manifest.read_text()[:20])
    elif harm == "folder":
        manifest.unlink()
        manifest.mkdir()
    else:
        manifest.write_text(damaged(manifest.read_text(), harm))
    checkpoint = load_latest(tmp_path)
    assert checkpoint is not None and checkpoint.epoch == 0


def test_a_checkpoint_of_another_model_changes_nothing(
    trained: keras.Model, tmp_path: Path
) -> None:
    CheckpointWriter(tmp_path).add(trained, state(0))
    checkpoint = load_latest(tmp_path)
    assert checkpoint is not None
    other = build_model(RECIPES["cnn_classic"].config, 6)
    before = [np.asarray(variable) for variable in other.variables]
    with pytest.raises(FerError, match="must contain the"):
        checkpoint.restore(other)
    assert all(map(np.array_equal, before, other.variables))


def test_what_was_left_half_made_is_not_a_checkpoint(trained: keras.Model, tmp_path: Path) -> None:
    CheckpointWriter(tmp_path).add(trained, state(0))
    (tmp_path / "0").rename(tmp_path / ".0")
    assert load_latest(tmp_path) is None


def test_a_folder_without_a_checkpoint_gives_none(tmp_path: Path) -> None:
    assert load_latest(tmp_path / "checkpoints") is None
