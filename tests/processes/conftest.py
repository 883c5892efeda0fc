"""A small drawn data set and quick runs on it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs.config import TrainConfig
from fer_core.runs.recipes import RECIPES

PATIENCE = 120.0  # seconds; a process that loads TensorFlow may wait for busy cores


def wait_until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Returns when the condition holds; fails when it does not within PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.05)


@pytest.fixture
def faces(workspace: Path) -> str:
    """The name of a drawn data set of 140 faces."""
    return draw_dataset("faces", count=140).name


@pytest.fixture
def quick(faces: str) -> TrainConfig:
    """The classic CNN for two epochs of a fraction of a second each."""
    return replace(RECIPES["cnn_classic"].config, dataset=faces, epochs=2, batch_size=16)


@pytest.fixture
def endless(quick: TrainConfig) -> TrainConfig:
    """The same for more epochs than any test waits for."""
    return replace(quick, epochs=10_000)
