"""A run evaluated on other data than its own, by a tiny model that judges brightness."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import open_dataset
from fer_core.evaluation import cross_dataset as elsewhere
from fer_core.evaluation.metrics import score
from fer_core.inference.cross_dataset_task import evaluate
from fer_core.inference.recognition import Classifier
from fer_core.models.tta import predict_tta
from fer_core.runs.listing import open_run
from fer_core.runs.records import read_predictions
from fer_core.runs.run import Run
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import queue, supervisor, worker
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import CancelledError, TaskState
from tests.datasets.trees import write_image, write_tree
from tests.inference.test_recognition import brightness_model, save_run

OWN = {"train/happy": 4, "train/sad": 4, "val/happy": 2, "val/sad": 2, "test/happy": 3}


@pytest.fixture
def run(workspace: Path, tmp_path: Path) -> Run:
    """A run on the data set "tiny", which has been added; its test split is sealed."""
    import_source(write_tree(tmp_path / "own", OWN), "tiny")
    return save_run(brightness_model())


def add_other(tmp_path: Path, folders: dict[str, int], copied: tuple[str, ...] = ()) -> Dataset:
    """A data set "other" of images that "tiny" does not have, and copies of some that it has."""
    shade = 1000
    for folder, count in folders.items():
        for number in range(count):
            write_image(tmp_path / "other" / folder / f"{number}.png", shade)
            shade += 1
    for name in copied:
        target = tmp_path / "other" / "train" / "happy" / f"copy-of-{name.replace('/', '-')}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tmp_path / "own" / name, target)
    return import_source(tmp_path / "other", "other")


def test_every_image_of_a_known_class_is_answered_as_the_classifier_would(
    run: Run, tmp_path: Path
) -> None:
    other = add_other(tmp_path, {"train/sad": 3, "test/sad": 4, "test/happy": 5})
    record = evaluate(run, other, "test")
    table = read_predictions(elsewhere.predictions_file(run, "other", "test"))
    assert table is not None
    positions = other.select("test")
    assert table["path"].tolist() == other.index["path"].iloc[positions].tolist()
    assert table["expression"].tolist() == other.index["expression"].iloc[positions].tolist()
    known = Classifier.load(run).predict([other.image(int(each)) for each in positions])
    assert table[["p_sad", "p_happy"]].to_numpy() == pytest.approx(known, abs=1e-5)
    assert (record.images, record.left_out, record.missing) == (9, {}, ())
    assert elsewhere.list_evaluations(run) == [record]


def test_ten_views_are_averaged_where_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    other = add_other(tmp_path, {"train/sad": 3, "test/sad": 4, "test/happy": 5})
    file = elsewhere.tta_file(run, "other", "test")
    evaluate(run, other, "test", tta=True)
    single = read_predictions(elsewhere.predictions_file(run, "other", "test"))
    averaged = read_predictions(file)
    assert single is not None and averaged is not None
    classifier = Classifier.load(run)
    pixels = [classifier.pixels(other.image(int(each))) for each in other.select("test")]
    wanted = predict_tta(classifier.model, np.stack(pixels))
    assert averaged[["p_sad", "p_happy"]].to_numpy() == pytest.approx(wanted, abs=1e-5)
    assert (averaged["path"] == single["path"]).all() and "leaked" in averaged
    evaluate(run, other, "test")  # what was averaged before is of an earlier look
    assert not file.exists() and len(elsewhere.list_evaluations(run)) == 1


def test_classes_are_matched_by_name_and_those_not_shared_are_told(
    run: Run, tmp_path: Path
) -> None:
    other = add_other(tmp_path, {"train/happy": 3, "train/contempt": 4, "test/contempt": 5})
    record = evaluate(run, other, elsewhere.EVERYTHING)
    assert (record.left_out, record.missing) == ({"contempt": 9}, ("sad",))
    table = read_predictions(elsewhere.predictions_file(run, "other", "all"))
    assert table is not None
    assert set(table["expression"]) == {"happy"} and len(table) == record.images == 3


def test_images_that_the_network_learned_from_are_marked_wherever_they_lie(
    run: Run, tmp_path: Path
) -> None:
    copied = ("train/sad/000.png", "train/happy/001.png", "val/happy/000.png")
    other = add_other(tmp_path, {"train/happy": 4, "train/sad": 2}, copied)
    evaluate(run, other, elsewhere.EVERYTHING)
    table = read_predictions(elsewhere.predictions_file(run, "other", "all"))
    assert table is not None
    leaked = table.loc[table["leaked"], "path"]
    assert sorted(Path(path).name for path in leaked) == [
        "copy-of-train-happy-001.png",
        "copy-of-train-sad-000.png",
    ]
    assert score(table).leaked == 2


def test_images_that_the_runs_corrections_exclude_are_not_leaked(
    workspace: Path, tmp_path: Path
) -> None:
    tiny = import_source(write_tree(tmp_path / "own", OWN), "tiny")
    excluded, kept = "train/sad/000.png", "train/happy/001.png"
    tiny.exclude(np.flatnonzero(tiny.index["path"] == excluded), "blurred")
    run = save_run(brightness_model(), overlay=True)
    assert run.config.overlay
    other = add_other(tmp_path, {"train/happy": 4, "train/sad": 2}, (excluded, kept))
    evaluate(run, other, elsewhere.EVERYTHING)
    table = read_predictions(elsewhere.predictions_file(run, "other", "all"))
    assert table is not None
    (leaked,) = table.loc[table["leaked"], "path"]
    assert leaked.endswith("copy-of-train-happy-001.png")


def test_images_of_classes_that_the_run_leaves_out_are_not_leaked(
    workspace: Path, tmp_path: Path
) -> None:
    folders = OWN | {"train/fear": 3, "val/fear": 1}
    import_source(write_tree(tmp_path / "own", folders), "tiny")
    run = save_run(brightness_model(), selected=("sad", "happy"))
    copies = ("train/fear/000.png", "train/sad/001.png")
    other = add_other(tmp_path, {"train/happy": 4, "train/sad": 2}, copies)
    evaluate(run, other, elsewhere.EVERYTHING)
    table = read_predictions(elsewhere.predictions_file(run, "other", "all"))
    assert table is not None
    (leaked,) = table.loc[table["leaked"], "path"]
    assert leaked.endswith("copy-of-train-sad-001.png")


def test_leaks_are_unknown_without_the_images_of_the_run(run: Run, tmp_path: Path) -> None:
    other = add_other(tmp_path, {"train/happy": 3, "train/sad": 2})
    open_dataset("tiny").delete()
    assert not evaluate(run, other, "train").leaks_known
    table = read_predictions(elsewhere.predictions_file(run, "other", "train"))
    assert table is not None and "leaked" not in table


def test_images_of_the_sealed_test_split_are_refused_until_it_is_opened(
    run: Run, tmp_path: Path
) -> None:
    other = add_other(tmp_path, {"train/happy": 3, "train/sad": 2}, ("test/happy/002.png",))
    with pytest.raises(ValueError, match="keeps sealed; 1 are"):
        evaluate(run, other, elsewhere.EVERYTHING)
    assert not elsewhere.list_evaluations(run)
    test = run.predictions_file("test")
    test.parent.mkdir(exist_ok=True)
    test.touch()
    write_json(test.with_suffix(".json"), {"opened": ["2026-03-01T12:30:00"]})
    assert evaluate(run, other, elsewhere.EVERYTHING).images == 6


def test_of_its_own_data_only_training_is_elsewhere(run: Run) -> None:
    own = open_dataset("tiny")
    for split in ("val", "test", elsewhere.EVERYTHING):
        with pytest.raises(ValueError, match="was trained on tiny"):
            evaluate(run, own, split)
    evaluate(run, own, "train")
    table = read_predictions(elsewhere.predictions_file(run, "tiny", "train"))
    assert table is not None and table["leaked"].all() and len(table) == 8


def test_an_evaluation_that_is_stopped_leaves_what_was_there(run: Run, tmp_path: Path) -> None:
    other = add_other(tmp_path, {"train/happy": 3, "train/sad": 2})
    before = evaluate(run, other, "train")

    def stop(done: int, total: int) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        evaluate(run, other, "train", stop)
    assert elsewhere.list_evaluations(run) == [before]


@pytest.mark.parametrize(
    ("folders", "split", "says"),
    [
        ({"train/contempt": 2, "train/fear": 2}, "train", "must have a class in common"),
        ({"train/happy": 2, "test/contempt": 2}, "test", "other has none in test"),
        ({"train/happy": 2, "train/sad": 2}, "../train", "The split must be"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anybody_waits(
    run: Run, tmp_path: Path, folders: dict[str, int], split: str, says: str
) -> None:
    add_other(tmp_path, folders)
    with pytest.raises(ValueError, match=says):
        elsewhere.submit_evaluation(run, "other", split)
    assert not queue.waiting()


def test_a_run_without_a_model_is_refused(run: Run, tmp_path: Path) -> None:
    add_other(tmp_path, {"train/happy": 2, "train/sad": 2})
    (run.directory / "model.keras").unlink()
    with pytest.raises(ValueError, match="must have ended with a model"):
        elsewhere.submit_evaluation(run, "other", "train")


def test_a_task_does_it_in_the_queue_and_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    add_other(tmp_path, {"train/happy": 2, "train/sad": 2})
    task = elsewhere.submit_evaluation(run, "other", "train")
    with pytest.raises(ValueError, match="already"):
        elsewhere.submit_evaluation(run, "other", "train")
    attempt = supervisor.take(task)
    assert attempt is not None and worker.work(task) == 0, task.error
    exit_file(attempt).write_text(exit_record(0))
    assert task.state is TaskState.FINISHED
    assert [one.dataset for one in elsewhere.list_evaluations(run)] == ["other"]
    assert elsewhere.evaluations_of(run) == [task]


def test_what_ships_with_the_program_is_not_written_into(run: Run, tmp_path: Path) -> None:
    other = add_other(tmp_path, {"train/happy": 3, "train/sad": 2})
    shutil.copytree(run.directory, paths.pretrained_root() / "small")
    shipped = open_run("small")
    before = sorted(shipped.directory.rglob("*"))
    record = evaluate(shipped, other, "train")
    assert sorted(shipped.directory.rglob("*")) == before
    assert elsewhere.list_evaluations(shipped) == [record]
    assert elsewhere.predictions_file(shipped, "other", "train").is_relative_to(paths.workspace())


def test_damaged_records_are_left_out(run: Run, tmp_path: Path) -> None:
    evaluate(run, add_other(tmp_path, {"train/happy": 3, "train/sad": 2}), "train")
    record = elsewhere.predictions_file(run, "other", "train").with_suffix(".json")
    for damage in ("", "[]", "{}", '{"missing": 3}'):
        record.write_text(damage)
        assert elsewhere.list_evaluations(run) == []
