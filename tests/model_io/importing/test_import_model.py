"""An imported model is a finished run, with which everything works."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core import __main__
from fer_core.datasets.registry import open_dataset
from fer_core.errors import FerError
from fer_core.evaluation.comparison import differing_settings, read_record
from fer_core.evaluation.cross_dataset import list_evaluations
from fer_core.evaluation.drift import training_stats_of
from fer_core.evaluation.provenance import provenance_of
from fer_core.evaluation.run_summary import overview
from fer_core.inference.cross_dataset_task import evaluate
from fer_core.inference.grad_cam import compute_grad_cam
from fer_core.inference.recognition import Classifier
from fer_core.model_io.importing import (
    ImportChoices,
    import_model,
    imported_run,
    inspect_model,
    submit_import,
)
from fer_core.model_io.importing.import_model import run_import_model
from fer_core.model_io.usage import usage_of
from fer_core.runs.listing import list_runs
from fer_core.runs.recipes import RECIPES
from fer_core.runs.run import Run
from fer_core.runs.submit import continue_run, create_run, resume_run
from fer_core.tasks import TaskState, queue
from tests.model_io.importing import foreign_files
from tests.model_io.importing.foreign_files import CLASSES, FILES

ORDER = ("happy", "angry", "disgust", "fear", "sad", "surprise", "neutral")
CHOICES = ImportChoices(ORDER, "-1..1", "gray", crop_margin=0.25)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "their model.h5"
    path.write_bytes(FILES["Keras 2.0, a list"](foreign_files.network()))
    return path


def test_everything_works_with_an_imported_model(file: Path, trained_run: Run) -> None:
    run = import_model(file, CHOICES)
    assert (run.name, run.state, run.problem, run.damage) == (
        "their model", TaskState.FINISHED, "", (),
    )  # fmt: skip
    assert run in list_runs()
    assert overview(run).reason == "imported"
    assert provenance_of(run).record()["imported"]["sha256"] == inspect_model(file).sha256
    classifier = Classifier.load(run)
    assert (classifier.class_names, classifier.margin) == (ORDER, 0.25)
    faces = np.random.default_rng(0).integers(0, 256, (3, 30, 30, 3), dtype="uint8")
    pixels = np.stack([classifier.pixels(face) for face in faces])
    expected = foreign_files.network().predict_on_batch(pixels / np.float32(127.5) - 1)
    assert classifier.predict(list(faces)) == pytest.approx(expected, abs=1e-4)
    evaluate(run, open_dataset("faces"), "val")
    assert len(list_evaluations(run)) == 1
    assert len(differing_settings({str(each.id): read_record(each) for each in list_runs()}))
    model = Classifier.load(run, keras=True).model
    assert compute_grad_cam(model, pixels, np.zeros(3, int)).shape == (3, 12, 12)
    assert usage_of(run, (0, 255)).crop_margin == 0.25
    with pytest.raises(FerError, match="their model was imported"):
        training_stats_of(run)
    for refused in (resume_run, lambda one: continue_run(one, 1)):
        with pytest.raises(FerError, match=run.id):
            refused(run)


@pytest.mark.parametrize("name", ["Keras 2.0, a list", "Keras 3, .keras"])
def test_half_of_a_file_is_said_to_be_only_a_part(name: str, file: Path) -> None:
    whole = FILES[name](foreign_files.network())
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FerError, match=r"^their model\.h5 .*only a part of it was downloaded"):
        inspect_model(file)


def test_training_starts_from_an_imported_model(file: Path, trained_run: Run) -> None:
    from fer_core.training.trainer import run_training

    source = import_model(file, CHOICES)
    recipe = replace(RECIPES["cnn_residual"].config, average_views=False)
    config = replace(recipe, dataset="faces", epochs=1, initial_run=source.id, learning_rate=1e-8)
    run = create_run(config)
    run_training(run)
    assert run.config.image_size == (12, 12)
    ours, theirs = Classifier.load(run), Classifier.load(source)
    faces = list(np.random.default_rng(0).integers(0, 256, (3, 30, 30, 3), dtype="uint8"))
    order = [theirs.class_names.index(name) for name in ours.class_names]
    assert ours.predict(faces).argmax(axis=1).tolist() == (
        theirs.predict(faces)[:, order].argmax(axis=1).tolist()
    )


def test_a_task_imports_a_copy_of_the_file(
    file: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    task = submit_import(file, CHOICES, name="theirs")
    file.unlink()
    run_import_model(task)
    run = imported_run(task)
    assert run.name == "theirs"
    assert run.imported is not None
    assert run.imported.file == "their model.h5"
    assert not list(task.directory.glob("*.bin"))


def test_the_command_line_asks_for_what_the_file_does_not_say(
    file: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main(["import-model", str(file), "--inspect"]) == 0
    assert f"{CLASSES} classes" in capsys.readouterr().out
    assert __main__.main(["import-model", str(file), "--scaling", "0..1"]) == 1
    assert "--classes" in capsys.readouterr().err
    assert list_runs() == [run for run in list_runs() if run.is_pretrained]


def test_a_file_that_is_not_there_leaves_nothing(tmp_path: Path, workspace: Path) -> None:
    with pytest.raises(FerError, match="nothing"):
        import_model(tmp_path / "nothing.h5", CHOICES)
    with pytest.raises(FerError, match="nothing"):
        submit_import(tmp_path / "nothing.h5", CHOICES)
    assert not list(workspace.glob("*/*import*"))
