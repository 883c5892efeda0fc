"""Whole files or none."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fer_core.storage import files
from fer_core.storage.csv_tables import append_row
from fer_core.storage.files import (
    DiskFullError,
    delete_folder,
    is_temporary,
    open_log,
    release_reserved,
    replacing,
    reserve,
    truncate_log,
    write_json,
    write_reserved,
)
from fer_core.storage.reading import read_json

NO_ROOM = os.strerror(errno.ENOSPC)


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"epoch": 3, "names": ["happy"]})
    assert read_json(tmp_path / "a.json") == {"epoch": 3, "names": ["happy"]}


def test_writing_does_not_recreate_a_deleted_folder(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, NO_ROOM),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        RuntimeError(f"Unable to write (errno = 28, error message = '{NO_ROOM}')"),  # as h5py
    ],
)
def test_a_full_disk_gives_one_message_whichever_library_meets_it(
    tmp_path: Path, error: Exception
) -> None:
    needed = pytest.raises(DiskFullError, match="must have room for model.keras")
    with needed as told, replacing(tmp_path / "model.keras") as temporary:
        temporary.write_text("half")
        raise error
    assert str(tmp_path) in str(told.value) and "MB free" in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_that_an_error_came_from_is_found(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError), replacing(tmp_path / "a.keras"):
        try:
            raise OSError(errno.ENOSPC, NO_ROOM)
        except OSError:
            raise ValueError("Can't close the ZIP file.")  # noqa: B904 (as a library does)


def test_other_errors_are_not_changed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="denied") as error, replacing(tmp_path / "a.json"):
        raise PermissionError(errno.EACCES, "denied")
    assert not isinstance(error.value, DiskFullError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_row_that_does_not_fit_raises_disk_full(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match="history.csv"):
        append_row(path, {"epoch": 0}, ("epoch",))


def test_a_partly_written_row_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.csv"
    append_row(path, {"epoch": 0}, ("epoch",))
    whole = path.read_bytes()
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # A limit on the file's size lets one write end early, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 1, before[1]))
    try:
        with pytest.raises(DiskFullError):
            append_row(path, {"epoch": 111}, ("epoch",))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == whole


def test_reserved_space_takes_a_message_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "error.txt"
    reserve(path)

    def full(*arguments: object, **settings: object) -> None:
        raise OSError(errno.ENOSPC, NO_ROOM)

    monkeypatch.setattr(files, "write_text", full)
    write_reserved(path, "The disk is full.")
    assert path.read_text() == "The disk is full."
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError):  # the room is used
        write_reserved(path, "again")


@pytest.mark.parametrize("begins", [reserve, release_reserved])
def test_text_is_written_with_or_without_reserved_space(
    tmp_path: Path, begins: Callable[[Path], None]
) -> None:
    path = tmp_path / "exit.json"
    begins(path)
    write_reserved(path, "1" * 5000 if begins is reserve else "1")
    assert path.read_text() == "1" * (4096 if begins is reserve else 1)
    assert list(tmp_path.iterdir()) == [path]


def test_the_newest_lines_of_a_long_log_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    truncate_log(log, max_bytes=100_000)
    assert len(log.read_text().splitlines()) == 1000
    truncate_log(log, max_bytes=1000)
    lines = log.read_text().splitlines()
    assert log.stat().st_size <= 500 and lines[-1] == "line 999"
    assert lines == [f"line {number}" for number in range(1000 - len(lines), 1000)]
    truncate_log(tmp_path / "nothing.log", max_bytes=1)


def test_deleting_a_link_to_a_folder_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    for name in ("faces", ".deleted-faces"):  # the second was left by another program
        (tmp_path / name).symlink_to(tmp_path / "photos")
    delete_folder(tmp_path / "faces")
    delete_folder(tmp_path / "faces")  # gone already
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    assert (tmp_path / "photos" / "a.jpg").exists()


def test_a_log_is_not_written_through_a_link_or_into_a_pipe(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"line\n" * 100)
    (tmp_path / "link").symlink_to(victim)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError):
            open_log(tmp_path / name)
    truncate_log(tmp_path / "link", 10)
    assert victim.read_bytes() == b"line\n" * 100
    with open_log(tmp_path / "new") as log:
        log.write(b"a")
    with open_log(tmp_path / "new") as log:
        log.write(b"b")
    assert (tmp_path / "new").read_bytes() == b"ab"


def test_only_names_that_the_program_gives_are_temporary(tmp_path: Path) -> None:
    for name in ("model.keras", "history.csv", ".hidden", "no-suffix"):
        with replacing(tmp_path / name) as temporary:
            temporary.touch()
            assert is_temporary(temporary.name)
        assert not is_temporary(name)
    assert not any(map(is_temporary, (".git", ".DS_Store", ".gitignore", ".a.1a2b.keras")))
