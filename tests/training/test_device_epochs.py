"""Epochs on an accelerator, computed on the CPU here."""

import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.records import STOPPED
from fer_core.runs.run import Run
from fer_core.runs.run_data import open_run_data
from fer_core.runs.submit import create_run
from fer_core.training.batches import training_batches
from fer_core.training.device_batches import DeviceBatches, make_batch
from fer_core.training.device_epochs import DeviceEpochs, open_device_epochs
from tests.training.in_process import go_on, same, small_model, trained

GEOMETRY = {"rotation": 15, "shift": 0.1, "shear": 10, "zoom": 0.2, "flip": True, "crop": 0.17}
LIGHT = {"contrast": 0.3, "brightness": 0.2}


@pytest.fixture
def config(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setenv("FER_DEVICE_EPOCHS", "1")
    draw_dataset("faces", count=140)  # 112 to train on
    flipped = Augmentation(rotation=10, flip=True)
    return TrainConfig(
        dataset="faces", batch_size=16, epochs=4, learning_rate=1e-3, augmentation=flipped
    )


@pytest.mark.parametrize("mixing", [{}, {"mixup": 0.4}, {"cutmix": 1.0, "mixup": 0.4}])
def test_batches_are_those_of_the_cpu_to_a_gray_level(config: TrainConfig, mixing: dict) -> None:
    everything = Augmentation(**GEOMETRY, **LIGHT, erasing=0.5)
    config = replace(config, batch_size=24, augmentation=everything, class_weights=True, **mixing)
    data = open_run_data(config)
    batches, expected = DeviceBatches(data), list(training_batches(data, 3))
    made = [
        make_batch(batches.split, {name: values[step] for name, values in draws.arrays.items()})
        for draws in batches.draws(3)
        for step in range(len(draws.images))
    ]
    for (images, targets, weights), batch in zip(made, expected, strict=True):
        count = len(batch.targets)
        assert images.shape == (24, 48, 48, 1)  # the last batch too, with 16 images
        assert np.abs(np.asarray(images)[:count] - batch.images).max() < 1
        assert np.allclose(np.asarray(targets)[:count], batch.targets, atol=1e-6)
        assert np.mean(np.asarray(weights)) == pytest.approx(np.mean(batch.weights))


@pytest.mark.usefixtures("small_model")
def test_a_run_learns_the_same_as_batch_by_batch(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.training.progress.SECONDS", 0.0)  # reports every call
    config = replace(config, batch_size=20, epochs=2, schedule="cosine", optimizer="sgd")
    ours = trained(config)
    monkeypatch.setenv("FER_DEVICE_EPOCHS", "0")
    theirs = trained(config)
    columns = ["loss", "val_loss", "learning_rate"]
    assert np.allclose(ours.history[columns], theirs.history[columns], rtol=1e-4)
    columns = ["step", "epoch", "loss"]
    assert np.allclose(ours.steps[columns], theirs.steps[columns], rtol=1e-3)


@pytest.mark.usefixtures("small_model")
@pytest.mark.parametrize("ends", [KeyboardInterrupt, None])
def test_a_run_that_is_killed_or_stopped_between_checkpoints_resumes_exactly(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, ends: type[BaseException] | None
) -> None:
    monkeypatch.setattr("fer_core.training.trainer._CHECKPOINT_SECONDS", math.inf)
    whole, run = trained(config), create_run(config)
    with monkeypatch.context() as ending:
        end_in(2, run, ends, ending)
        if ends:
            with pytest.raises(ends):
                go_on(run)
        else:
            assert go_on(run).result.reason == STOPPED
    assert len(run.history) == 2
    if not ends:  # nothing that was trained is lost
        assert (run.directory / "checkpoints" / "1").exists()
    assert same(go_on(run), whole)


def end_in(
    last: int, run: Run, ends: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends training in the middle of an epoch: by an exception, or as a person does."""
    original = DeviceEpochs.learn

    def learn(self: DeviceEpochs, epoch: int) -> Iterator[object]:
        for learned in original(self, epoch):
            if epoch == last and ends:
                raise ends
            if epoch == last:
                (run.attempt / "stop").touch()
            yield learned

    monkeypatch.setattr(DeviceEpochs, "learn", learn)


@pytest.mark.slow
def test_resuming_is_exact_with_averaged_weights_and_a_smaller_last_batch(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"class_names": ("happy", "sad"), "image_size": (32, 32), "batch_size": 12, "epochs": 2}
    config = replace(config, architecture="cnn_vgg", ema=0.9, mixup=0.2, **few)
    whole, run = trained(config), create_run(config)
    with monkeypatch.context() as ending:
        end_in(1, run, KeyboardInterrupt, ending)
        with pytest.raises(KeyboardInterrupt):
            go_on(run)
    assert same(go_on(run), whole)


def test_the_cpu_is_not_used_so_and_neither_is_what_only_it_can_do(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_opened(config: TrainConfig) -> bool:
        return open_device_epochs(open_run_data(config), model) is not None

    model = small_model(config, 7)
    assert is_opened(config)
    assert not is_opened(replace(config, augmentation=Augmentation(jpeg=0.5)))
    with monkeypatch.context() as small:
        small.setattr("fer_core.hardware.gpu_memory", lambda: 1_000_000)
        assert not is_opened(config)
    monkeypatch.delenv("FER_DEVICE_EPOCHS")
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["cpu:0"])
    assert not is_opened(config)
    monkeypatch.setattr("keras.distribution.list_devices", lambda: ["gpu:0"])
    assert is_opened(config)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs the package jax")
def test_the_same_holds_on_jax() -> None:
    tests = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", __file__]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(tests, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
