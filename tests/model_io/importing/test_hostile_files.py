"""Files that are no models, or are made to hurt: each is refused with a sentence."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from fer_core.errors import FerError
from fer_core.model_io.importing import inspect_model, reading
from fer_core.model_io.importing.kinds import kind_of
from fer_core.model_io.importing.other_files import START_BYTES, explain
from fer_core.storage import paths
from tests.model_io.importing import hostile_files
from tests.model_io.importing.hostile_files import OTHERS

MEGABYTE = 2**20


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_program_is_named(name: str, tmp_path: Path) -> None:
    data, expected = OTHERS[name]
    path = tmp_path / "model.h5"
    path.write_bytes(data)
    with pytest.raises(FerError, match=expected):
        kind_of(path)
    assert expected in explain(path, data[:START_BYTES])


def test_a_folder_of_a_saved_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12")
    with pytest.raises(FerError, match="SavedModel"):
        inspect_model(tmp_path)


@pytest.mark.slow
def test_no_hostile_file_gets_through(tmp_path: Path) -> None:
    command = [sys.executable, "-m", hostile_files.__name__, str(tmp_path)]
    done = subprocess.run(
        command, cwd=paths.PROJECT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) > 180
    assert [each for each in records if each["answer"] == "model"] == []
    # A library may find damage; nothing else is a fault.
    faults = [each for each in records if each["answer"] == "fault"]
    assert [each for each in faults if "BadZipFile" not in each["text"]] == []
    assert max(each["bytes"] for each in records) < 200 * MEGABYTE
    assert max(each["seconds"] for each in records) < 5


@pytest.mark.slow
def test_the_program_that_asks_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    made = hostile_files.files()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("a packed gigabyte, tree", "a list that is long", "damaged weights, Keras 3"):
        path.write_bytes(made[name])
        with pytest.raises(FerError, match="model.h5"):
            inspect_model(path)
    taken = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    assert taken < 50 * MEGABYTE


def test_what_ends_the_reading_process_becomes_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"model")
    monkeypatch.setattr(reading, "_CHILD", "this_module_does_not_exist")
    with pytest.raises(FerError, match=r"model\.h5.*exit code"):
        inspect_model(path)
