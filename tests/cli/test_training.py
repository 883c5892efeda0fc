"""The commands that start several runs, or a student."""

from dataclasses import replace
from pathlib import Path

import pytest

from fer_core.__main__ import main
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.runs import submit
from fer_core.runs.config import Augmentation, TrainConfig
from fer_core.runs.listing import list_runs
from fer_core.runs.recipes import settings_here
from fer_core.runs.run import Run
from fer_core.tasks import queue
from tests.training.in_process import go_on, trained

SMALL = ["--recipe", "cnn_classic", "--epochs", "1", "--batch-size", "16", "--no-test-at-end"]


@pytest.fixture(autouse=True)
def teacher(workspace: Path, small_model: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run; what is queued after it stays in the queue."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    draw_dataset("faces", count=140)
    return trained(TrainConfig(dataset="faces", batch_size=16, epochs=1))


def test_a_student_is_one_command(teacher: Run, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--distillation", "0.5", "--blur", "1.5", "--detach"]
    assert main(["distill", teacher.id, "--recipe", "cnn_vgg", *options]) == 0
    student = next(run for run in list_runs() if run.id in capsys.readouterr().out)
    recipe = settings_here("cnn_vgg")
    assert student.config == replace(
        recipe,
        dataset="faces",  # the teacher's
        teachers=(teacher.id,),
        distillation=0.5,
        augmentation=replace(recipe.augmentation, blur=1.5),
    )
    assert Augmentation(blur=1.5).has_camera_effects
    assert main(["distill", "nobody", "--recipe", "cnn_vgg", "--detach"]) == 1


def test_several_seeds_end_with_mean_and_spread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(submit.queue, "submit", lambda directory, kind: go_on(Run(directory)))
    assert main(["train", "--dataset", "faces", *SMALL, "--seeds", "2"]) == 0
    output = capsys.readouterr().out
    runs = [run for run in list_runs() if "-seed" in run.id]
    assert sorted(run.config.seed for run in runs) == [0, 1]
    assert all(run.id in output for run in runs)
    mean = sum(run.result.val_accuracy for run in runs) / 2
    assert f"over 2 seeds: {mean:.1%}" in output
