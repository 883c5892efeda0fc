"""How an attempt ended, in words."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from fer_core.storage.files import DiskFullError, write_json
from fer_core.tasks import exit_status as endings
from fer_core.tasks import processes


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    """One that was taken just now, by this process, for a training."""
    record = processes.process_record() | {"started": time.time()}
    write_json(tmp_path / "process.json", record)
    request = {"kind": "train", "arguments": {}, "submitted": 0.0}
    write_json(tmp_path / "request.json", request)
    return tmp_path


def end(attempt: Path, code: int, memory_kills: int | None = None) -> str:
    endings.exit_file(attempt).write_text(endings.exit_record(code, memory_kills))
    return endings.interruption_reason(attempt)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(
    ("memory_kills", "words"),
    [
        (1, "The system killed its process for lack of memory"),
        (0, "by a person or another program"),
        (None, "on a full machine the system does this"),
    ],
)
def test_a_kill_is_the_systems_where_it_has_counted_one(
    attempt: Path, memory_kills: int | None, words: str
) -> None:
    assert words in end(attempt, -signal.SIGKILL, memory_kills)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGTERM, "SIGTERM, terminated"), (signal.SIGBUS, "SIGBUS, bus error"), (60, "60")],
)
def test_a_signal_is_named(attempt: Path, number: int, words: str) -> None:
    assert words in end(attempt, -number)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'", "lack of memory"),
        ("Thread tf_x creation via pthread_create() failed.", "lack of memory"),
        ("[low_level_alloc.cc : 599] RAW: mmap error: 12", "lack of memory"),
        ("OOM when allocating tensor with shape[64,64]", "lack of memory"),
        (f"OSError: [Errno 28] {os.strerror(errno.ENOSPC)}", "full disk"),
        ("nothing of note", "code 1"),
    ],
)
def test_the_last_words_in_the_log_tell_what_a_library_died_of(
    attempt: Path, log: str, words: str
) -> None:
    (attempt / "worker.log").write_text("begun\n" * 10_000 + log + "\n")
    assert words in end(attempt, 1)


def test_a_machine_that_was_started_anew_is_found_by_the_boot(attempt: Path) -> None:
    assert "without a word" in endings.interruption_reason(attempt)
    record = json.loads((attempt / "process.json").read_text())
    write_json(attempt / "process.json", record | {"boot": "another", "started": 0.0})
    assert "The machine restarted" in endings.interruption_reason(attempt)


def test_a_machine_that_was_started_anew_is_found_by_the_clock(attempt: Path) -> None:
    began = psutil.boot_time()
    for started, restarted in ((began - 60, True), (time.time(), False)):
        write_json(attempt / "process.json", {"started": started, "boot": ""})
        assert ("The machine restarted" in endings.interruption_reason(attempt)) is restarted


def test_an_orphan_says_that_its_supervisor_was_killed(attempt: Path) -> None:
    assert endings.ended(attempt) is None
    endings.mark_orphaned(attempt)
    assert "supervisor" in endings.interruption_reason(attempt)
    assert abs(endings.ended(attempt).timestamp() - time.time()) < 60


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"code": 1, "ended": null}'])
def test_a_damaged_record_of_the_exit_is_no_traceback(attempt: Path, text: str) -> None:
    endings.exit_file(attempt).write_text(text)
    assert endings.interruption_reason(attempt) and endings.ended(attempt) is None


def test_only_a_training_is_said_to_go_on(attempt: Path) -> None:
    assert "it can be resumed" in end(attempt, 1)
    write_json(attempt / "request.json", {"kind": "draw", "arguments": {}, "submitted": 0.0})
    assert "resume" not in end(attempt, 1)


class ResourceExhaustedError(Exception):
    """As TensorFlow names its own."""


@pytest.mark.parametrize(
    "error",
    [MemoryError(), ResourceExhaustedError("OOM"), RuntimeError("can't start new thread")],
)
def test_a_lack_of_memory_is_told_with_what_helps(error: Exception) -> None:
    told = endings.error_message(error, "train")
    assert "smaller batch or image size" in told and "Nothing but the epoch in hand" in told
    assert "batch" not in endings.error_message(error, "import")


def test_a_full_disk_is_told_with_what_helps() -> None:
    error = DiskFullError("The disk of /runs must have room.")
    assert "Free some space, then resume it." in endings.error_message(error, "train")
    assert endings.error_message(error, "draw").endswith("Free some space, then try again.")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ValueError("There must be faces."), "There must be faces."), (KeyError(3), "KeyError: 3")],
)
def test_other_errors_are_told_as_they_are(error: Exception, sentence: str) -> None:
    assert endings.error_message(error, "train") == sentence


@pytest.mark.skipif(not Path("/proc/vmstat").exists(), reason="needs Linux's count")
def test_the_systems_kills_are_counted_on_linux() -> None:
    kills = endings.count_oom_kills()
    assert kills is not None and kills >= 0


def test_what_was_killed_for_memory_long_before_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, counted = 1000.0, 5
    monkeypatch.setattr(endings.time, "monotonic", lambda: now)
    monkeypatch.setattr(endings, "count_oom_kills", lambda: counted)
    kills = endings.OomKillMonitor()
    assert kills.look() == 0  # those before the first look
    now, counted = 1000.5, 6
    assert kills.look() == 1
    now = 1029.0
    assert kills.look() == 1  # it may take its time to die
    now = 1060.0
    assert kills.look() == 0


def test_where_the_system_does_not_count_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "count_oom_kills", lambda: None)
    assert endings.OomKillMonitor().look() is None
