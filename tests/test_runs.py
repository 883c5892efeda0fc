"""A training run's directory."""

from dataclasses import replace
from pathlib import Path

import pytest

from fer_core import paths
from fer_core.config import TrainConfig
from fer_core.files import append_row, write_json
from fer_core.runs import HISTORY_COLUMNS, create_run, list_runs, open_run
from fer_core.tasks import TaskState

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
    with pytest.raises(ValueError, match="must be one of those listed"):
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
