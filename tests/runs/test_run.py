"""A training run's directory."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation import score_cache as scores
from fer_core.evaluation.metrics import Accuracy, Score, accuracy
from fer_core.evaluation.run_summary import overview
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import RunCounts, count_runs, list_runs, open_run, unreadable_runs
from fer_core.runs.records import COMPLETED, HISTORY_COLUMNS, Notes, Result
from fer_core.runs.run import Run
from fer_core.runs.submit import check_data, continue_run, create_run, open_test_task, resume_run
from fer_core.runs.writers import save_predictions, save_result
from fer_core.storage import paths
from fer_core.storage.csv_tables import append_row
from fer_core.storage.files import write_json
from fer_core.tasks import task as tasks
from fer_core.tasks.processes import process_record
from fer_core.tasks.task import TaskState
from tests.tasks.requests import write_request

CONFIG = TrainConfig(dataset="faces", recipe="cnn_classic")


def test_a_new_run_knows_its_settings_and_nothing_else(workspace: Path) -> None:
    run = create_run(CONFIG)
    assert run.config == CONFIG
    assert run.state is TaskState.CANCELLED  # nobody asked for it yet
    assert run.history.empty and list(run.history) == list(HISTORY_COLUMNS)
    assert run.steps.empty and run.result is None and run.predictions("val") is None
    assert run.class_names == () and not run.has_test and run.model_file is None
    assert run.started is None and run.duration is None and run.exports == []


def test_a_half_written_last_row_is_not_read(workspace: Path) -> None:
    run = create_run(CONFIG)
    row = dict.fromkeys(HISTORY_COLUMNS, 0.25) | {"epoch": 0}
    append_row(run.directory / "history.csv", row, HISTORY_COLUMNS)
    with (run.directory / "history.csv").open("a") as file:
        file.write("1,0.2")
    assert len(run.history) == 1


def test_runs_are_listed_newest_first(workspace: Path) -> None:
    runs = [create_run(replace(CONFIG, dataset=name)) for name in ("b", "a")]
    for run, second in zip(runs, ("1", "2"), strict=True):
        run.directory.rename(run.directory.with_name(f"20261120-05501{second}_{run.id[16:]}"))
    assert [run.config.dataset for run in list_runs() if not run.is_pretrained] == ["a", "b"]


def test_folders_that_are_no_runs_are_passed_over(workspace: Path) -> None:
    run = create_run(CONFIG)
    (paths.runs_root() / "notes").mkdir()
    (paths.runs_root() / "readme.txt").touch()
    assert [each.id for each in list_runs() if not each.is_pretrained] == [run.id]


@pytest.mark.parametrize("run_id", ["nobody", "../runs", "", "/etc", "..", "."])
def test_an_address_that_names_no_run_is_refused(workspace: Path, run_id: str) -> None:
    create_run(CONFIG)
    with pytest.raises(ValueError, match="Choose one listed on the Runs page"):
        open_run(run_id)


def test_a_run_is_called_what_a_person_called_it(workspace: Path) -> None:
    run = create_run(CONFIG)
    assert run.name == run.id
    write_json(run.directory / "notes.json", {"name": "first try"})
    assert run.name == "first try"


def test_deleting_removes_all_of_it(workspace: Path) -> None:
    run = create_run(CONFIG)
    assert run.size_on_disk() > 0
    run.delete()
    assert list(paths.runs_root().iterdir()) == []


def test_a_shipped_run_is_not_deleted(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(CONFIG)
    monkeypatch.setattr(paths, "pretrained_root", lambda: run.directory.parent)
    with pytest.raises(ValueError, match="ships with the program"):
        run.delete()
    assert run.directory.exists()


def test_classes_whose_names_are_numbers_stay_words(workspace: Path) -> None:
    run = create_run(CONFIG)
    table = pd.DataFrame({"path": ["1.png"], "row": [""], "expression": ["3"]})
    save_predictions(run, "val", table.assign(p_2=0.25, p_3=0.75))
    predictions = run.predictions("val")
    assert list(predictions["expression"]) == ["3"]
    assert accuracy(predictions).value == 1


def finish(run: Run) -> Path:
    """What a supervisor and a trainer leave of a run that has finished."""
    attempt = run.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    write_json(attempt / "process.json", {"pid": 0, "created": 0.0, "started": 0.0})
    write_json(attempt / "request.json", {"kind": "train", "arguments": {}, "submitted": 0.0})
    write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 0.0})
    save_result(run, Result(COMPLETED, 1, 0, 1.0, 0.5))
    return attempt


def test_a_finished_run_is_not_resumed(workspace: Path) -> None:
    run = create_run(CONFIG)
    finish(run)
    with pytest.raises(ValueError, match="Only an interrupted run can be resumed.*is finished"):
        resume_run(run)
    assert run.state is TaskState.FINISHED


def test_the_test_split_of_a_run_that_has_not_finished_stays_sealed(workspace: Path) -> None:
    run = create_run(CONFIG)
    finish(run)
    (run.directory / "result.json").unlink()
    assert run.state is TaskState.INTERRUPTED
    with pytest.raises(ValueError, match="can be opened once the run has finished"):
        open_test_task(run)
    assert tasks.list_tasks() == []


def test_the_path_of_weights_is_resolved_where_the_person_stands(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vgg19.h5").touch()
    monkeypatch.chdir(tmp_path)
    config = replace(CONFIG, architecture="vgg19_dropout", weights="vgg19.h5")
    assert create_run(config).config.weights == str((tmp_path / "vgg19.h5").resolve())


def test_weights_that_are_not_there_are_refused_before_a_run_is_made(workspace: Path) -> None:
    with pytest.raises(ValueError, match="Received: missing.h5"):
        create_run(replace(CONFIG, architecture="vgg19_dropout", weights="missing.h5"))
    assert not paths.runs_root().exists()


def test_what_is_half_exported_is_not_offered(workspace: Path) -> None:
    run = create_run(CONFIG)
    (run.directory / "export").mkdir()
    for name in ("model.h5", ".model.1a2b.h5"):
        (run.directory / "export" / name).touch()
    assert [path.name for path in run.exports] == ["model.h5"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.json", "{"),
        ("config.json", '{"architecture": "resnet"}'),
        ("config.json", '{"colour": 1}'),
        ("config.json", "[1]"),
        ("dataset.json", "{"),
        ("config.json", '{"epochs": "many"}'),
        ("config.json", '{"dataset": 5}'),
        ("config.json", '{"image_size": 48}'),
        ("dataset.json", "[1]"),
        ("dataset.json", '{"class_names": [1, 2]}'),
        ("environment.json", "[1]"),
        ("result.json", '{"reason": "completed"}'),
        ("result.json", '{"reason": "completed", "epochs": 1, "best_epoch": "first"}'),
        ("result.json", "[1]"),
    ],
)
def test_a_run_that_cannot_be_read_is_set_apart_with_a_sentence(
    workspace: Path, name: str, text: str
) -> None:
    good, bad = create_run(CONFIG), create_run(CONFIG)
    (bad.directory / name).write_text(text)
    assert [run.id for run in list_runs() if not run.is_pretrained] == [good.id]
    assert [run.id for run in unreadable_runs()] == [bad.id]
    assert f"{bad.id} cannot be read" in bad.problem
    with pytest.raises(ValueError, match="cannot be read"):
        open_run(bad.id)


def test_a_run_that_was_deleted_is_not_resumed_and_not_deleted_again(workspace: Path) -> None:
    run = create_run(CONFIG)
    run.delete()
    run.delete()
    with pytest.raises(ValueError, match="was deleted"):
        resume_run(run)
    assert not run.directory.exists()


def test_a_run_that_is_mended_or_damaged_later_is_seen_as_it_is_now(workspace: Path) -> None:
    run = create_run(CONFIG)
    path = run.directory / "config.json"
    whole = path.read_text()
    for text, readable in ((whole, True), ("{", False), (whole, True)):
        path.write_text(text)
        assert (run.problem == "") is readable


def test_notes_are_kept_and_damaged_ones_count_as_none(workspace: Path) -> None:
    run = create_run(CONFIG)
    notes = Notes("*first* try", "more dropout", starred=True)
    run.save_notes(notes)
    assert (run.notes, run.name) == (notes, "*first* try")
    (run.directory / "notes.json").write_text('{"name": 5}')
    assert (run.notes, run.name, run.problem) == (Notes(), run.id, "")


@pytest.mark.parametrize(
    "notes", [Notes("x" * 10_000), Notes("two\nlines"), Notes(note="x" * 5001)]
)
def test_notes_that_are_too_long_are_refused(workspace: Path, notes: Notes) -> None:
    run = create_run(CONFIG)
    with pytest.raises(ValueError, match="must (be|have).*Received: "):
        run.save_notes(notes)
    assert run.notes == Notes()


def test_a_run_that_waits_is_not_archived(workspace: Path) -> None:
    run = create_run(CONFIG)
    write_request(run.directory)
    with pytest.raises(ValueError, match="can be archived once it has ended.*is queued"):
        run.save_notes(Notes(archived=True))
    run.save_notes(Notes("waits"))  # a name it may have


def copied(run: Run, name: str = "copied here") -> Run:
    """The run's directory under another name, as a person copies it."""
    shutil.copytree(run.directory, run.directory.with_name(name))
    return open_run(name)


