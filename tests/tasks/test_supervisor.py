"""The supervisor's own faults: what it cannot start, or write, and what it removes."""

import errno
import io
import os
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from fer_core import hardware as machine
from fer_core.storage import paths
from fer_core.storage.files import read_json, write_json, write_text
from fer_core.tasks import (
    exit_status as endings,
)
from fer_core.tasks import (
    maintenance as upkeep,
)
from fer_core.tasks import (
    processes,
    queue,
    supervisor,
    worker,
)
from fer_core.tasks.preferences import Preferences, save_preferences
from fer_core.tasks.supervisor import Supervisor
from fer_core.tasks.task import Task, TaskState


def ask(task: Task, kind: str = "draw") -> Task:
    """What `queue.submit` writes, without starting a supervisor."""
    task.directory.mkdir(parents=True, exist_ok=True)
    request = {"kind": kind, "arguments": {}, "submitted": 1.0}
    write_json(task.directory / "request.json", request)
    return task


@pytest.fixture
def task(workspace: Path) -> Task:
    return ask(Task(paths.tasks_root() / "20261120-055014_draw"))


def no_room(*arguments: object, **settings: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def one_round(boss: Supervisor) -> None:
    boss.round()
    processes.supervisor_file().unlink()  # it names this process, which shall not be ended


def test_a_task_whose_process_cannot_be_started_fails_with_a_sentence(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    one_round(Supervisor())
    assert task.state is TaskState.FAILED
    assert "could not be started" in task.error and "/no/such/python" in task.error


def test_a_task_that_a_full_disk_does_not_let_be_taken_stays_queued(
    task: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    boss = Supervisor()
    with monkeypatch.context() as full:
        full.setattr(endings, "reserve", no_room)
        one_round(boss)
        one_round(boss)
    assert task.state is TaskState.QUEUED and task.attempts == []
    assert list((task.directory / "attempts").iterdir()) == []
    assert len(caplog.records) == 1  # and not twice a second
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    one_round(boss)
    assert task.state is TaskState.FAILED


def test_an_end_that_cannot_be_written_is_written_later(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    boss = Supervisor()
    with monkeypatch.context() as full:
        full.setattr(supervisor, "write_reserved", no_room)
        one_round(boss)
        assert task.state is TaskState.RUNNING
    one_round(boss)
    assert task.state is TaskState.FAILED and "could not be started" in task.error


def test_an_end_of_a_task_that_was_removed_is_forgotten(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = Supervisor()
    attempt = supervisor.take(task)
    boss.unwritten.append((endings.exit_file(attempt / "removed"), "{}"))
    one_round(boss)
    assert boss.unwritten == []


def test_an_attempt_never_lands_in_the_folder_of_another(task: Task) -> None:
    write_text((supervisor.take(task) / "error.txt"), "It failed.")
    (task.attempt / "request.json").unlink()  # lost, so that nobody counts it any more
    ask(task)
    attempt = supervisor.take(task)
    assert attempt is not None and attempt.name == "1"
    assert task.state is TaskState.RUNNING and task.error == ""


def test_a_request_that_was_cancelled_is_not_taken(task: Task) -> None:
    task.cancel()
    assert supervisor.take(task) is None
    assert task.state is TaskState.CANCELLED
    assert list((task.directory / "attempts").iterdir()) == []


def test_a_supervisor_takes_the_place_of_one_that_was_killed(task: Task) -> None:
    task.cancel()  # nothing waits
    write_json(processes.supervisor_file(), {"pid": 2**22, "created": 0.0})
    boss = Supervisor()
    boss.round()
    told = read_json(processes.supervisor_file())
    processes.supervisor_file().unlink()  # it names this process, which shall not be ended
    assert told["pid"] == os.getpid()


def test_two_processes_do_not_work_on_one_task(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor.take(task)
    monkeypatch.setattr(worker, "HANDOVER_SECONDS", 0.1)
    with FileLock(task.directory / "attempts" / "work.lock"):
        assert worker.work(task) == 1
    assert "one process at a time" in task.error


class FullLog(io.StringIO):
    """A log on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_written_does_not_keep_the_sentence_back(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.take(task)
    monkeypatch.setattr(sys, "stderr", FullLog())
    assert worker.work(task) == 1  # nothing says what to draw
    assert task.error.startswith("TypeError: ") and "name" in task.error


@pytest.mark.parametrize("text", ["", "[]", '{"pid": "x"}', "{}", "null"])
def test_a_record_that_a_power_cut_damaged_is_of_no_living_process(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "process.json").write_text(text)
    assert not processes.is_alive(tmp_path / "process.json")


def test_a_corrected_clock_does_not_make_a_living_process_look_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "process.json", processes.process_record())
    born, booted = processes.psutil.Process.create_time, processes.psutil.boot_time
    monkeypatch.setattr(processes.psutil.Process, "create_time", lambda self: born(self) + 3600)
    monkeypatch.setattr(processes.psutil, "boot_time", lambda: booted() + 3600)
    assert processes.is_alive(tmp_path / "process.json")


def test_a_damaged_run_does_not_keep_the_others_from_going_on(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_preferences(Preferences(resume_by_itself=True))
    for name in ("a", "damaged", "z"):
        attempt = supervisor.take(ask(Task(paths.runs_root() / name), "train"))
        write_text(endings.exit_file(attempt), endings.exit_record(-9))
    resumed = []

    def resume(run: Task) -> None:
        if run.id == "damaged":
            raise ValueError("It cannot be read.")
        resumed.append(run.id)

    monkeypatch.setattr(queue, "auto_resume", resume)
    upkeep.resume_interrupted()
    assert sorted(resumed) == ["a", "z"]
    save_preferences(Preferences())
    upkeep.resume_interrupted()
    assert len(resumed) == 2


def test_tasks_are_removed_a_week_after_their_end_and_runs_never(workspace: Path) -> None:
    week = upkeep.KEPT_SECONDS
    folders = {}
    for name, age in (("old", week + 60), ("young", week - 60)):
        for root in (paths.tasks_root(), paths.runs_root()):
            task = ask(Task(root / name))
            attempt = supervisor.take(task)
            record = {"code": 0, "signal": None, "ended": time.time() - age}
            write_json(endings.exit_file(attempt), record)
            folders[name, root] = task.directory
    waiting = ask(Task(paths.tasks_root() / "waiting")).directory
    os.utime(waiting, (0, 0))
    upkeep.remove_old()
    assert not folders["old", paths.tasks_root()].exists()
    assert waiting.exists() and folders["young", paths.tasks_root()].exists()
    assert all(folders[name, paths.runs_root()].exists() for name in ("old", "young"))


def test_a_supervisor_that_cannot_be_started_is_told_in_a_sentence(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ValueError, match="The supervisor, which does what waits, must be started"):
        processes.ensure_supervisor()
    assert task.state is TaskState.QUEUED


@pytest.mark.parametrize(("kind", "low_latency"), [("train", False), ("video", True)])
def test_a_process_gets_the_surroundings_of_its_kind(
    task: Task, monkeypatch: pytest.MonkeyPatch, kind: str, low_latency: bool
) -> None:
    given: list[dict[str, str]] = []

    def start(*arguments: object, env: dict[str, str], **settings: object) -> None:
        given.append(env)
        raise MemoryError

    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    ask(task, kind)
    one_round(Supervisor())
    assert given == [machine.subprocess_env(low_latency=low_latency)]
