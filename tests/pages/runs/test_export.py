"""The part of the Runs page that exports a model."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.model_io import export_task
from fer_core.model_io.export import exports_of
from fer_core.model_io.formats import FORMATS
from fer_core.runs.run import Run
from tests.model_io.measurements import fake_measurements
from tests.pages.conftest import PageOpener, RunFactory
from tests.pages.runs.test_page import button, choose


def export_onnx(run: Run, monkeypatch: pytest.MonkeyPatch, error: float = 0.0) -> None:
    """Exports a run whose model is not really one."""
    fake_measurements(monkeypatch, error)
    format = replace(FORMATS["onnx"], write=lambda source, path: path.write_bytes(b"a graph"))
    export_task.export_model(run, format)


def downloads(page: AppTest) -> list[str]:
    """The exports that are offered."""
    prefix = "download-export-"
    return [button.key for button in page.download_button if button.key.startswith(prefix)]


def test_a_format_without_its_package_says_what_to_install(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    monkeypatch.setattr("fer_core.model_io.format.find_spec", lambda module: None)
    page = choose(open_page("runs"), 0)
    export = next(each for each in page.button if each.key == f"export-{run.id}")
    assert export.disabled
    assert any("pip install onnxruntime" in caption.value for caption in page.caption)


@pytest.mark.usefixtures("no_supervisor")
def test_an_export_is_queued_once(open_page: PageOpener, finished_run: RunFactory) -> None:
    run = finished_run()
    page = button(choose(open_page("runs"), 0), "Export")
    button(page, "Export")
    (task,) = exports_of(run)
    assert task.request is not None
    assert task.request.arguments == {"run": run.id, "format": "onnx"}


def test_a_good_export_is_offered(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_onnx(finished_run(), monkeypatch)
    page = choose(open_page("runs"), 0)
    assert len(downloads(page)) == 1
    assert list(page.dataframe[1].value.index) == ["Keras", "ONNX"]
    assert not page.error


def test_an_export_that_answers_otherwise_is_not_offered(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_onnx(finished_run(), monkeypatch, error=0.01)
    page = choose(open_page("runs"), 0)
    assert not downloads(page)
    assert "Do not use this export" in page.error[0].value


def test_an_export_of_an_older_model_is_not_offered(
    open_page: PageOpener, finished_run: RunFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run()
    export_onnx(run, monkeypatch)
    (run.directory / "model.keras").write_bytes(b"another model")
    page = choose(open_page("runs"), 0)
    assert not downloads(page)
    assert any("Export it again" in info.value for info in page.info)
