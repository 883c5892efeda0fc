"""An export from the command line, by real processes."""

from pathlib import Path

import onnxruntime
import pytest

from fer_core.__main__ import main
from tests.inference.test_recognition import brightness_model, save_run


def test_a_model_is_exported_to_a_folder(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save_run(brightness_model())
    assert main(["export", run.id, "--format", "onnx", "litert", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "64 drawn faces: 64 with the same label" in said
    folder = tmp_path / f"{run.id}-onnx"
    assert str(folder) in said
    (output,) = onnxruntime.InferenceSession(folder / "model.onnx").get_outputs()
    assert output.name == "probabilities"
    assert (tmp_path / f"{run.id}-litert" / "model.tflite").exists()
    assert main(["export", run.id, "--out", str(tmp_path)]) == 1  # the folder is there
    assert str(folder) in capsys.readouterr().err
