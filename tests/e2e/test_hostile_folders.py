"""Folders that somebody copied into the workspace must not make the running app do anything.

The app is their own, so that what they do to it ends with it.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fer_core.storage import paths
from fer_core.tasks import Task, TaskState, kinds, queue
from tests.e2e.browsing import no_exception, open_page, wait_until
from tests.e2e.serving import Server, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = ("", "datasets", "train", "runs", "evaluate", "predict", "quiz")


def request(kind: str, task: Path | str | None = None, **arguments: Any) -> dict[str, Any]:
    record = {"kind": kind, "arguments": arguments, "submitted": 0}
    return record if task is None else record | {"task": str(task)}


def hostile_requests(victim: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields directories and the content of their request.json."""
    names = [str(victim), os.path.relpath(victim, paths.runs_root() / "x"), "../../x.mp4", "v.mp4"]
    for number, file in enumerate(names):
        for root in (paths.runs_root(), paths.tasks_root()):
            for directory in (root / f"video-{number}", root / f"video-here-{number}"):
                task = directory if "here" in directory.name else None
                yield directory, request("video", task, run="residual-cnn", file=file)
    for root in (paths.runs_root(), paths.tasks_root()):
        for kind in ("dance", "train", "open_test", "evaluate", "map", "examine", "draw"):
            yield root / kind, request(kind, run="x", dataset="../x", name="x", file=str(victim))
        directory = root / "import-here"
        yield directory, request("import", directory, name="x", upload=str(victim))
        directory = root / "import-source"
        yield directory, request("import", name="x", source=str(victim))
        directory = root / "valid-here"  # all but the seal of this workspace is right
        kind = "train" if root == paths.runs_root() else "draw"
        name = {} if kind == "train" else {"name": "theirs"}
        yield directory, request(kind, directory, **name) | {"seal": "0" * 64}
        directory = root / "types-here"
        yield directory, request("video", directory, run=1, file=[str(victim)], settings="x")
        yield root / "shape", {"kind": ["video"], "arguments": str(victim), "submitted": "now"}


def copy_in(victim: Path) -> list[Task]:
    """Makes the folders, and links and pipes in place of a request and of what a task writes."""
    copied = []
    for directory, record in hostile_requests(victim):
        directory.mkdir(parents=True)
        (directory / "request.json").write_text(json.dumps(record))
        (directory / "config.json").write_text("{}")
        copied.append(Task(directory))
    for name, links in (("files", ("video.mp4", "result.json")), ("folder", ("attempts",))):
        directory = paths.tasks_root() / f"link-{name}"
        directory.mkdir()
        record = request("video", directory, run="residual-cnn", file="video.mp4")
        (directory / "request.json").write_text(json.dumps(record))
        for link in links:
            (directory / link).symlink_to(victim if name == "files" else victim.parent)
        copied.append(Task(directory))
    pipe = paths.tasks_root() / "pipe"
    pipe.mkdir()
    os.mkfifo(pipe / "request.json")
    return [*copied, Task(pipe)]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "documents" / "thesis.mp4"
    file.parent.mkdir()
    file.write_text("years of work")
    return file


def test_copied_in_folders_are_not_carried_out_and_no_file_is_lost(
    page: "Page", workspace: Path, victim: Path
) -> None:
    copied = copy_in(victim)
    before = {task.directory: sorted(task.directory.rglob("*")) for task in copied}
    with serve(workspace) as server:
        visit_pages(page, server)
        drawn = paths.tasks_root() / "20260101-000000_draw"
        drawn.mkdir()
        task = queue.submit(drawn, kinds.DRAW, {"name": "faces", "count": 70})  # wakes it up
        wait_until(lambda: not task.state.is_active, "the supervisor")
        assert task.state is TaskState.FINISHED, task.error
        visit_pages(page, server)
    assert victim.read_text() == "years of work" and list(victim.parent.iterdir()) == [victim]
    assert {task.directory: sorted(task.directory.rglob("*")) for task in copied} == before
    assert {task.state for task in copied} == {TaskState.FAILED}
    assert all(task.error for task in copied) and queue.waiting() == []


def visit_pages(page: "Page", server: Server) -> None:
    for name in PAGES:
        open_page(page, f"{server.address}/{name}")
        no_exception(page)
