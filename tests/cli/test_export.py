"""The command that exports models."""

from pathlib import Path

import pytest

from fer_core.__main__ import main
from fer_core.model_io.export_task import export_model
from fer_core.model_io.formats import FORMATS
from fer_core.runs.run import Run
from tests.model_io.measurements import fake_measurements


@pytest.mark.parametrize(("error", "code"), [(0.0, 0), (0.01, 1)])
def test_only_a_good_export_is_copied(
    trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: float, code: int
) -> None:
    fake_measurements(monkeypatch, error)
    export_model(trained_run, FORMATS["onnx"])
    monkeypatch.setattr("fer_core.cli.export.submit_export", lambda run, name: None)
    monkeypatch.setattr("fer_core.cli.export.follow", lambda task: 0)
    out = tmp_path / "models"
    assert main(["export", trained_run.id, "--out", str(out)]) == code
    assert out.exists() == (not code)
