"""Several runs that become one."""

import errno
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.ensembles import (
    EQUAL,
    FITTED,
    check_members,
    ensemble_task,
    ensembles_in_progress,
    submit_ensemble,
)
from fer_core.ensembles.ensemble_task import make_ensemble, run_ensemble
from fer_core.errors import FerError
from fer_core.evaluation.calibration import apply_temperature
from fer_core.evaluation.provenance import provenance_of
from fer_core.inference.grad_cam import compute_grad_cam
from fer_core.inference.recognition import Classifier
from fer_core.models.architectures import load_model
from fer_core.models.onnx_model import OnnxModel, load_for_prediction
from fer_core.models.prediction import predict
from fer_core.runs.config import IMPORTED_RECIPE, TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.run import Run
from fer_core.runs.run_data import open_data_of
from fer_core.runs.submit import create_run
from fer_core.storage import paths
from fer_core.tasks.task import CancelledError, Task, TaskState
from fer_core.training.distillation import with_teacher_targets
from fer_core.training.test_split import open_test
from tests.ensembles.members import change, member


def quiet(done: int, total: int, message: str) -> None:
    """Reports nothing."""


def combined(
    runs: list[Run], *, weighting: str = EQUAL, tta: bool = False, dataset: str = ""
) -> Run:
    """The ensemble of runs."""
    made = Run(paths.runs_root() / "combined")
    make_ensemble(
        runs, made, "Together", weighting=weighting, tta=tta, report=quiet, dataset=dataset
    )
    return made


def expected(run: Run, pixels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """A run's calibrated probabilities, in another order of the classes."""
    model = load_for_prediction(run.model_file, run.config, len(run.class_names))
    answers = apply_temperature(predict(model, pixels), run.calibration().temperature)
    return answers[:, [run.class_names.index(name) for name in names]]


def test_an_ensemble_answers_with_the_mean_of_its_calibrated_members_though_they_are_deleted(
    trained_run: Run,
) -> None:
    other = member(trained_run, "other", class_names=trained_run.class_names[::-1])
    data = open_data_of(trained_run)
    pixels = np.asarray(data.rows("val")[:])
    mean = np.mean(
        [expected(run, pixels, data.class_names) for run in (trained_run, other)], axis=0
    )
    ensemble = combined([trained_run, other], tta=True)
    for run in (trained_run, other):
        shutil.rmtree(run.directory)
    assert ensemble.state is TaskState.FINISHED and not ensemble.problem and not ensemble.damage
    columns = [f"p_{name}" for name in ensemble.class_names]
    assert ensemble.predictions("val")[columns].to_numpy() == pytest.approx(mean, abs=1e-5)
    fast = load_for_prediction(ensemble.model_file, ensemble.config)
    assert isinstance(fast, OnnxModel)
    assert predict(fast, pixels) == pytest.approx(mean, abs=1e-5)
    slow = load_model(ensemble.model_file, ensemble.config)
    assert predict(slow, pixels[:4]) == pytest.approx(mean[:4], abs=1e-5)
    assert compute_grad_cam(slow, pixels[:2], np.array([0, 1])).max() <= 1
    record = ensemble.ensemble
    assert [each.run for each in record.members] == [trained_run.id, "other"]
    assert [each.weight for each in record.members] == [0.5, 0.5]
    assert record.correct / record.images == pytest.approx(ensemble.result.val_accuracy)
    assert not record.remark
    assert record.members[0].correct == record.members[1].correct_without  # of two, the other
    assert Classifier.load(ensemble, tta=True).threshold == ensemble.calibration(tta=True).threshold
    assert ensemble.calibration().threshold is not None
    assert [each["run"] for each in provenance_of(ensemble).record()["members"]]
    assert ensemble.test_opened is None
    open_test(ensemble)
    assert len(ensemble.predictions("test")) == ensemble.counts["test"].sum()
    assert len(ensemble.test_openings) == 1


def test_members_of_other_sizes_and_colors_get_faces_as_they_know_them(trained_run: Run) -> None:
    large = member(trained_run, "large", size=(64, 64), channels=3)
    ensemble = combined([trained_run, large])
    assert (*ensemble.config.image_size, ensemble.config.channels) == (64, 64, 3)
    fast = load_for_prediction(ensemble.model_file, ensemble.config)
    assert isinstance(fast, OnnxModel)  # which answers as Keras does
    pixels = np.asarray(open_data_of(ensemble).rows("val")[:])
    parts = fast.features_on_batch(pixels.astype("float32")).reshape(len(pixels), 2, -1)
    assert parts[:, 1] == pytest.approx(expected(large, pixels, ensemble.class_names), abs=1e-4)
    small = np.asarray(open_data_of(trained_run).rows("val")[:])
    own = expected(trained_run, small, ensemble.class_names)
    assert (parts[:, 0].argmax(axis=1) == own.argmax(axis=1)).mean() > 0.9


def test_a_member_that_knows_gray_faces_alone_gets_no_color_from_an_ensemble_that_takes_it(
    trained_run: Run,
) -> None:
    colored = member(trained_run, "colored", channels=3)
    change(colored.directory / "dataset.json", gray=False)
    ensemble = combined([trained_run, colored])
    assert not ensemble.is_gray
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 48, 48, 3)).astype("float32")
    gray = pixels @ np.array([[0.299], [0.587], [0.114]], "float32")
    fast = load_for_prediction(ensemble.model_file)
    parts = fast.features_on_batch(pixels).reshape(4, 2, -1)
    names = ensemble.class_names
    assert parts[:, 0] == pytest.approx(expected(trained_run, gray, names), abs=1e-4)
    assert parts[:, 1] == pytest.approx(expected(colored, pixels, names), abs=1e-4)


