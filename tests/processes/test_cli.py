"""The same work in a terminal: `python -m fer_core …`."""

import errno
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data

from fer_core.__main__ import main
from fer_core.cli.console import follow
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.registry import open_dataset
from fer_core.evaluation.cross_dataset import predictions_file, tta_file
from fer_core.runs import tensorboard
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.records import STOPPED
from fer_core.runs.run import Run
from fer_core.runs.submit import create_run
from fer_core.runs.writers import save_predictions
from fer_core.tasks import queue
from fer_core.tasks.task import TaskState
from tests.datasets.trees import write_tree
from tests.inference.test_recognition import brightness_model, save_run
from tests.processes.conftest import wait_until

TRAIN = ["train", "--dataset", "faces", "--recipe", "cnn_classic", "--epochs", "1"]


def test_a_drawn_dataset_is_trained_evaluated_and_predicted(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "140"]) == 0
    assert len(open_dataset("faces").index) == 140
    assert main([*TRAIN, "--batch-size", "32", "--no-test-at-end", "--flip"]) == 0
    run = list_runs()[0]
    assert run.config.batch_size == 32 and run.config.augmentation.flip
    assert run.test_opened is None
    assert main(["evaluate", run.id]) == 0
    assert "val: " in capsys.readouterr().out and run.test_opened is None
    assert main(["evaluate", run.id, "--split", "test"]) == 0
    assert run.test_opened is not None and "14 images" in capsys.readouterr().out
    photo, table = tmp_path / "astronaut.png", tmp_path / "faces.csv"
    Image.fromarray(data.astronaut()).save(photo)
    assert main(["predict", run.id, str(photo), "--csv", str(table)]) == 0
    rows = pd.read_csv(table)
    assert len(rows) == 1 and rows["expression"][0] in run.class_names
    assert np.isclose(rows.filter(like="p_").sum(axis=1)[0], 1, atol=1e-4)
    damaged, other = tmp_path / "half.png", tmp_path / "again.png"
    damaged.write_bytes(photo.read_bytes()[:5000])
    Image.fromarray(data.astronaut()[:, ::-1]).save(other)
    wall = tmp_path / "wall.png"
    Image.new("RGB", (300, 200), "gray").save(wall)
    pictures = map(str, (photo, damaged, other, wall))
    assert main(["predict", run.id, *pictures, "--csv", str(table)]) == 1
    assert pd.read_csv(table)["image"].tolist() == [str(photo), str(other), str(wall)]
    assert pd.read_csv(table)["answer"].tolist()[2] == "no face"
    assert "half.png" in capsys.readouterr().err
    assert main(["predict", run.id, str(wall)]) == 0
    assert "no face" in capsys.readouterr().out
    assert main(["predict", run.id, str(wall), "--whole-picture", "--csv", str(table)]) == 0
    (whole,) = pd.read_csv(table).to_dict("records")
    assert (whole["detection"], whole["width"], whole["height"]) == ("whole picture", 300, 200)
    assert whole["expression"] in run.class_names


