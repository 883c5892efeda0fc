"""The queue: its order, and who may change it."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Barrier, Thread

import pytest

from fer_core.storage import paths
from fer_core.storage.files import write_json
from fer_core.storage.reading import read_json
from fer_core.tasks import processes, queue
from fer_core.tasks.task import Task, TaskState
from tests.tasks.requests import write_request

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for stays in the queue."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def ask(name: str, submitted: float = 1.0) -> Task:
    """A run that waits since then."""
    directory = paths.runs_root() / name
    write_request(directory, submitted=submitted)
    return Task(directory)


def take(task: Task) -> None:
    """What a supervisor does when it takes a request; this process supervises."""
    attempt = task.directory / "attempts" / "0"
    attempt.mkdir(parents=True)
    write_json(attempt / "process.json", processes.process_record())
    (attempt.parent / "work.lock").touch()
    (task.directory / "request.json").rename(attempt / "request.json")


@pytest.fixture
def three(workspace: Path) -> list[Task]:
    return [ask(name, submitted) for name, submitted in (("a", 1.0), ("b", 2.0), ("c", 3.0))]


def order() -> str:
    return "".join(task.id for task in queue.waiting())


@pytest.mark.parametrize(
    ("name", "steps", "expected"),
    [
        ("c", -1, "acb"),
        ("c", -2, "cab"),
        ("c", -9, "cab"),
        ("a", 1, "bac"),
        ("a", 9, "bca"),
        ("b", 0, "abc"),
    ],
)
def test_a_queued_run_moves_by_the_given_number_of_places(
    three: Sequence[Task], name: str, steps: int, expected: str
) -> None:
    queue.move(Task(paths.runs_root() / name), steps)
    assert order() == expected


def test_runs_submitted_at_the_same_time_have_an_order_and_can_be_moved(
    workspace: Path,
) -> None:
    tasks = [ask(name, submitted=5.0) for name in "cab"]
    assert order() == "abc"
    queue.move(tasks[0], -1)
    assert order() == "acb"
    queue.move(tasks[0], -1)
    assert order() == "cab"


def test_moving_never_runs_out_of_places(three: Sequence[Task]) -> None:
    expected = "abc"
    for _ in range(200):  # the last always goes between the two others
        queue.move(Task(paths.runs_root() / expected[2]), -1)
        expected = expected[0] + expected[2] + expected[1]
        assert order() == expected


def test_a_later_request_comes_after_moved_ones(three: Sequence[Task]) -> None:
    queue.move(three[0], 2)
    ask("d", submitted=4.0)
    assert order() == "bcad"


def test_moving_leaves_work_of_another_kind_alone(three: Sequence[Task]) -> None:
    drawing = Task(paths.tasks_root() / "z")
    write_request(drawing.directory, "draw", submitted=1.5, name="faces")
    queue.move(three[2], -1)
    assert [task.id for task in queue.waiting() if task != drawing] == ["a", "c", "b"]
    assert not (drawing.directory / "place.json").exists()


def test_a_run_taken_at_the_same_time_is_not_moved(three: Sequence[Task]) -> None:
    take(three[0])
    queue.move(three[0], 1)
    assert order() == "bc" and queue.snapshot("train") == ([three[0]], three[1:])
    assert not (three[0].directory / "place.json").exists()


def test_a_run_taken_during_a_snapshot_appears_once(
    three: Sequence[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = queue.working

    def working(kind: str) -> list[Task]:
        take(three[0])
        return original(kind)

    monkeypatch.setattr(queue, "working", working)
    assert queue.snapshot("train") == ([three[0]], three[1:])


def test_an_ended_task_is_not_working(three: Sequence[Task]) -> None:
    take(three[0])
    attempt = three[0].directory / "attempts" / "0"
    write_json(attempt / "exit.json", {"code": 0, "signal": None, "ended": 1.0})
    assert queue.working() == []


def test_a_run_that_is_deleted_while_another_moves_does_no_harm(
    three: Sequence[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, data: object, *, durable: bool) -> None:
        if three[1].directory.exists():  # another session, in the same moment
            three[1].cancel()
            three[1].delete()
        write_json(path, data, durable=durable)

    monkeypatch.setattr(queue, "write_json", write)
    queue.move(three[2], -2)
    assert order() == "ca"


def test_two_sessions_that_move_at_once_move_both(workspace: Path) -> None:
    names = "abcdefgh"
    for number, name in enumerate(names):
        ask(name, submitted=float(number))
    together = Barrier(2)

    def move_to_the_front(name: str) -> None:
        together.wait()
        queue.move(Task(paths.runs_root() / name), -len(names))

    sessions = [Thread(target=move_to_the_front, args=(name,)) for name in "gh"]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert order() in ("ghabcdef", "hgabcdef")
    places = [read_json(task.directory / "place.json")["place"] for task in queue.waiting()]
    assert places == list(range(len(names)))


def test_a_reader_during_a_move_sees_the_old_or_the_new_first_run(
    three: Sequence[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def write(path: Path, data: object, *, durable: bool) -> None:
        write_json(path, data, durable=durable)
        seen.append(order())

    monkeypatch.setattr(queue, "write_json", write)
    for _ in range(2):
        queue.move(queue.waiting()[-1], -2)
    assert all(sorted(look) == ["a", "b", "c"] for look in seen)
    assert {look[0] for look in seen[:3]} <= {"a", "c"}
    assert {look[0] for look in seen[3:]} <= {"c", "b"}


@pytest.mark.parametrize("text", ["", "[]", '{"place": "first"}', '{"place": null}', "{}"])
def test_a_damaged_place_file_is_ignored(three: Sequence[Task], text: str) -> None:
    (three[0].directory / "place.json").write_text(text)
    assert order() == "abc"


def test_submitting_again_resets_place_and_progress(three: Sequence[Task]) -> None:
    queue.move(three[2], -2)
    write_json(three[2].directory / "progress.json", {"done": 1, "total": 1})
    three[2].cancel()
    queue.submit(three[2].directory, "train")
    assert order() == "abc" and three[2].progress is None


def test_cancelling_and_taking_at_once_never_does_both(workspace: Path) -> None:
    for number in range(50):
        task = ask(f"run-{number}")
        (task.directory / "attempts" / "0").mkdir(parents=True)
        together, taken = Barrier(2), []

        def supervise(task: Task = task, together: Barrier = together, taken: list = taken) -> None:
            together.wait()
            try:
                attempt = task.directory / "attempts" / "0"
                (task.directory / "request.json").rename(attempt / "request.json")
                taken.append(True)
            except FileNotFoundError:
                taken.append(False)

        supervisor = Thread(target=supervise)
        supervisor.start()
        together.wait()
        cancelled = task.cancel()
        supervisor.join()
        assert [cancelled] != taken


def test_cancelling_a_queued_resume_leaves_the_run_unchanged(workspace: Path) -> None:
    task = ask("a")
    take(task)
    write_json(task.directory / "attempts" / "0" / "exit.json", {"code": 0, "ended": 1.0})
    (task.directory / "result.json").write_text(json.dumps({"attempt": 0}))
    queue.submit(task.directory, "train", {"epochs": 20, "since": 10})
    assert task.state is TaskState.QUEUED
    task.request_stop()
    assert task.state is TaskState.FINISHED


def interrupt(task: Task) -> None:
    """Makes it a task whose work was begun and ended without a word."""
    take(task)
    record = {"pid": 1, "created": 0.0, "task": str(task.directory)}
    write_json(task.directory / "attempts" / "0" / "process.json", record)


def test_an_interrupted_run_copied_from_elsewhere_is_not_resumed_automatically(
    three: Sequence[Task],
) -> None:
    interrupt(three[0])
    three[1].cancel()
    copied = three[1].directory / "attempts"
    shutil.copytree(three[0].directory / "attempts", copied)
    assert {task.state for task in three[:2]} == {TaskState.INTERRUPTED}
    assert queue.interrupted() == [three[0]]
    assert not queue.auto_resume(three[1]) and order() == "c"
    assert queue.auto_resume(three[0]) and order() == "ca"


@pytest.mark.parametrize("stops", [Task.request_stop, Task.cancel])
def test_a_run_that_the_user_stopped_or_cancelled_is_not_resumed_automatically(
    three: Sequence[Task], stops: Callable[[Task], object]
) -> None:
    run = three[0]
    interrupt(run)
    queue.submit(run.directory, "train")
    stops(run)
    assert run.state is TaskState.INTERRUPTED and queue.interrupted() == []
    assert not queue.auto_resume(run) and order() == "bc"
