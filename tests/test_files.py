"""Whole files or none."""

import json
from pathlib import Path

import pytest

from fer_core.files import append_row, read_json, replacing, write_json


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"epoch": 3, "names": ["happy"]})
    assert read_json(tmp_path / "a.json") == {"epoch": 3, "names": ["happy"]}


def test_a_folder_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_json(tmp_path / "deleted" / "a.json", 1)
    assert not (tmp_path / "deleted").exists()


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / "a.json") is None


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(ValueError):
        write_json(path, float("nan"))
    with pytest.raises(OSError), replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert json.loads(path.read_text()) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_temporary_name_keeps_the_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.touch()


def test_rows_are_appended_after_one_header(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    for epoch in range(2):
        append_row(path, {"loss": 0.5, "epoch": epoch}, ("epoch", "loss"))
    assert path.read_text() == "epoch,loss\n0,0.5\n1,0.5\n"