def test_validation_that_members_may_have_learned_from_is_told_and_marked(
    trained_run: Run,
) -> None:
    stranger = member(trained_run, "stranger")
    change(stranger.directory / "environment.json", fingerprint="of other images")
    change(stranger.directory / "config.json", validation_fraction=0.5)
    (stranger.directory / "calibration.json").unlink()  # so that it is fitted here
    ensemble = combined([trained_run, stranger], weighting=FITTED)
    record = ensemble.ensemble
    assert "stranger" in record.remark and "cannot be checked" in record.remark
    assert record.members[1].temperature != 1


def test_imported_members_are_fitted_on_the_dataset_that_was_chosen(trained_run: Run) -> None:
    imported = [member(trained_run, f"imported-{number}", seed=number) for number in range(2)]
    for run in imported:
        change(run.directory / "config.json", recipe=IMPORTED_RECIPE, dataset="")
    with pytest.raises(FerError, match="named nowhere"):
        submit_ensemble(imported, dataset="nowhere")
    ensemble = combined(imported, dataset=trained_run.config.dataset)
    assert ensemble.config.dataset == trained_run.config.dataset
    assert ensemble.ensemble.images == len(ensemble.predictions("val"))


def test_an_ensemble_can_teach_but_is_not_trained_itself(trained_run: Run) -> None:
    ensemble = combined([trained_run, member(trained_run, "other")])
    assert not ensemble.can_continue
    student = replace(trained_run.config, teachers=(ensemble.id,), distillation=1.0)
    run = create_run(student)
    shutil.rmtree(ensemble.directory)
    taught = with_teacher_targets(run, open_data_of(run)).teacher_probabilities
    assert taught[open_data_of(run).positions("train")].sum(axis=1) == pytest.approx(1, abs=1e-4)
    with pytest.raises(FerError, match="can be trained"):
        create_run(TrainConfig(dataset="faces", architecture="ensemble"))


def test_what_cannot_be_a_member_is_refused(trained_run: Run) -> None:
    def refused(*runs: Run) -> str:
        with pytest.raises(FerError) as error:
            submit_ensemble(runs)
        return str(error.value)

    others = [
        Run(shutil.copytree(trained_run.directory, trained_run.directory.with_name(f"r{n}")))
        for n in range(10)
    ]
    assert "Received: 1" in refused(trained_run)
    assert "Received: 11" in refused(trained_run, *others)
    assert "Twice: " in refused(trained_run, trained_run)
    (others[0].directory / "result.json").unlink()
    assert "must have finished" in refused(trained_run, others[0])
    change(others[1].directory / "dataset.json", class_names=[*"abcdefg"])
    assert "same expressions" in refused(trained_run, others[1])
    change(others[2].directory / "config.json", architecture="ensemble")
    assert "is an ensemble" in refused(trained_run, others[2])
    for imported in others[4:6]:
        change(imported.directory / "config.json", recipe=IMPORTED_RECIPE, dataset="")
    assert "choose a dataset" in refused(*others[4:6])
    shutil.rmtree(paths.datasets_root() / "faces")
    assert "named faces" in refused(others[3], others[4])
    assert "needs validation images" in refused(trained_run, others[3])
    assert not ensembles_in_progress()


@pytest.mark.parametrize("fault", ["stopped", "disk full", "damaged", "deleted"])
def test_nothing_is_left_of_an_ensemble_that_was_not_finished(
    fault: str, trained_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Run(shutil.copytree(trained_run.directory, trained_run.directory.with_name("other")))
    monkeypatch.setattr("fer_core.tasks.queue.ensure_supervisor", lambda: None)
    task = submit_ensemble([trained_run, other])
    if fault == "stopped":
        monkeypatch.setattr(Task, "stop_requested", True)
    elif fault == "disk full":
        monkeypatch.setattr(ensemble_task, "save_predictions", no_room)
    elif fault == "damaged":
        (other.directory / "model.keras").write_bytes(b"PK no model")
    else:
        shutil.rmtree(other.directory)
    before = {run.id for run in list_runs()}
    with pytest.raises((CancelledError, OSError, FerError)):
        run_ensemble(task)
    assert {run.id for run in list_runs()} == before
    assert not (task.directory / "run").exists()


def no_room(*arguments: object, **named: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_finished_task_leaves_a_run_of_the_chosen_name(
    trained_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_core.tasks.queue.ensure_supervisor", lambda: None)
    task = submit_ensemble([trained_run, member(trained_run, "other")], " Best of both ")
    assert ensembles_in_progress() == [task]
    run_ensemble(task)
    run = next(run for run in list_runs() if run.name == "Best of both")
    assert run.id == task.id and run.ensemble is not None
    with pytest.raises(FerError, match="single model"):
        check_members([run, trained_run])


def test_the_record_of_an_ensemble_may_be_damaged(trained_run: Run, tmp_path: Path) -> None:
    (trained_run.directory / "ensemble.json").write_text('{"members": []}', encoding="utf-8")
    assert trained_run.ensemble is None
    assert any("ensemble.json" in sentence for sentence in trained_run.damage)
