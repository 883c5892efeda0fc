"""Previews of imports, by the worker, and the numbering that a model proposes."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_core.datasets.importing import import_task, previewing
from fer_core.datasets.importing.preview import FACES, PREVIEW, PROPOSAL, Preview, Proposal
from fer_core.datasets.layouts import Choices
from fer_core.inference.numbering_proposal import propose_numbering
from fer_core.storage import paths
from fer_core.storage.records import read_record
from fer_core.tasks import kinds, queue, supervisor, worker
from fer_core.tasks import task as tasks
from fer_core.tasks.exit_status import exit_file, exit_record
from fer_core.tasks.task import Task, TaskState
from tests.datasets.trees import write_tree
from tests.inference.test_recognition import brightness_model, save_run

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def pretrained(workspace: Path) -> None:
    """A pretrained model that calls dark faces sad, and bright ones happy."""
    run = save_run(brightness_model())
    paths.pretrained_root().mkdir()
    run.directory.rename(paths.pretrained_root() / "tiny")


def submit_preview(source: Path) -> Task:
    directory = tasks.new_directory(paths.tasks_root(), kinds.PREVIEW)
    return queue.submit(directory, kinds.PREVIEW, {"source": str(source), "name": "faces"})


def do(task: Task) -> None:
    attempt = supervisor.take(task)
    assert attempt is not None
    exit_file(attempt).write_text(exit_record(worker.work(task)))


def dark_and_bright(folder: Path) -> Path:
    """Writes dark images of class 3, and bright ones of class 1, as FER+ numbers sad and happy."""
    for name, shade in (("3", 10), ("1", 240)):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (48, 48), shade + number).save(folder / name / f"{number}.png")
    return folder


def test_a_preview_has_faces_and_a_numbering_that_the_model_agrees_with(
    tmp_path: Path, pretrained: None
) -> None:
    task = submit_preview(dark_and_bright(tmp_path / "faces"))
    do(task)
    assert task.state is TaskState.FINISHED, task.error
    preview = read_record(task.directory / PREVIEW, Preview)
    assert preview is not None and preview.classes == {"1": 4, "3": 4}
    assert [question.about for question in preview.read(Choices())[0].questions] == ["numbering"]
    face = np.asarray(Image.open(task.directory / FACES / "0.jpg"))
    assert face.shape == (72, 224, 3) and face[:, :70].min() > 230
    proposal = read_record(task.directory / PROPOSAL, Proposal)
    assert proposal is not None and proposal.best == "fer+" and proposal.images == 8
    assert proposal.shares["fer+"] == 1 and proposal.shares["fer2013"] == 0


def test_without_numbers_or_a_model_nothing_is_proposed(tmp_path: Path, pretrained: None) -> None:
    words = write_tree(tmp_path / "words", {"happy": 2, "sad": 2})
    numbers = write_tree(tmp_path / "numbers", {"1": 2, "3": 2})
    with previewing(words) as plan:
        assert propose_numbering(plan) is None
    shutil.rmtree(paths.pretrained_root())
    with previewing(numbers) as plan:
        assert propose_numbering(plan) is None


def test_an_archive_is_extracted_once_whatever_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path / "faces", {"S005": 2, "S010": 2})
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "faces")
    task = submit_preview(Path(archive))
    do(task)
    preview = read_record(task.directory / PREVIEW, Preview)
    assert preview is not None and preview.problem and preview.others == ("any",)
    monkeypatch.setattr(import_task, "extract_archive", lambda *_: pytest.fail("extracted again"))
    assert task.request is not None
    arguments = {**task.request.arguments, "choices": {"layout": "any"}}
    queue.submit(task.directory, kinds.PREVIEW, arguments)
    do(task)
    preview = read_record(task.directory / PREVIEW, Preview)
    assert preview is not None and preview.classes == {"S005": 2, "S010": 2}
    assert not preview.problem


def test_a_stopped_preview_shows_nothing(tmp_path: Path) -> None:
    task = submit_preview(write_tree(tmp_path / "faces", {"happy": 2, "sad": 2}))
    attempt = supervisor.take(task)
    assert attempt is not None
    (attempt / "stop").touch()
    exit_file(attempt).write_text(exit_record(worker.work(task)))
    assert task.state is TaskState.CANCELLED
    assert not (task.directory / PREVIEW).exists()


def test_a_permuted_numbering_of_fer2013_is_seen(
    fer2013_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "pretrained_root", lambda: PROJECT / "fer_core" / "pretrained")
    script = [sys.executable, str(fer2013_dir / "fer2013.py"), "csv", str(tmp_path / "all.csv")]
    subprocess.run(script, check=True)
    faces = pd.read_csv(tmp_path / "all.csv")
    faces = faces[faces["Usage"] == "PrivateTest"].groupby("emotion").head(40)
    ferplus = {0: 4, 1: 5, 2: 6, 3: 1, 4: 3, 5: 2, 6: 0}
    faces.assign(emotion=faces["emotion"].map(ferplus)).to_csv(tmp_path / "faces.csv", index=False)
    with previewing(tmp_path / "faces.csv") as plan:
        assert plan.classes.numbering == "fer2013"
        proposal = propose_numbering(plan)
    assert proposal is not None and proposal.best == "fer+"
    assert proposal.shares["fer+"] > 0.55 and proposal.shares["fer2013"] < 0.25
