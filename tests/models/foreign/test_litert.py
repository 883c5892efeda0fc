"""LiteRT files of other programs are checked, and predict from our pixels."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fer_core.errors import FerError
from fer_core.model_io.importing.choices import ImportChoices
from fer_core.model_io.importing.foreign import Files
from fer_core.model_io.importing.litert_reader import read_litert
from fer_core.models import load_for_prediction

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")

from tests.models.foreign.litert_files import (  # noqa: E402 (it needs the package)
    CLASSES,
    HOSTILE,
    SIDE,
    dense_kernel,
    network,
)

if TYPE_CHECKING:
    from fer_core.models import Model

NAMES = tuple(f"class {number}" for number in range(CLASSES))


@pytest.mark.parametrize("softmax", [True, False])
def test_an_imported_model_answers_as_the_original(tmp_path: Path, softmax: bool) -> None:
    made = network(softmax=softmax)
    (tmp_path / "original.tflite").write_bytes(made.written())
    choices = ImportChoices(NAMES, "-1..1", "gray")
    found = read_litert(Files(tmp_path / "original.tflite"), choices, tmp_path)
    assert (found.input_shape, found.classes) == ((SIDE, SIDE, 1), CLASSES)

    pixels = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 1)).astype("float32")
    scores = (pixels.reshape(5, -1) / 127.5 - 1) @ dense_kernel(made).T
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    model = load_for_prediction(tmp_path / "model.tflite", classes=CLASSES)
    np.testing.assert_allclose(model.predict_on_batch(pixels), expected, atol=1e-5)
    _predict_at_once(model, pixels, expected)


def _predict_at_once(model: "Model", pixels: np.ndarray, expected: np.ndarray) -> None:
    """Predicts batches of other sizes from two threads, which share the interpreter."""
    differences: list[float] = []

    def predict(size: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(20):
                answers = model.predict_on_batch(pixels[:size])
                differences.append(float(np.abs(answers - expected[:size]).max()))

        return run

    threads = [Thread(target=predict(size)) for size in (2, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(differences) == 40
    assert max(differences) < 1e-5


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_before_it_is_run(tmp_path: Path, name: str) -> None:
    file = tmp_path / "hostile.tflite"
    file.write_bytes(HOSTILE[name]())
    with pytest.raises(FerError):
        read_litert(Files(file), None, tmp_path)
