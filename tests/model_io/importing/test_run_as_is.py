"""A model that is run as it is becomes a run that predicts, and says what it cannot do."""

from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import FerError
from fer_core.inference import Classifier
from fer_core.model_io import check_export
from fer_core.model_io.importing import ImportChoices, import_model
from fer_core.runs import list_runs
from tests.models.foreign.onnx_files import CLASSES, network


def test_an_imported_onnx_model_predicts_and_is_exported_as_onnx_only(tmp_path: Path) -> None:
    file = tmp_path / "faces.onnx"
    file.write_bytes(network(channels=3).SerializeToString())
    names = tuple(f"class {number}" for number in range(CLASSES))
    run = import_model(file, ImportChoices(names, "0..1", "BGR"))
    assert run in list_runs()
    assert run.class_names == names

    classifier = Classifier.load(run)
    face = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    probabilities = classifier.predict_pixels(classifier.pixels(face)[None])
    assert probabilities.shape == (1, CLASSES)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)

    assert check_export(run, "onnx").name == "onnx"
    for refused in (
        lambda: check_export(run, "keras"),
        lambda: Classifier.load(run, keras=True),
        lambda: run.require_keras("Training"),
    ):
        with pytest.raises(FerError):
            refused()
