"""A data set is examined in a task: with progress, stopped on request, stored for the page."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.datasets import quality
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.importing.import_task import import_source
from fer_core.datasets.quality import scan, scan_task
from fer_core.datasets.quality.scan_results import folder
from fer_core.datasets.registry import open_dataset
from fer_core.errors import FerError
from fer_core.storage import paths
from fer_core.tasks import queue, supervisor, worker
from fer_core.tasks import task as tasks
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import Progress, Task, TaskState
from tests.datasets.trees import write_tree


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    tree = {"train/happy": 20, "train/sad": 20, "test/happy": 3, "test/sad": 3}
    return import_source(write_tree(tmp_path / "faces", tree), "faces")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Task]:
    """Asks for an examination that nobody takes by himself."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)

    def ask(**arguments: object) -> Task:
        directory = tasks.new_directory(paths.tasks_root(), "examine")
        return queue.submit(directory, "examine", {"dataset": "faces", "faces": 0} | arguments)

    return ask


def do(task: Task) -> Path:
    """Does the task as the supervisor's child would, and gives its attempt."""
    attempt = supervisor.take(task)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(task)))
    return attempt


def test_a_scan_measures_every_image_and_saves_the_result(dataset, ask) -> None:
    task = ask()
    do(task)
    assert task.state is TaskState.FINISHED
    seen = quality.read_scan_result(dataset)
    assert len(seen.table) == 46
    assert seen.key == quality.images_key(dataset.index)


def test_a_scan_reports_progress(dataset, ask, monkeypatch) -> None:
    told: list[Progress] = []
    monkeypatch.setattr("fer_core.tasks.progress.INTERVAL", 0.0)
    monkeypatch.setattr(Task, "save_progress", lambda self, progress: told.append(progress))
    do(ask())
    assert told[0].message == "Checked 46 of 46 images"
    assert told[-1].message == "Compared 100% of all pairs of 46 distinct images"
    assert told[-1].fraction == 1


def test_a_stopped_scan_keeps_the_previous_result(dataset, ask, monkeypatch) -> None:
    do(ask())
    before = quality.read_scan_result(dataset)
    task = ask()
    attempt = supervisor.take(task)
    assert attempt is not None
    (attempt / "stop").touch()
    assert worker.work(task) == 0
    exit_file(attempt).write_text(exit_record(0))
    assert task.state is TaskState.CANCELLED
    assert quality.read_scan_result(dataset).started == before.started
    assert [path.name for path in (dataset.directory / "quality").iterdir()] == ["seen.npz"]


def test_a_dataset_deleted_during_the_scan_ends_it_with_an_error(dataset, ask, monkeypatch) -> None:
    look = scan._scan_images

    def look_and_delete(*arguments):
        table = look(*arguments)
        dataset.delete()
        return table

    monkeypatch.setattr(scan, "_scan_images", look_and_delete)
    task = ask()
    do(task)
    assert task.state is TaskState.FAILED
    assert task.error == "faces was deleted while it was being scanned."
    assert not dataset.directory.exists()


def test_a_missing_dataset_ends_the_scan_with_an_error(ask) -> None:
    task = ask()
    do(task)
    assert (
        task.error
        == "There is no dataset named faces on this machine. Add it on the Datasets page."
    )


def test_the_supervisor_scans_alongside_other_tasks(dataset) -> None:
    directory = tasks.new_directory(paths.tasks_root(), "examine")
    task = queue.submit(directory, "examine", {"dataset": "faces"})
    until = time.monotonic() + 240  # on a machine that is busy otherwise
    while task.state.is_active and time.monotonic() < until:
        time.sleep(0.1)
    assert task.state is TaskState.FINISHED, task.log()
    assert quality.read_scan_result(dataset) is not None
    assert supervisor.KINDS["examine"].lane not in ("training", "light")


# Faces


def test_faces_are_searched_in_the_same_random_sample_each_time(dataset) -> None:
    looked_at: list[np.ndarray] = []

    def detects(image: np.ndarray) -> bool:
        looked_at.append(image)
        return len(looked_at) % 2 == 0

    told = []
    search = scan_task.search_faces(dataset, 10, detects, lambda *said: told.append(said))
    assert len(looked_at) == 10
    assert (np.diff(search.positions) > 0).all()
    assert search.found.tolist() == [False, True] * 5
    again = scan_task.search_faces(dataset, 10, lambda image: True, lambda *said: None)
    assert again.positions.tolist() == search.positions.tolist()
    assert told[0] == (0, 10, "Searched 0 of 10 images for a face")
    kept = quality.read_face_search(dataset)
    assert kept.found.all()


def test_images_without_a_face_are_a_finding(dataset) -> None:
    seen = scan.scan("faces", lambda *said: None)
    without = {3, 8}
    positions = iter(range(46))
    search = scan_task.search_faces(
        dataset, 100, lambda image: next(positions) not in without, lambda *said: None
    )
    finding = quality.find_problems(seen, dataset.index, search)[-1]
    assert finding.kind == "faceless"
    assert finding.positions.tolist() == [3, 8]
    assert finding.of == 46
    gone = dataset.index.assign(split="excluded")
    assert quality.find_problems(seen, gone, search)[-1].images == 0


def test_missing_files_are_not_sampled(dataset) -> None:
    (dataset.root / dataset.index["path"].iloc[5]).unlink()
    search = scan_task.search_faces(dataset, 46, lambda image: True, lambda *said: None)
    assert len(search.positions) == 45
    assert 5 not in search.positions


def test_a_face_search_without_images_is_refused(dataset) -> None:
    with pytest.raises(ValueError, match="must be at least 1. Received: -1"):
        scan_task.search_faces(dataset, -1, lambda image: True, lambda *said: None)


def test_the_face_search_finds_a_face_and_none_in_noise(tmp_path, ask) -> None:
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    root = write_tree(tmp_path / "mixed", {"happy": 3, "sad": 3})
    Image.fromarray(data.astronaut()).save(root / "happy" / "astronaut.png")
    dataset = import_source(root, "faces")
    task = ask(faces=7)
    do(task)
    assert task.state is TaskState.FINISHED, task.error
    search = quality.read_face_search(open_dataset("faces"))
    found = search.positions[search.found]
    assert dataset.index["path"].iloc[found].tolist() == ["happy/astronaut.png"]


def test_a_result_is_not_written_through_a_link_in_a_dataset_that_was_copied_in(
    dataset: Dataset, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "seen.npz").write_text("years of work")
    shutil.rmtree(folder(dataset), ignore_errors=True)
    folder(dataset).symlink_to(elsewhere)
    with pytest.raises(FerError, match="not a link"):
        scan.scan(dataset.name, lambda done, total, message: None)
    assert (elsewhere / "seen.npz").read_text() == "years of work"
    assert len(list(elsewhere.iterdir())) == 1
