"""Models in the formats of other programs: what they answer, and when they are good."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.errors import FerError
from fer_core.expressions import EXPRESSIONS
from fer_core.inference.recognition import Classifier
from fer_core.model_io.export import REPORT, Export, check_export, folder_of, list_exports
from fer_core.model_io.export_task import export_model
from fer_core.model_io.format import Source
from fer_core.model_io.formats import FORMATS
from fer_core.model_io.keras_formats import write_h5
from fer_core.model_io.report import count_answers, largest_difference
from fer_core.model_io.usage import usage_of
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.storage.files import write_json
from fer_core.tasks.task import CancelledError
from tests.model_io.measurements import fake_measurements

ONNX = FORMATS["onnx"]
RUNTIMES = ("tensorflow", "keras", "onnx", "onnxruntime", "ai_edge_litert", "openvino", "cv2")
# Runs programs that find no other runtime, and nothing of this project.
ALONE = """
import os, runpy, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
folders = sys.argv[1:]
sys.argv[1:] = []
for folder in folders:
    os.chdir(folder)
    runpy.run_path("predict.py", run_name="__main__")
    sys.modules.pop("predict", None)
    with open("README.md", encoding="utf-8") as readme:
        exec(readme.read().split("```python\\n")[1].split("```")[0])
"""
BY_TENSORFLOW = [name for name, each in FORMATS.items() if each.module == "tensorflow"]


def untrained_run(recipe: str, weights: str = "none") -> Run:
    """A run whose dataset is not on this machine, with random weights, or VGG19's of a file."""
    from fer_core.models.architectures import build_model, save_model

    config = replace(RECIPES[recipe].config, dataset="elsewhere", weights=weights)
    run = create_run(config)
    run.cancel()
    write_json(run.directory / "dataset.json", {"class_names": EXPRESSIONS, "counts": {}})
    model, rng = build_model(config, len(EXPRESSIONS)), np.random.default_rng(0)
    # Scales of a residual block begin at zero, with which it would do nothing.
    model.set_weights(
        [
            each + rng.uniform(0, 0.3, each.shape) if each.ndim == 1 else each
            for each in model.get_weights()
        ]
    )
    save_model(model, run.directory / "model.keras")
    return run


def check_alone(exports: Sequence[Export]) -> None:
    """Runs each program and the code of its README.md with the formats' package alone.

    Both answer as the app.
    """
    (module,) = {export.format.module for export in exports}
    uses = {"keras", "tensorflow"} if module == "tensorflow" else {module}
    program = ALONE.format(missing={*RUNTIMES, "fer_core"} - uses)
    command = [sys.executable, "-c", program, *(str(export.folder) for export in exports)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    printed = [line for line in done.stdout.splitlines() if line.startswith("{")]
    for export, answer, example in zip(exports, printed[::2], printed[1::2], strict=True):
        classifier = Classifier.load(export.run)
        face = np.asarray(Image.open(export.folder / "face.png"))[None, ..., None]
        (probabilities,) = classifier.predict_pixels(face)
        expected = dict(zip(classifier.class_names, probabilities, strict=True))
        allowed = export.format.gate.max_difference or 0.1
        assert json.loads(answer)["probabilities"] == pytest.approx(expected, abs=allowed)
        assert ast.literal_eval(example) == pytest.approx(expected, abs=allowed + 1e-3)


def test_an_onnx_file_answers_as_the_app_and_tells_how_to_use_it(
    trained_run: Run, tmp_path: Path
) -> None:
    import onnxruntime

    usage = usage_of(trained_run, ONNX.value_range)
    ONNX.write(
        Source(trained_run.directory / "model.keras", trained_run.config, usage),
        tmp_path / ONNX.file,
    )
    session = onnxruntime.InferenceSession(tmp_path / ONNX.file)
    (given,), (answer,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape) == ("pixels", ["faces", 48, 48, 1])
    assert (answer.name, answer.shape) == ("probabilities", ["faces", 7])
    entries = session.get_modelmeta().custom_metadata_map
    assert json.loads(entries["class_names"]) == list(EXPRESSIONS)
    assert json.loads(entries["temperature"]) == trained_run.calibration().temperature
    assert json.loads(entries["threshold"]) == pytest.approx(Classifier.load(trained_run).threshold)
    assert json.loads(entries["accuracy"])["images"] == trained_run.counts["val"].sum()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), dtype="uint8")
    answers = session.run(None, {"pixels": pixels.astype("float32")})[0]
    classifier = Classifier.load(trained_run)
    classifier.temperature = 1.0
    assert np.allclose(answers, classifier.predict_pixels(pixels), atol=1e-6)