def test_a_copy_of_a_run_that_trains_is_interrupted(workspace: Path) -> None:
    run = create_run(CONFIG)
    attempt = finish(run)
    for name in (attempt / "exit.json", run.directory / "result.json"):
        name.unlink()
    record = process_record() | {"started": 0.0, "task": str(run.directory)}
    write_json(attempt / "process.json", record)
    assert run.state is TaskState.RUNNING
    assert copied(run).state is TaskState.INTERRUPTED


def test_a_copied_run_is_what_it_was(workspace: Path) -> None:
    run = create_run(CONFIG)
    finish(run)
    run.save_notes(Notes("mine"))
    copy = copied(run)
    assert (copy.config, copy.result, copy.notes) == (run.config, run.result, run.notes)
    assert copy.state is TaskState.FINISHED
    assert replace(overview(copy), run=run) == overview(run)


def test_a_copied_run_goes_on_with_the_data_set_it_was_trained_on_alone(workspace: Path) -> None:
    run = create_run(CONFIG)
    (finish(run).parent.parent / "result.json").unlink()
    write_json(run.directory / "environment.json", {"fingerprint": "1234"})
    with pytest.raises(ValueError, match="needs the images that it was trained on"):
        resume_run(run)
    dataset = draw_dataset("faces", count=70)
    with pytest.raises(ValueError, match="the dataset faces have changed since"):
        continue_run(run, 1)
    write_json(run.directory / "environment.json", {"fingerprint": dataset.fingerprint()})
    check_data(run)
    assert run.state is TaskState.INTERRUPTED