def test_a_run_is_evaluated_on_another_data_set(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save_run(brightness_model())
    import_source(
        write_tree(tmp_path / "other", {"train/happy": 2, "train/sad": 2, "test/happy": 3}), "other"
    )
    assert main(["evaluate", run.id, "--dataset", "other"]) == 0
    said = capsys.readouterr().out
    assert "other, test: " in said and "3 images" in said
    file = predictions_file(run, "other", "test")
    assert str(file) in said and len(pd.read_csv(file)) == 3
    assert re.search(r"^sad +– +– +– +0$", said, re.MULTILINE)
    assert main(["evaluate", run.id, "--dataset", "other", "--tta"]) == 0
    said = capsys.readouterr().out
    assert str(tta_file(run, "other", "test")) in said
    assert said.count("macro average") == 2
    assert main(["evaluate", run.id, "--dataset", "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err


def test_the_accuracy_without_leaks_and_images_of_seen_subjects_are_listed(
    three_waiting: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = three_waiting[0]
    table = pd.DataFrame({"path": list("abcd"), "row": "", "expression": "happy"})
    table = table.assign(leaked=[True, True, False, False], seen_subject=[True, True, True, False])
    table["p_happy"], table["p_sad"] = [1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]
    run.predictions_file("val").parent.mkdir()
    save_predictions(run, "val", table)
    assert main(["runs", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[run.id]["val_clean"] == 0.5
    assert {row["val_clean"] for name, row in rows.items() if name != run.id} == {None}
    assert main(["runs"]) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith(run.id)]
    assert line.split()[-2:] == ["50.0%", "3"]


def test_a_folder_is_imported_and_said(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("happy", "sad"):
        for number in range(4):
            path = tmp_path / "pictures" / "train" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((48, 48), 40 * number + len(name), "uint8")).save(path)
    assert main(["import", str(tmp_path / "pictures")]) == 0
    assert open_dataset("pictures").class_names == ("happy", "sad")
    assert "happy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (TRAIN, "faces"),
        (["evaluate", "nobody"], "There is no run nobody"),
        (["import", "/no/such/folder"], "/no/such/folder"),
        (["predict", "nobody", "photo.jpg"], "There is no run nobody"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    workspace: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error


def test_an_impossible_setting_is_refused_before_anything_is_made(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "70"]) == 0
    assert main([*TRAIN, "--image-size", "20", "20"]) == 1
    assert "from 46 to 512 pixels" in capsys.readouterr().err
    assert [run for run in list_runs() if not run.is_pretrained] == []


def own_runs() -> list[Run]:
    return [run for run in list_runs() if not run.is_pretrained]


@pytest.fixture
def three_waiting(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Runs in the queue that nobody takes, the oldest first."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    runs = [create_run(TrainConfig(dataset="faces", recipe="cnn_classic")) for _ in range(3)]
    for number, run in enumerate(runs):
        run.directory.rename(run.directory.with_name(f"run-{number}"))
    runs = [Run(run.directory.with_name(f"run-{number}")) for number, run in enumerate(runs)]
    for run in runs:
        queue.submit(run.directory, "train")
    return runs


def test_detach_stop_continue_and_resume(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "140"]) == 0
    assert main([*TRAIN[:-1], "10000", "--batch-size", "16", "--no-test-at-end", "--detach"]) == 0
    (run,) = own_runs()
    assert capsys.readouterr().out.splitlines()[-1] == run.id
    wait_until(lambda: len(run.history) >= 1)
    assert main(["resume", run.id]) == 1
    assert "Only an interrupted run can be resumed" in capsys.readouterr().err
    assert main(["stop", run.id[:8]]) == 0
    wait_until(lambda: not run.state.is_active)
    done = len(run.history)
    assert run.result is not None and run.result.reason == STOPPED
    assert main(["continue", run.id, "--epochs", "1"]) == 0
    assert f"completed after {done + 1} epoch" in capsys.readouterr().out
    assert list(run.history["epoch"]) == list(range(done + 1))
    assert main(["runs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["epochs"], row["goal"]) == (run.id, done + 1, done + 1)
    assert (row["state"], row["reason"]) == ("finished", "completed")


def test_the_queue_is_shown_and_changed(
    three_waiting: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "--move", "run-2", "-1"]) == 0
    assert capsys.readouterr().out.split()[2:] == ["1", "run-0", "2", "run-2", "3", "run-1"]
    assert main(["queue", "--cancel", "run-0"]) == 0
    assert three_waiting[0].state is TaskState.CANCELLED
    assert capsys.readouterr().out.split()[-4:] == ["1", "run-2", "2", "run-1"]
    assert main(["stop", "run-1"]) == 0
    assert three_waiting[1].state is TaskState.CANCELLED
    assert main(["resume", "run-0", "--detach"]) == 0
    assert [task.id for task in queue.waiting()] == ["run-2", "run-0"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["queue", "--move", "run-1", "soon"], "whole number of places. Received: soon"),
        (["queue", "--move", "run-0", "1"], "Only a queued run can be moved. run-0 is cancelled"),
        (["queue", "--cancel", "run-0"], "run-0 is cancelled"),
        (["stop", "run-0"], "Only a run that trains or waits can be stopped. run-0 is cancelled"),
        (["stop", "run-"], "must match one run. Received: run-, which matches run-2, run-1, run-0"),
        (["stop", ""], "Choose one listed on the Runs page"),
        (["continue", "run-1", "--epochs", "3"], "Only a run that has ended can be continued"),
        (["continue", "run-0", "--epochs", "0"], "at least 1 epoch"),
    ],
)
def test_what_cannot_be_done_with_a_run_is_said_in_a_sentence(
    three_waiting: list[Run],
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    three_waiting[0].cancel()
    assert main(arguments) == 1
    assert sentence in capsys.readouterr().err
    assert [task.id for task in queue.waiting()] == ["run-1", "run-2"]


def test_a_run_that_is_cancelled_while_one_follows_it_is_said_so(
    three_waiting: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    three_waiting[0].cancel()
    assert follow(three_waiting[0]) == 1
    assert "stopped, before it started" in capsys.readouterr().out


def test_runs_that_were_put_away_are_listed_when_asked_for(
    three_waiting: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    (three_waiting[0].directory / "notes.json").write_text('{"name": "the first"}')
    (three_waiting[1].directory / "notes.json").write_text('{"archived": true}')
    assert main(["runs"]) == 0
    table = capsys.readouterr().out
    assert "the first" in table
    assert "run-1" not in table and "run-0  queued  cnn_classic  faces    0 of 50  –" in table
    assert main(["runs", "--all"]) == 0
    assert "run-1" in capsys.readouterr().out


def test_interrupted_runs_go_on_by_themselves_where_that_is_chosen(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "--auto-resume"]) == 0
    assert queue.read_preferences().auto_resume
    assert "are resumed automatically" in capsys.readouterr().out
    assert main(["queue", "--no-auto-resume"]) == 0
    assert not queue.read_preferences().auto_resume
    assert capsys.readouterr().out == "No run is training or queued.\n"


def test_without_tensorboard_its_files_are_refused_before_anything_is_made(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "70"]) == 0
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    assert main([*TRAIN, "--tensorboard"]) == 1
    assert "pip install tensorboard" in capsys.readouterr().err
    assert own_runs() == []


def test_a_full_disk_is_said_in_a_sentence(
    three_waiting: list[Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(queue, "write_json", full)
    assert main(["queue", "--move", "run-0", "1"]) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_corrections_are_given_taken_and_trained_with(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "faces", "--count", "140"]) == 0
    assert main(["draw", "again", "--count", "140"]) == 0
    dataset, table = open_dataset("faces"), tmp_path / "corrections.csv"
    assert main(["corrections", "faces"]) == 0
    assert "faces: no corrections." in capsys.readouterr().out
    dataset.exclude(dataset.select("train")[:12], "blank")
    dataset.relabel([int(dataset.select("val")[0])], "sad")
    assert main(["corrections", "faces", "--export", str(table)]) == 0
    assert main(["corrections", "again", "--import", str(table)]) == 0
    said = capsys.readouterr().out
    assert "13 imported." in said and "again: 12 images excluded, 1 relabeled." in said
    assert main([*TRAIN, "--corrections", "--no-test-at-end"]) == 0
    (run,) = own_runs()
    assert run.config.overlay and run.counts["train"].sum() == 100
    table.write_text(table.read_text() + "nobody.png,,exclude,,blank,\n")
    assert main(["corrections", "again", "--import", str(table)]) == 1
    assert "1 of 14 corrections are of images" in capsys.readouterr().err
    table.write_bytes(b"\xff\xfe\xff")
    assert main(["corrections", "again", "--import", str(table)]) == 1
    assert "must be UTF-8 text" in capsys.readouterr().err
    assert main(["corrections", "again", "--import", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err
