"""Measurements of exports that take no time."""

from dataclasses import replace

import numpy as np
import pytest

from fer_core.model_io import export_task
from fer_core.model_io.measure import Measurement


def fake_measurements(monkeypatch: pytest.MonkeyPatch, error: float = 0.0) -> None:
    """Measures nothing: the export answers as the model, with an error."""

    def answer(faces: np.ndarray, *arguments: object) -> Measurement:
        return Measurement(np.full((len(faces), 7), 1 / 7, "float32"), 1.0, (2.0, 1.0))

    def answer_otherwise(faces: np.ndarray, *arguments: object) -> Measurement:
        answers = answer(faces)
        return replace(answers, probabilities=answers.probabilities + np.float32(error))

    monkeypatch.setattr(export_task, "measure_model", answer)
    monkeypatch.setattr(export_task, "measure_export", answer_otherwise)