def test_a_link_to_a_run_elsewhere_is_a_run_and_only_the_link_is_deleted(
    workspace: Path, tmp_path: Path
) -> None:
    run = create_run(CONFIG)
    elsewhere = run.directory.rename(tmp_path / "elsewhere")
    (paths.runs_root() / "linked").symlink_to(elsewhere)
    (paths.runs_root() / "loop").symlink_to(paths.runs_root() / "loop")
    (linked,) = [run for run in list_runs() if not run.is_pretrained]
    linked.delete()
    assert (elsewhere / "config.json").exists()
    assert not (paths.runs_root() / "linked").exists()


def test_an_overview_follows_what_happens_to_the_run(workspace: Path) -> None:
    run = create_run(CONFIG)
    assert (overview(run).epochs, overview(run).state) == (0, TaskState.CANCELLED)
    row = dict.fromkeys(HISTORY_COLUMNS, 0.25) | {"epoch": 0}
    append_row(run.directory / "history.csv", row, HISTORY_COLUMNS)
    assert (overview(run).epochs, overview(run).best_accuracy) == (1, 0.25)
    finish(run)
    assert (overview(run).state, overview(run).reason) == (TaskState.FINISHED, COMPLETED)
    run.save_notes(Notes("mine"))
    assert overview(run).notes.name == "mine"


def test_the_census_sees_a_run_at_rest_begin_again(workspace: Path) -> None:
    run = create_run(CONFIG)
    finish(run)
    (paths.runs_root() / "no run").mkdir()
    long_ago = 1_000_000_000
    os.utime(run.directory, (long_ago, long_ago))
    assert count_runs() == count_runs() == RunCounts(1, ())
    write_request(run.directory)
    assert count_runs() == RunCounts(1, (run,))


def answers(right: int, wrong: int, leaked: int) -> pd.DataFrame:
    """Predictions, the first of which are right, and the first of which have leaked."""
    number = range(right + wrong)
    table = pd.DataFrame({"path": [f"{each}.png" for each in number], "row": ""})
    table["expression"] = ["happy"] * right + ["sad"] * wrong
    return table.assign(leaked=table.index < leaked, p_happy=0.9, p_sad=0.1)


def test_an_overview_has_the_score_of_the_predictions_with_and_without_leaks(
    workspace: Path,
) -> None:
    run = create_run(CONFIG)
    assert overview(run).val is None
    save_predictions(run, "val", answers(6, 4, leaked=5))
    found = overview(run).val
    assert found is not None and found.clean is not None
    assert (found.accuracy.correct, found.accuracy.total, found.leaked) == (6, 10, 5)
    assert (found.clean.correct, found.clean.total) == (1, 5)
    save_predictions(run, "val", answers(7, 4, leaked=0))
    assert overview(run).val == Score(Accuracy.of(7, 11), None)
    seen = answers(7, 4, leaked=0).assign(seen_subject=[True] * 5 + [False] * 6)
    save_predictions(run, "val", seen)
    expected = Score(Accuracy.of(7, 11), None, 5, Accuracy.of(2, 6))
    assert overview(run).val == scores.read_score(run.predictions_file("val")) == expected


def test_a_score_is_counted_once_even_by_several_processes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(CONFIG)
    save_predictions(run, "val", answers(6, 4, leaked=5))
    file = run.predictions_file("val")
    first = scores.score_of(file)
    monkeypatch.setattr(scores, "_count", lambda path: pytest.fail("it was counted again"))
    assert scores.read_score(file) == first  # as in another process


@pytest.mark.parametrize("damage", ["", "[]", '{"stamp": 1}', '{"stamp": [1, 2, 3]}'])
def test_a_damaged_note_of_a_score_is_counted_anew(workspace: Path, damage: str) -> None:
    run = create_run(CONFIG)
    save_predictions(run, "val", answers(6, 4, leaked=5))
    file = run.predictions_file("val")
    first = scores.score_of(file)
    (note,) = (paths.cache_root() / "scores").iterdir()
    note.write_text(damage)
    assert scores.read_score(file) == first


def test_damaged_predictions_have_no_score(workspace: Path) -> None:
    run = create_run(CONFIG)
    save_predictions(run, "val", answers(6, 4, leaked=5))
    run.predictions_file("val").write_text("path,row\n1,2\n")
    assert overview(run).val is None
