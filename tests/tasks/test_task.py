"""A task's state, derived from its files and its supervisor's process."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fer_core.storage import paths
from fer_core.storage.files import write_json, write_text
from fer_core.tasks import processes, queue
from fer_core.tasks import task as tasks
from fer_core.tasks.task import Progress, Task, TaskState
from tests.tasks.requests import write_request


@pytest.fixture
def task(workspace: Path) -> Task:
    return Task(paths.runs_root() / "20261120-055014_faces")


def take(task: Task, number: int = 0, process: dict | None = None) -> Path:
    """What a supervisor does when it takes a request; by default this process supervises."""
    attempt = task.directory / "attempts" / str(number)
    attempt.mkdir(parents=True)
    write_json(attempt / "process.json", process or processes.process_record())
    (task.directory / "request.json").rename(attempt / "request.json")
    return attempt


def ask(task: Task, submitted: float = 1.0) -> None:
    """What `submit` writes, without starting a supervisor."""
    kind = "train" if task.directory.parent == paths.runs_root() else "draw"
    arguments = {} if kind == "train" else {"name": "faces"}
    write_request(task.directory, kind, submitted=submitted, **arguments)


def a_dead_process() -> dict:
    process = psutil.Popen(["true"]) if not psutil.WINDOWS else psutil.Popen(["cmd", "/c", "exit"])
    record = {"pid": process.pid, "created": process.create_time()}
    process.wait()
    return record


def test_a_submitted_task_is_queued(task: Task) -> None:
    ask(task)
    assert task.state is TaskState.QUEUED


def test_a_task_taken_by_a_live_supervisor_is_running_then_stopping(task: Task) -> None:
    ask(task)
    take(task)
    assert task.state is TaskState.RUNNING
    task.request_stop()
    assert task.state is TaskState.STOPPING and task.stop_requested


def test_a_request_taken_while_the_state_is_read_is_running(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(task)
    take(task, process=a_dead_process())
    assert task.state is TaskState.INTERRUPTED
    ask(task)
    is_live = tasks._is_live

    def meanwhile(attempt: Path) -> bool:
        live = is_live(attempt)
        if (task.directory / "request.json").exists():
            take(task, number=1)
        return live

    monkeypatch.setattr(tasks, "_is_live", meanwhile)
    assert task.state is TaskState.RUNNING


def test_a_dead_supervisor_leaves_an_interrupted_task(task: Task) -> None:
    ask(task)
    take(task, process=a_dead_process())
    assert task.state is TaskState.INTERRUPTED
    assert "killed" in task.interruption


def test_the_same_pid_with_another_creation_time_is_not_the_supervisor(task: Task) -> None:
    ask(task)
    record = processes.process_record()
    earlier = {name: record[name] - 60 for name in ("created", "uptime")}
    take(task, process=record | earlier)
    assert task.state is TaskState.INTERRUPTED


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    process = psutil.Popen(["true"])
    record = {"pid": process.pid, "created": process.create_time()}
    write_json(tmp_path / "process.json", record)
    deadline = time.monotonic() + 120
    while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        pass
    assert not processes.is_alive(tmp_path / "process.json")
    process.wait()


@pytest.mark.parametrize(
    ("files", "state"),
    [
        (("error.txt",), TaskState.FAILED),
        (("result.json",), TaskState.FINISHED),
        (("result.json", "error.txt"), TaskState.FAILED),
        ((), TaskState.INTERRUPTED),
    ],
)
def test_the_state_of_an_ended_attempt_follows_from_its_files(
    task: Task, files: tuple[str, ...], state: TaskState
) -> None:
    ask(task)
    attempt = take(task)
    write_json(attempt / "exit.json", {"code": 1, "signal": None, "ended": 1.0})
    for name in files:
        write_text((attempt if name == "error.txt" else task.directory) / name, "{}")
    assert task.state is state


def test_the_interruption_names_a_kill(task: Task) -> None:
    ask(task)
    attempt = take(task)
    write_json(attempt / "exit.json", {"code": 0, "signal": 9, "ended": 1.0})
    assert task.state is TaskState.INTERRUPTED
    assert "was killed" in task.interruption


def test_a_new_attempt_wins_over_an_old_failure(task: Task) -> None:
    ask(task)
    write_text(take(task) / "error.txt", "no such data set")
    ask(task)
    take(task, 1)
    assert task.state is TaskState.RUNNING and task.error == ""


def test_the_tenth_attempt_is_newer_than_the_ninth(task: Task) -> None:
    for number in range(11):
        ask(task)
        take(task, number)
    assert task.attempt is not None and task.attempt.name == "10"


def test_cancelling_takes_a_task_from_the_queue(task: Task) -> None:
    ask(task)
    task.request_stop()
    assert task.state is TaskState.CANCELLED
    assert not task.cancel()


def test_an_active_task_is_not_deleted(task: Task) -> None:
    ask(task)
    with pytest.raises(ValueError, match="before you delete it. It is queued"):
        task.delete()
    task.cancel()
    task.delete()
    assert not task.directory.exists()


def test_the_queue_is_sorted_by_age_and_holds_runs_too(workspace: Path) -> None:
    for root, name, submitted in (
        (paths.runs_root(), "b", 2.0),
        (paths.tasks_root(), "c", 3.0),
        (paths.runs_root(), "a", 1.0),
    ):
        ask(Task(root / name), submitted)
    assert [task.id for task in queue.waiting()] == ["a", "b", "c"]


def test_existing_names_get_a_number(tmp_path: Path) -> None:
    names = {tasks.new_directory(tmp_path, "faces").name for _ in range(3)}
    assert len(names) == 3


def test_saved_progress_is_read_back(task: Task) -> None:
    task.directory.mkdir(parents=True)
    task.save_progress(Progress(50, 200, message="epoch 1 of 4", rate=10.0))
    assert task.progress == Progress(50, 200, message="epoch 1 of 4", rate=10.0)
    assert task.progress.fraction == 0.25


@pytest.mark.parametrize(
    "text",
    [
        '{"done": "many", "total": 1}',
        '{"done": NaN, "total": 1}',
        '{"done": 1, "total": 1e308}',
        '{"done": 1, "total": 2, "seconds_left": 1e18}',
        '{"done": 1, "total": 2, "message": 3}',
        "[]",
    ],
)
def test_damaged_progress_is_none(task: Task, text: str) -> None:
    task.directory.mkdir(parents=True)
    (task.directory / "progress.json").write_text(text)
    assert task.progress is None


@pytest.mark.parametrize(
    "name", ["exit.json", "process.json", "progress.json", "stop", "place.json"]
)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path.name)])
def test_a_pipe_or_folder_in_place_of_a_record_blocks_no_reader(
    task: Task, name: str, make: Callable[[Path], None]
) -> None:
    ask(task)
    attempt = take(task)
    folder = task.directory if name in ("progress.json", "place.json") else attempt
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    ask(task)
    assert isinstance(task.state, TaskState)
    assert isinstance(task.error + task.interruption + task.log(), str)
    assert task.progress is None and task.ended is None
    queue.waiting()
    queue.snapshot("train")
    queue.can_auto_resume(task)


def test_the_log_gives_its_last_lines(task: Task) -> None:
    ask(task)
    (take(task) / "worker.log").write_text("\n".join(f"line {n}" for n in range(1000)))
    assert task.log(2) == "line 998\nline 999"


def test_a_second_request_does_not_hide_a_running_task(task: Task) -> None:
    ask(task)
    take(task)
    ask(task)
    assert task.state is TaskState.RUNNING
    task.request_stop()
    assert task.state is TaskState.STOPPING
    assert not (task.directory / "request.json").exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no JSON", '{"kind": "train", "more": 1}'])
def test_a_malformed_request_is_not_in_the_queue(workspace: Path, text: str) -> None:
    good, bad = (Task(paths.runs_root() / name) for name in ("good", "bad"))
    ask(good)
    ask(bad)
    (bad.directory / "request.json").write_text(text)
    assert bad.request is None and bad.state is TaskState.FAILED
    assert bad.error.startswith("bad was not started. ")
    assert queue.waiting() == [good]


def test_waking_starts_a_supervisor_only_if_something_is_queued(
    workspace: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: started.append(True))
    queue.wake()
    assert not started
    ask(Task(paths.runs_root() / "waiting"))
    queue.wake()
    assert started
