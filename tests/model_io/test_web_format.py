"""The web page: what its folder holds, and where onnxruntime-web comes from."""

import base64
import json
import tarfile
from pathlib import Path

import pytest

from fer_core.errors import FerError
from fer_core.model_io import onnxruntime_web
from fer_core.model_io.export import check_export
from fer_core.model_io.export_task import export_model
from fer_core.model_io.onnxruntime_web import VARIABLE, find_package, read_runtime
from fer_core.model_io.web_format import PAGE, WEB
from fer_core.runs.run import Run
from tests.model_io.measurements import fake_measurements

FILES = {name: name.encode() for name in onnxruntime_web._MEMBERS}
FILES["package.json"] = b'{"name": "onnxruntime-web", "version": "1.2.3"}'


@pytest.fixture(autouse=True)
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def write_package(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    """Writes the npm package as a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def pack(package: Path, path: Path) -> Path:
    """Packs the package as npm does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(package, "package")
    return path


def constant(script: Path) -> dict:
    """Returns what a script of the page defines."""
    return json.loads(script.read_text(encoding="utf-8").split(" = ", 1)[1].rstrip(";\n"))


def test_a_page_holds_all_that_it_needs(
    trained_run: Run, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_measurements(monkeypatch)
    with pytest.raises(FerError, match="npm pack onnxruntime-web"):
        check_export(trained_run, "web")
    pack(write_package(tmp_path / "npm"), workspace / "onnxruntime-web-1.2.3.tgz")
    export = export_model(trained_run, check_export(trained_run, "web"))
    names = {str(path.relative_to(export.folder)) for path in export.files()}
    assert names >= {path.name for path in PAGE.iterdir()} | {"model.onnx", "ort.wasm.min.js"}
    model, runtime = (constant(export.folder / name) for name in ("model.js", "runtime.js"))
    assert base64.b64decode(model["onnx"]) == (export.folder / "model.onnx").read_bytes()
    assert model["usage"]["class_names"] == list(trained_run.class_names)
    assert base64.b64decode(runtime["wasm"]) == FILES["dist/ort-wasm-simd-threaded.wasm"]
    loaded = [line for line in (export.folder / "index.html").read_text().split('"') if "." in line]
    assert {name for name in loaded if name.endswith((".js", ".css"))} <= names


def test_the_package_is_a_folder_or_an_archive_wherever_it_is(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_package() is None
    folder = write_package(workspace / "node_modules/onnxruntime-web")
    assert find_package() == folder
    for version in ("1.9.0", "1.30.0"):
        packed = pack(folder, workspace / f"onnxruntime-web-{version}.tgz")
    assert find_package() == packed
    archive = pack(folder, tmp_path / "elsewhere.tgz")
    monkeypatch.setenv(VARIABLE, str(archive))
    assert find_package() == archive
    assert read_runtime(archive) == read_runtime(folder)
    assert read_runtime(archive).version == "1.2.3"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    assert WEB.missing is not None


@pytest.mark.parametrize("damage", ["half", "another", "lacking", "no archive"])
def test_a_damaged_package_is_named(tmp_path: Path, damage: str) -> None:
    files = dict(FILES)
    if damage == "another":
        files["package.json"] = b"[]"
    elif damage == "lacking":
        del files["dist/ort.wasm.min.js"]
    archive = pack(write_package(tmp_path / "npm", files), tmp_path / "runtime.tgz")
    if damage == "half":
        archive.write_bytes(archive.read_bytes()[:200])
    elif damage == "no archive":
        archive.write_bytes(b"<html>")
    with pytest.raises(FerError, match=r"runtime\.tgz"):
        read_runtime(archive)
