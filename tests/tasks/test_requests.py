"""Requests that were copied in, or make no sense: nobody carries them out."""

import json
import os
import shutil
from pathlib import Path

import pytest

from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.tasks import kinds, processes, queue, supervisor, worker
from fer_core.tasks.requests import Request, check_tree
from fer_core.tasks.supervisor import Supervisor
from fer_core.tasks.task import Task, TaskState
from tests.tasks.requests import write_request

VIDEO = {"run": "a", "file": "video.mp4"}


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Supervisors that somebody wanted to start."""
    started: list[bool] = []
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: started.append(True))
    return started


def run_round() -> None:
    Supervisor().round()
    processes.supervisor_file().unlink()  # it names this process


def assert_refused(task: Task, started: list[bool]) -> None:
    before = sorted(task.directory.rglob("*"))
    assert task.state is TaskState.FAILED and task.refusal and task.error == task.refusal
    assert queue.waiting() == []
    queue.wake()
    assert not started
    run_round()
    assert sorted(task.directory.rglob("*")) == before and task.attempts == []


def test_a_copied_run_is_refused_until_it_is_resumed(workspace: Path, started: list[bool]) -> None:
    write_request(paths.runs_root() / "a", epochs=20, since=10)
    shutil.copytree(paths.runs_root() / "a", paths.runs_root() / "b")
    original, copy = (Task(paths.runs_root() / name) for name in "ab")
    original.cancel()
    assert_refused(copy, started)
    assert copy.request is not None and copy.request.arguments == {"epochs": 20, "since": 10}
    assert "Resume" in copy.error
    queue.submit(copy.directory, kinds.TRAIN)
    assert queue.waiting() == [copy] and copy.error == ""


def test_a_request_of_a_version_that_did_not_name_the_folder_is_refused(
    workspace: Path, started: list[bool]
) -> None:
    directory = paths.tasks_root() / "old"
    write_request(directory, kinds.DRAW, name="faces")
    record = json.loads((directory / "request.json").read_text())
    del record["task"]
    write_json(directory / "request.json", record)
    assert_refused(Task(directory), started)


@pytest.mark.parametrize(
    ("root", "kind", "arguments"),
    [
        (paths.runs_root, kinds.VIDEO, VIDEO),
        (paths.tasks_root, kinds.TRAIN, {}),
        (paths.tasks_root, "dance", {}),
    ],
)
def test_a_kind_is_only_taken_in_its_own_folder(
    workspace: Path, started: list[bool], root, kind: str, arguments: dict
) -> None:
    task = Task(root() / "x")
    write_request(task.directory, kind, **arguments)
    assert_refused(task, started)
    with pytest.raises(FerError, match="must be of a kind"):
        queue.submit(task.directory, kind, arguments)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (kinds.VIDEO, {"file": "/etc/hostname"}),
        (kinds.VIDEO, {"file": "../../x.mp4"}),
        (kinds.VIDEO, {"file": "a\\b.mp4"}),
        (kinds.VIDEO, {"file": ".."}),
        (kinds.VIDEO, {"file": "result.json"}),
        (kinds.VIDEO, {"file": None}),
        (kinds.VIDEO, {"run": "../a"}),
        (kinds.VIDEO, {"settings": {"every": float("inf")}}),
        (kinds.VIDEO, {"surprise": 1}),
        (kinds.IMPORT, {"name": "a", "upload": "../a.zip"}),
        (kinds.IMPORT, {"name": "a", "source": "relative"}),
        (kinds.IMPORT, {"name": "a", "source": "/a", "validation_fraction": float("nan")}),
        (kinds.EVALUATE, {"run": "a", "dataset": "b", "split": "everything"}),
        (kinds.DRAW, {"name": "a", "count": 1e18}),
        (kinds.DRAW, {"name": "a", "seed": True}),
        (kinds.TRAIN, {"epochs": float("inf"), "since": 0}),
    ],
)
def test_arguments_of_another_form_are_refused(
    workspace: Path, started: list[bool], kind: str, changes: dict
) -> None:
    arguments = (VIDEO if kind == kinds.VIDEO else {}) | changes
    with pytest.raises(FerError):
        Request(kind, arguments, 1.0)
    task = Task(kinds.KINDS[kind].root() / "x")
    task.directory.mkdir(parents=True)
    record = {"kind": kind, "arguments": arguments, "submitted": 1.0, "task": str(task.directory)}
    (task.directory / "request.json").write_text(json.dumps(record))
    assert_refused(task, started)
    with pytest.raises(FerError):
        queue.submit(task.directory, kind, arguments)


def test_a_request_that_is_a_link_or_a_pipe_is_refused(
    workspace: Path, started: list[bool], tmp_path: Path
) -> None:
    for name in ("link", "pipe", "folder"):
        directory = paths.runs_root() / name
        write_request(directory)
        file = directory / "request.json"
        elsewhere = file.rename(tmp_path / name)
        if name == "link":
            file.symlink_to(elsewhere)
        elif name == "pipe":
            os.mkfifo(file)
        else:
            file.mkdir()
        assert_refused(Task(directory), started)


@pytest.mark.parametrize("name", ["attempts", "checkpoints", "history.csv"])
def test_nothing_is_written_through_a_link(
    workspace: Path, started: list[bool], tmp_path: Path, name: str
) -> None:
    task = Task(paths.runs_root() / "x")
    write_request(task.directory)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (task.directory / name).symlink_to(elsewhere)
    assert_refused(task, started)
    with pytest.raises(FerError, match="not a link"):
        queue.submit(task.directory, kinds.TRAIN)
    assert list(elsewhere.iterdir()) == []


def test_a_linked_task_is_not_taken(workspace: Path, started: list[bool], tmp_path: Path) -> None:
    directory = paths.runs_root() / "x"
    write_request(directory)
    directory.rename(tmp_path / "elsewhere")
    directory.symlink_to(tmp_path / "elsewhere")
    assert Task(directory).state is TaskState.FAILED and queue.waiting() == []
    run_round()
    assert not (tmp_path / "elsewhere" / "attempts").exists()


def test_a_link_deep_in_a_task_fails_it_before_anything_is_written(
    workspace: Path, tmp_path: Path
) -> None:
    task = Task(paths.runs_root() / "x")
    write_request(task.directory)
    (task.directory / "checkpoints").mkdir()
    (task.directory / "checkpoints" / "3").symlink_to(tmp_path)
    supervisor.take(task)
    assert worker.work(task) == 1
    assert task.error.startswith(str(task.directory / "checkpoints" / "3"))


def test_a_folder_that_guesses_its_own_path_is_refused(
    workspace: Path, started: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = paths.tasks_root() / "x"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FER_HOME", str(tmp_path / "elsewhere"))
        write_request(paths.tasks_root() / "x", kinds.DRAW, name="faces")
        theirs = json.loads((paths.tasks_root() / "x" / "request.json").read_text())
    write_request(paths.tasks_root() / "ours", kinds.DRAW, name="faces")  # makes our key
    ours = json.loads((paths.tasks_root() / "ours" / "request.json").read_text())
    Task(paths.tasks_root() / "ours").cancel()
    directory.mkdir()
    for record in (theirs, ours, ours | {"seal": ""}):
        write_json(directory / "request.json", record | {"task": str(directory)})
        assert_refused(Task(directory), started)


def test_a_request_that_was_changed_is_refused(workspace: Path, started: list[bool]) -> None:
    task = Task(paths.runs_root() / "x")
    write_request(task.directory, epochs=20, since=10)
    record = json.loads((task.directory / "request.json").read_text())
    for change in ({"arguments": {"epochs": 21, "since": 10}}, {"submitted": 1.0}, {"access": {}}):
        write_json(task.directory / "request.json", record | change)
        assert_refused(task, started)
    write_json(task.directory / "request.json", record)
    assert queue.waiting() == [task]


def test_a_run_whose_interrupted_attempt_was_copied_in_is_not_resumed(workspace: Path) -> None:
    for name in ("ours", "copied"):
        task = Task(paths.runs_root() / name)
        write_request(task.directory)
        attempt = supervisor.take(task)
        assert attempt is not None
        write_json(attempt / "process.json", {"pid": 0, "created": 0, "task": str(task.directory)})
        if name == "copied":
            record = json.loads((attempt / "request.json").read_text()) | {"seal": "0" * 64}
            write_json(attempt / "request.json", record)
        assert task.state is TaskState.INTERRUPTED
        assert queue.can_auto_resume(task) == (name == "ours")


def test_the_key_of_the_seal_is_the_owners_alone(workspace: Path) -> None:
    write_request(paths.tasks_root() / "x", kinds.DRAW, name="faces")
    key = workspace / "seal.key"
    assert key.stat().st_mode & 0o077 == 0
    key.write_bytes(b"short")  # damaged: what was sealed is refused, and a new one is made
    assert Task(paths.tasks_root() / "x").refusal
    write_request(paths.tasks_root() / "x", kinds.DRAW, name="faces")
    assert queue.waiting() == [Task(paths.tasks_root() / "x")]


def test_a_worker_carries_out_no_attempt_that_was_copied_in(workspace: Path) -> None:
    write_request(paths.tasks_root() / "a", kinds.DRAW, name="faces")
    supervisor.take(Task(paths.tasks_root() / "a"))
    shutil.copytree(paths.tasks_root() / "a", paths.tasks_root() / "b")
    task = Task(paths.tasks_root() / "b")
    assert worker.work(task) == 1
    assert "made in another folder" in task.error and not paths.datasets_root().exists()


def test_a_folder_of_ordinary_files_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "1.json").mkdir(parents=True)
    (tmp_path / "checkpoints" / "1.json" / "arrays.npz").touch()
    check_tree(tmp_path)


def test_a_moved_workspace_keeps_its_requests_and_says_what_to_do(
    workspace: Path, started: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_request(paths.runs_root() / "a")
    moved = workspace.rename(tmp_path / "moved")
    link = tmp_path / "link"
    link.symlink_to(moved)
    for home in (moved, link):
        monkeypatch.setenv("FER_HOME", str(home))
        assert_refused(Task(paths.runs_root() / "a"), started)
    queue.submit(paths.runs_root() / "a", kinds.TRAIN)
    monkeypatch.setenv("FER_HOME", str(moved))  # the same place by another name
    assert queue.waiting() == [Task(paths.runs_root() / "a")]
