"""The commands for groups of runs."""

import json

import pytest

from fer_core.__main__ import main
from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import list_experiments
from fer_core.runs.listing import list_runs
from fer_core.tasks import TaskState, queue

SWEEP = ["sweep", "--dataset", "faces", "--recipe", "cnn_classic", "--epochs", "2"]
GRID = ["--kind", "grid", "--vary", "learning-rate=1e-4,1e-3", "--vary", "flip=on,off"]


@pytest.fixture(autouse=True)
def faces(workspace: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset, and no supervisor."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)
    draw_dataset("faces", count=140)


def test_an_experiment_is_made_shown_stopped_and_deleted_by_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*SWEEP, *GRID, "--dry-run"]) == 0
    assert "4 runs, 8 epochs" in capsys.readouterr().out and list_experiments() == []
    assert main([*SWEEP, *GRID, "--detach", "--title", "Rates", "--prune", "1"]) == 0
    (experiment,) = list_experiments()
    assert experiment.id in capsys.readouterr().out
    assert experiment.plan.pruning is not None and experiment.plan.pruning.epochs == 1
    assert main(["experiments", experiment.id[:12], "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["title"] == "Rates" and len(shown["runs"]) == 4
    assert shown["runs"][3]["settings"] == {"learning_rate": 1e-3, "flip": False}
    assert main(["experiments", experiment.id, "--stop"]) == 0
    assert {run.state for run in experiment.runs} == {TaskState.CANCELLED}
    assert main(["experiments", experiment.id, "--delete-runs"]) == 0
    assert list_experiments() == [] and list_runs() == []


@pytest.mark.parametrize(
    "wrong",
    [
        ["--vary", "learning_rate"],
        ["--vary", "epochs=1,2"],
        ["--vary", "learning_rate=fast,slow"],
        ["--vary", "learning_rate=1e-2..1e-3"],
        ["--vary", "image_size=48x48,8x8"],
        ["--kind", "grid", "--vary", "rotation=0..10"],
        ["--kind", "random"],
        ["--vary", "flip=on,off", "--trials", "0"],
    ],
)
def test_what_cannot_be_swept_is_said_before_anything_is_made(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SWEEP, *wrong]) == 1
    assert capsys.readouterr().err and list_experiments() == [] and list_runs() == []