def test_an_export_is_current_until_the_model_changes(
    trained_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_measurements(monkeypatch)
    export_model(trained_run, ONNX)
    (export,) = list_exports(trained_run)
    assert export.is_current
    assert not export.report.failure
    assert export.report.answers is not None
    with trained_run.model_file.open("ab") as file:
        file.write(b"trained further")
    (export,) = list_exports(trained_run)
    assert not export.is_current


def test_a_new_export_replaces_the_old_one_when_it_is_complete(
    trained_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_measurements(monkeypatch)
    export_model(trained_run, ONNX)

    def stop(done: int, message: str) -> None:
        if done == 2:
            raise CancelledError

    with pytest.raises(CancelledError):
        export_model(trained_run, ONNX, stop)
    (export,) = list_exports(trained_run)
    assert (export.folder / ONNX.file).exists()
    assert [path.name for path in folder_of(trained_run).iterdir()] == [ONNX.name]


def test_a_damaged_report_hides_the_export(
    trained_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_measurements(monkeypatch)
    export = export_model(trained_run, ONNX)
    (export.folder / REPORT).write_text('{"format": "onnx"')
    assert list_exports(trained_run) == []


@pytest.mark.parametrize(("error", "is_good"), [(5e-5, True), (2e-4, False), (np.nan, False)])
def test_an_export_that_answers_otherwise_is_not_good(
    trained_run: Run, monkeypatch: pytest.MonkeyPatch, error: float, is_good: bool
) -> None:
    fake_measurements(monkeypatch, error)
    assert (not export_model(trained_run, ONNX).report.failure) == is_good


def test_an_eight_bit_export_must_keep_the_labels(
    trained_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_measurements(monkeypatch)
    report = export_model(trained_run, ONNX).report
    report = replace(report, format="litert-int8", largest_difference=0.06, faces=64)
    assert not replace(report, agreeing=62).failure
    assert replace(report, agreeing=56).failure


def test_answers_are_counted_in_pairs() -> None:
    model = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    export = np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9]])
    answers = count_answers(model, export, np.array([0, 0, 1]))
    assert (answers.model, answers.export) == (2, 2)
    assert (answers.only_model, answers.only_export, answers.p_value) == (1, 1, 1.0)
    assert largest_difference(model, export) == pytest.approx(0.6)


def test_a_model_that_scales_otherwise_has_no_classic_file(tmp_path: Path) -> None:
    import keras

    from fer_core.models.architectures import save_model

    pixels = keras.Input((8, 8, 1))
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0)(pixels)
    answers = keras.layers.Dense(2, "softmax")(keras.layers.GlobalAveragePooling2D()(scaled))
    save_model(keras.Model(pixels, answers), tmp_path / "model.keras")
    with pytest.raises(FerError, match=r"divides them by 255"):
        write_h5(tmp_path / "model.keras", tmp_path / "model.h5")
    assert not (tmp_path / "model.h5").exists()


def test_a_missing_package_is_named(trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.model_io.format.find_spec", lambda module: None)
    with pytest.raises(FerError, match="pip install openvino"):
        check_export(trained_run, "openvino")


def test_an_unknown_format_is_refused(trained_run: Run) -> None:
    with pytest.raises(FerError, match=r"onnx, .*\. Received: \.\./x"):
        check_export(trained_run, "../x")


@pytest.fixture(scope="module")
def two_runs(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A classic CNN with its dataset and a residual CNN without; Keras predicts once with each."""
    home = tmp_path_factory.mktemp("export") / "home"
    shutil.copytree(trained_home, home)
    (trained,) = (home / "runs").iterdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FER_HOME", str(home))
        return Run(trained), untrained_run("cnn_residual")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FORMATS if name not in BY_TENSORFLOW])
def test_an_export_answers_as_the_app_where_nothing_else_is_installed(
    two_runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    format = FORMATS[name]
    if format.missing:
        pytest.skip(f"needs {format.missing.what}")
    trained, untrained = two_runs
    monkeypatch.setenv("FER_HOME", str(trained.directory.parents[1]))
    half = name.startswith("litert-")  # converted as LiteRT, of which both runs are
    for run in (untrained,) if half else two_runs:
        export = export_model(run, format)
        assert (export.report.answers is None) == (run == untrained)
        if format.gate.max_difference is None:  # labels of random weights are close together
            assert export.report.largest_difference < 0.1
        else:
            assert not export.report.failure
        check_alone([export])


@pytest.mark.slow
def test_exports_that_tensorflow_reads_answer_as_the_app_where_nothing_else_is_installed(
    two_runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, untrained = two_runs
    monkeypatch.setenv("FER_HOME", str(trained.directory.parents[1]))
    exports = [export_model(trained, FORMATS["keras"])]
    assert not exports[0].report.failure
    with monkeypatch.context() as patched:  # each would start TensorFlow once more
        fake_measurements(patched)
        for name in BY_TENSORFLOW:
            if name != "keras":
                exports.append(export_model(untrained, FORMATS[name]))
    check_alone(exports)
