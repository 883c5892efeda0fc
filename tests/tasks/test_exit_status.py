"""Why an attempt ended: exit records, error messages, interruptions."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from fer_core.errors import FerError
from fer_core.storage.files import DiskFullError, write_json
from fer_core.tasks import exit_status, oom_kills, processes

LOG = Path("/runs/a/attempts/0/worker.log")


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    """An attempt at a training that this process has just taken."""
    record = processes.process_record() | {"started": time.time()}
    write_json(tmp_path / "process.json", record)
    request = {"kind": "train", "arguments": {}, "submitted": 0.0}
    write_json(tmp_path / "request.json", request)
    return tmp_path


def end(attempt: Path, code: int, oom_killed: bool | None = None) -> str:
    exit_status.exit_file(attempt).write_text(exit_status.exit_record(code, oom_killed))
    return exit_status.interruption_reason(attempt)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(
    ("oom_killed", "expected"),
    [
        (True, "The system killed its process because memory ran out"),
        (False, "by a user or another program"),
        (None, "perhaps by the system because memory ran out"),
    ],
)
def test_a_kill_is_blamed_on_the_system_only_if_it_has_counted_one(
    attempt: Path, oom_killed: bool | None, expected: str
) -> None:
    assert expected in end(attempt, -signal.SIGKILL, oom_killed)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGBUS, "SIGBUS"), (60, "signal 60")]
)
def test_a_signal_is_named(attempt: Path, number: int, name: str) -> None:
    assert f"was ended by {name}." in end(attempt, -number)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'", "ran out of memory"),
        ("Thread tf_x creation via pthread_create() failed.", "ran out of memory"),
        ("[low_level_alloc.cc : 599] RAW: mmap error: 12", "ran out of memory"),
        ("OOM when allocating tensor with shape[64,64]", "ran out of memory"),
        (f"OSError: [Errno 28] {os.strerror(errno.ENOSPC)}", "the disk was full"),
        ("nothing of note", "exit code 1"),
    ],
)
def test_a_librarys_last_message_in_the_log_explains_the_end(
    attempt: Path, log: str, expected: str
) -> None:
    (attempt / "worker.log").write_text("begun\n" * 10_000 + log + "\n")
    assert expected in end(attempt, 1)


def test_a_restarted_machine_is_recognized_by_its_boot_id(attempt: Path) -> None:
    assert "without an exit record" in exit_status.interruption_reason(attempt)
    record = json.loads((attempt / "process.json").read_text())
    write_json(attempt / "process.json", record | {"boot": "another", "started": 0.0})
    assert "The machine restarted" in exit_status.interruption_reason(attempt)


def test_a_restarted_machine_without_a_boot_id_is_recognized_by_its_clock(attempt: Path) -> None:
    booted = psutil.boot_time()
    for started, restarted in ((booted - 60, True), (time.time(), False)):
        record = {"pid": 1, "created": 0.0, "started": started, "boot": ""}
        write_json(attempt / "process.json", record)
        assert ("The machine restarted" in exit_status.interruption_reason(attempt)) is restarted


def test_an_orphaned_attempt_says_that_its_supervisor_was_killed(attempt: Path) -> None:
    assert exit_status.ended(attempt) is None
    exit_status.mark_orphaned(attempt)
    assert "supervisor" in exit_status.interruption_reason(attempt)
    assert abs(exit_status.ended(attempt).timestamp() - time.time()) < 60


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '{"code": 1, "ended": null}',
        '{"code": 1, "ended": Infinity}',
        '{"code": 1, "ended": 1e18}',
        '{"code": 1, "ended": 1.0, "signal": "x"}',
        '{"code": 1, "ended": 1.0, "signal": 1000000000}',
        '{"code": 1, "ended": 1.0, "signal": -9}',
    ],
)
def test_a_damaged_exit_record_raises_nothing(attempt: Path, text: str) -> None:
    exit_status.exit_file(attempt).write_text(text)
    assert exit_status.interruption_reason(attempt) and exit_status.ended(attempt) is None


def test_only_a_training_can_be_resumed(attempt: Path) -> None:
    assert "can be resumed" in end(attempt, 1)
    write_json(attempt / "request.json", {"kind": "draw", "arguments": {}, "submitted": 0.0})
    assert "resume" not in end(attempt, 1)


class ResourceExhaustedError(Exception):
    """Has the name of TensorFlow's own error."""


@pytest.mark.parametrize(
    "error",
    [MemoryError(), ResourceExhaustedError("OOM"), RuntimeError("can't start new thread")],
)
def test_out_of_memory_comes_with_advice(error: Exception) -> None:
    message = exit_status.error_message(error, "train", LOG)
    assert message.startswith("Out of memory.")
    assert "smaller batch or image size" in message and "Only the unfinished epoch" in message
    assert "batch" not in exit_status.error_message(error, "import", LOG)


def test_a_full_disk_comes_with_advice() -> None:
    error = DiskFullError("The disk of /runs must have room.")
    message = exit_status.error_message(error, "train", LOG)
    assert "Free some space, then resume the run." in message
    message = exit_status.error_message(error, "draw", LOG)
    assert message.endswith("Free some space, then try again.")


def test_an_error_that_the_user_can_solve_is_only_its_message() -> None:
    error = FerError("There must be faces.")
    assert exit_status.error_message(error, "train", LOG) == "There must be faces."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyError(3), "Internal error: KeyError: 3. The full"),
        (ValueError("Bad."), "Internal error: ValueError: Bad. The full"),
        (AssertionError(), "Internal error: AssertionError. The full"),
        (RuntimeError("x" * 9000), f"{'x' * 100} … {'x' * 100}. The full"),
    ],
)
def test_an_internal_error_names_its_type_and_the_log(error: Exception, expected: str) -> None:
    message = exit_status.error_message(error, "train", LOG)
    assert expected in message and message.endswith(f"traceback is in {LOG}")


@pytest.mark.skipif(not Path("/proc/vmstat").exists(), reason="needs Linux's count")
def test_linux_counts_out_of_memory_kills() -> None:
    assert oom_kills.OomKillMonitor().poll() is False


def test_an_old_out_of_memory_kill_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now, vmstat = 1000.0, tmp_path / "vmstat"
    vmstat.write_text("oom_kill 5\n")
    monkeypatch.setattr(oom_kills.time, "monotonic", lambda: now)
    monkeypatch.setattr(oom_kills, "_VMSTAT", vmstat)
    monitor = oom_kills.OomKillMonitor()
    assert monitor.poll() is False  # the five happened before
    now = 1000.5
    vmstat.write_text("pgfault 7\noom_kill 6\n")
    assert monitor.poll() is True
    now = 1029.0
    assert monitor.poll() is True  # a process of many gigabytes takes its time to disappear
    now = 1060.0
    assert monitor.poll() is False


def test_a_system_that_does_not_count_kills_knows_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(oom_kills, "_VMSTAT", tmp_path / "missing")
    assert oom_kills.OomKillMonitor().poll() is None
