"""The supervisor: what it cannot start or write, and what it removes."""

import errno
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from filelock import FileLock

from fer_core import hardware
from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.storage.files import write_json, write_text
from fer_core.storage.reading import read_json
from fer_core.tasks import exit_status, maintenance, processes, queue, supervisor, worker
from fer_core.tasks.kinds import KINDS
from fer_core.tasks.queue import Preferences, save_preferences
from fer_core.tasks.supervisor import Supervisor
from fer_core.tasks.task import Task, TaskState
from tests.tasks.requests import write_request


def ask(task: Task, kind: str = "draw") -> Task:
    """Writes what `queue.submit` writes, without starting a supervisor."""
    arguments = {
        "draw": {"name": "faces"},
        "video": {"run": "a", "file": "video.mp4"},
    }
    write_request(task.directory, kind, submitted=1.0, **arguments.get(kind, {}))
    return task


@pytest.fixture
def task(workspace: Path) -> Task:
    return ask(Task(paths.tasks_root() / "20261120-055014_draw"))


def no_room(*arguments: object, **settings: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run_round(boss: Supervisor) -> None:
    boss.round()
    processes.supervisor_file().unlink()  # it names this process, which the fixture would kill


def test_a_task_whose_process_cannot_be_started_fails_with_a_message(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    run_round(Supervisor())
    assert task.state is TaskState.FAILED
    assert "could not be started" in task.error and "/no/such/python" in task.error


def test_a_task_stays_queued_while_the_disk_is_full(
    task: Task, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    boss = Supervisor()
    with monkeypatch.context() as full:
        full.setattr(supervisor, "reserve", no_room)
        run_round(boss)
        run_round(boss)
    assert task.state is TaskState.QUEUED and task.attempts == []
    assert list((task.directory / "attempts").iterdir()) == []
    assert len(caplog.records) == 1  # not one every round
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    run_round(boss)
    assert task.state is TaskState.FAILED


def test_an_exit_record_that_cannot_be_written_is_written_later(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    boss = Supervisor()
    with monkeypatch.context() as full:
        full.setattr(supervisor, "write_reserved", no_room)
        run_round(boss)
        assert task.state is TaskState.RUNNING
    run_round(boss)
    assert task.state is TaskState.FAILED and "could not be started" in task.error


def test_an_exit_record_of_a_deleted_task_is_dropped(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = Supervisor()
    attempt = supervisor.take(task)
    boss.pending_writes.append((exit_status.exit_file(attempt / "removed"), "{}"))
    run_round(boss)
    assert boss.pending_writes == []


def test_an_attempt_never_reuses_the_folder_of_another(task: Task) -> None:
    write_text((supervisor.take(task) / "error.txt"), "It failed.")
    (task.attempt / "request.json").unlink()  # lost, so that it no longer counts as an attempt
    ask(task)
    attempt = supervisor.take(task)
    assert attempt is not None and attempt.name == "1"
    assert task.state is TaskState.RUNNING and task.error == ""


def test_a_cancelled_request_is_not_taken(task: Task) -> None:
    task.cancel()
    assert supervisor.take(task) is None
    assert task.state is TaskState.CANCELLED
    assert list((task.directory / "attempts").iterdir()) == []


def test_a_supervisor_replaces_one_that_was_killed(task: Task) -> None:
    task.cancel()  # the queue is empty
    write_json(processes.supervisor_file(), {"pid": 2**22, "created": 0.0})
    boss = Supervisor()
    boss.round()
    record = read_json(processes.supervisor_file())
    processes.supervisor_file().unlink()  # it names this process, which the fixture would kill
    assert record["pid"] == os.getpid()


def test_two_processes_never_work_on_one_task(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor.take(task)
    monkeypatch.setattr(worker, "HANDOVER_SECONDS", 0.1)
    with FileLock(task.directory / "attempts" / "work.lock"):
        assert worker.work(task) == 1
    assert "An earlier process still works on" in task.error


@pytest.fixture
def sleeper() -> Iterator[psutil.Process]:
    """A process of somebody else."""
    with psutil.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


class FullLog(io.StringIO):
    """A log on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail_in_numpy(task: Task) -> None:
    np.zeros(3).reshape(2, 2)


def fail_in_pandas(task: Task) -> None:
    pd.concat([])


def fail_with_a_message(task: Task) -> None:
    raise FerError("There must be faces.")


def run_out_of_memory(task: Task) -> None:
    raise MemoryError


def attempt_with(
    task: Task, function: Callable[[Task], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes a task and does it with another function."""
    kind = replace(KINDS["draw"], function=f"{__name__}:{function.__name__}")
    monkeypatch.setitem(KINDS, "draw", kind)
    supervisor.take(task)
    assert worker.work(task) == 1
    write_text(exit_status.exit_file(task.attempt), exit_status.exit_record(1))
    assert task.state is TaskState.FAILED


@pytest.mark.parametrize(
    ("function", "cause"),
    [(fail_in_numpy, "cannot reshape array"), (fail_in_pandas, "No objects to concatenate")],
)
def test_a_librarys_value_error_keeps_its_traceback_and_names_the_log(
    task: Task,
    function: Callable[[Task], None],
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    attempt_with(task, function, monkeypatch)
    assert task.error.startswith(f"Internal error: ValueError: {cause}")
    assert task.error.endswith(f"The full traceback is in {task.attempt / 'worker.log'}")
    log = capsys.readouterr().err  # the supervisor sends a child's standard error to the log
    assert "Traceback" in log and function.__name__ in log and cause in log


def test_an_error_that_the_user_can_solve_leaves_only_its_message(
    task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt_with(task, fail_with_a_message, monkeypatch)
    assert task.error == "There must be faces." and capsys.readouterr().err == ""


def test_out_of_memory_has_a_message_and_a_traceback(
    task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt_with(task, run_out_of_memory, monkeypatch)
    assert task.error.startswith("Out of memory.") and "MemoryError" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_does_not_suppress_the_message(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", FullLog())
    attempt_with(task, fail_in_numpy, monkeypatch)
    assert task.error.startswith("Internal error: ValueError: cannot reshape array")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"pid": "x"}',
        "{}",
        "null",
        '{"pid": Infinity, "created": 0}',
        '{"pid": -1, "created": 0}',
        '{"pid": 0, "created": 0}',
        '{"pid": 1e18, "created": 0}',
        '{"pid": 1, "created": 1e18}',
    ],
)
def test_a_damaged_process_record_counts_as_dead(tmp_path: Path, text: str) -> None:
    (tmp_path / "process.json").write_text(text)
    assert not processes.is_alive(tmp_path / "process.json")


def test_a_process_that_is_no_supervisor_does_not_make_a_task_look_alive(
    task: Task, sleeper: psutil.Process
) -> None:
    attempt = supervisor.take(task)
    record = read_json(attempt / "process.json")
    other = {"pid": sleeper.pid, "created": sleeper.create_time(), "boot": ""}
    for file in (attempt / "process.json", processes.supervisor_file()):
        write_json(file, record | other)
    assert processes.is_alive(processes.supervisor_file())
    assert not processes.is_alive(processes.supervisor_file(), supervises=True)
    assert task.state is TaskState.INTERRUPTED
    task.request_stop()
    assert sleeper.is_running()
    processes.supervisor_file().unlink()  # the fixture would kill what it names


def test_a_task_that_does_not_stop_is_ended_and_its_lane_goes_on(
    task: Task, monkeypatch: pytest.MonkeyPatch, sleeper: psutil.Process
) -> None:
    def hang(*arguments: object, **settings: object) -> subprocess.Popen[bytes]:
        script = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
        return subprocess.Popen([sys.executable, "-c", script], start_new_session=True)

    monkeypatch.setattr(supervisor, "_start_process", hang)
    monkeypatch.setitem(KINDS, "draw", replace(KINDS["draw"], stop_seconds=0.0))
    following = ask(Task(task.directory.with_name("following")))
    boss = Supervisor()
    run_round(boss)
    child = psutil.Process(boss.children["light"].process.pid)
    while not child.children():
        pass
    family = [child, *child.children()]
    assert task.state is TaskState.RUNNING and following.state is TaskState.QUEUED
    task.request_stop()
    while task.state.is_active:
        run_round(boss)
    assert task.state is TaskState.INTERRUPTED and "did not stop" in task.interruption
    assert psutil.wait_procs(family, timeout=120)[1] == []
    assert sleeper.is_running() and not (task.attempt / "error.txt").exists()
    run_round(boss)
    assert following.state is TaskState.RUNNING
    following.request_stop()
    while following.state.is_active:
        run_round(boss)


def test_a_corrected_clock_does_not_make_a_live_process_look_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "process.json", processes.process_record())
    born, booted = processes.psutil.Process.create_time, processes.psutil.boot_time
    monkeypatch.setattr(processes.psutil.Process, "create_time", lambda self: born(self) + 3600)
    monkeypatch.setattr(processes.psutil, "boot_time", lambda: booted() + 3600)
    assert processes.is_alive(tmp_path / "process.json")


def test_a_damaged_run_does_not_keep_others_from_being_resumed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_preferences(Preferences(auto_resume=True))
    for name in ("a", "damaged", "z"):
        attempt = supervisor.take(ask(Task(paths.runs_root() / name), "train"))
        write_text(exit_status.exit_file(attempt), exit_status.exit_record(-9))
    resumed = []

    def resume(run: Task) -> None:
        if run.id == "damaged":
            raise FerError("It cannot be read.")
        resumed.append(run.id)

    monkeypatch.setattr(queue, "auto_resume", resume)
    maintenance.resume_interrupted()
    assert sorted(resumed) == ["a", "z"]
    save_preferences(Preferences())
    maintenance.resume_interrupted()
    assert len(resumed) == 2


def test_tasks_are_removed_a_week_after_their_end_but_runs_never(workspace: Path) -> None:
    week = maintenance.RETENTION_SECONDS
    folders = {}
    for name, age in (("old", week + 60), ("young", week - 60)):
        for root in (paths.tasks_root(), paths.runs_root()):
            task = ask(Task(root / name))
            attempt = supervisor.take(task)
            record = {"code": 0, "signal": None, "ended": time.time() - age}
            write_json(exit_status.exit_file(attempt), record)
            folders[name, root] = task.directory
    waiting = ask(Task(paths.tasks_root() / "waiting")).directory
    os.utime(waiting, (0, 0))
    maintenance.remove_old_tasks()
    assert not folders["old", paths.tasks_root()].exists()
    assert waiting.exists() and folders["young", paths.tasks_root()].exists()
    assert all(folders[name, paths.runs_root()].exists() for name in ("old", "young"))


def test_a_supervisor_that_cannot_be_started_raises_a_message(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(
        ValueError, match="The supervisor, which runs the queue, could not be started"
    ):
        processes.ensure_supervisor()
    assert task.state is TaskState.QUEUED


@pytest.mark.parametrize(("kind", "low_latency"), [("train", False), ("video", True)])
def test_a_process_gets_the_environment_of_its_kind(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, kind: str, low_latency: bool
) -> None:
    given: list[dict[str, str]] = []

    def start(*arguments: object, env: dict[str, str], **settings: object) -> None:
        given.append(env)
        raise MemoryError

    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    ask(Task(KINDS[kind].root() / "asked"), kind)
    run_round(Supervisor())
    assert given == [hardware.subprocess_env(low_latency=low_latency)]
