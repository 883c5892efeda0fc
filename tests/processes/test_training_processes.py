"""Real training processes: they finish, stop, fail, are killed, and go on."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.evaluation.calibration import apply_temperature
from fer_core.inference.recognition import Classifier
from fer_core.runs.config import TrainConfig
from fer_core.runs.listing import open_run
from fer_core.runs.records import COMPLETED
from fer_core.runs.run import Run
from fer_core.runs.submit import continue_run, open_test_task, resume_run, submit_run
from fer_core.storage import paths
from fer_core.storage.reading import read_json
from fer_core.tasks import processes, queue
from fer_core.tasks import task as tasks
from fer_core.tasks.task import TaskState
from tests.conftest import end_supervisor, supervisors
from tests.processes.conftest import wait_until


def ended(run: tasks.Task) -> bool:
    return not run.state.is_active


def trains(run: Run, epochs: int = 1) -> bool:
    return run.state is TaskState.RUNNING and len(run.history) >= epochs


def ask_for_faces() -> tasks.Task:
    """Asks for another data set, which a process draws within a second."""
    directory = tasks.new_directory(paths.tasks_root(), "draw")
    return queue.submit(directory, "draw", {"name": "more-faces", "count": 70, "seed": 1})


def supervisor() -> psutil.Process:
    return psutil.Process(int(read_json(processes.supervisor_file())["pid"]))


def test_a_killed_supervisor_takes_its_trainer_along(endless: TrainConfig) -> None:
    run = submit_run(endless)
    wait_until(lambda: trains(run))
    boss = supervisor()
    trainer = boss.children()[0]
    boss.kill()
    wait_until(lambda: not trainer.is_running() or trainer.status() == psutil.STATUS_ZOMBIE)
    wait_until(lambda: ended(run))
    assert run.state is TaskState.INTERRUPTED
    assert "supervisor, which starts all work, was killed" in run.interruption
    assert "can be resumed" in run.interruption and run.ended is not None
    resume_run(run)
    wait_until(lambda: trains(run))


def test_runs_wait_for_each_other_but_not_an_import(endless: TrainConfig) -> None:
    first = submit_run(endless)
    wait_until(lambda: first.state is TaskState.RUNNING)
    second = submit_run(endless)
    drawing = ask_for_faces()
    wait_until(lambda: ended(drawing))
    assert drawing.state is TaskState.FINISHED
    assert (first.state, second.state) == (TaskState.RUNNING, TaskState.QUEUED)
    first.request_stop()
    wait_until(lambda: second.state is TaskState.RUNNING)


def test_two_submissions_at_once_give_two_runs_and_one_supervisor(quick: TrainConfig) -> None:
    program = (
        "from dataclasses import replace; from fer_core.runs.recipes import RECIPES;"
        "from fer_core.runs.submit import submit_run;"
        "submit_run(replace(RECIPES['cnn_classic'].config, dataset='faces', epochs=10_000))"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", program], cwd=paths.PROJECT) for _ in range(2)
    ]
    assert [starter.wait(120) for starter in starters] == [0, 0]
    runs = [open_run(task.id) for task in map(tasks.Task, tasks.directories(paths.runs_root()))]
    assert len(runs) == 2
    wait_until(lambda: any(run.state is TaskState.RUNNING for run in runs))
    states = sorted(run.state for run in runs)
    assert states == [TaskState.QUEUED, TaskState.RUNNING]
    # The second waits some seconds for the lock, in case the first is just leaving, and then goes.
    wait_until(lambda: len(supervisors()) == 1)
    assert sorted(run.state for run in runs) == states


def test_an_idle_supervisor_leaves_and_a_submission_starts_another(workspace: Path) -> None:
    processes.ensure_supervisor()
    wait_until(processes.supervisor_file().exists)
    wait_until(lambda: not processes.supervisor_file().exists())
    drawing = ask_for_faces()
    wait_until(lambda: ended(drawing))
    assert drawing.state is TaskState.FINISHED


def test_a_request_that_makes_no_sense_does_not_stop_the_queue(workspace: Path) -> None:
    bad = tasks.new_directory(paths.tasks_root(), "bad")
    (bad / "request.json").write_text('{"kind": "draw", "surprise": 1}')
    drawing = ask_for_faces()
    wait_until(lambda: ended(drawing))
    assert drawing.state is TaskState.FINISHED
    assert tasks.Task(bad).state is TaskState.FAILED


def test_a_training_that_is_stopped_before_its_first_batch_was_never_begun(
    quick: TrainConfig,
) -> None:
    run = submit_run(quick)
    wait_until(lambda: run.state is TaskState.RUNNING)
    run.request_stop()  # it needs seconds to load what it computes with
    wait_until(lambda: ended(run))
    assert run.state is TaskState.CANCELLED, run.log()
    assert not len(run.history) and run.model_file is None
    resume_run(run)
    wait_until(lambda: ended(run))
    assert run.state is TaskState.FINISHED and run.result.epochs == quick.epochs


def test_a_finished_run_is_complete_and_works_in_another_workspace_with_the_same_images(
    quick: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = submit_run(replace(quick, test_at_end=False))
    wait_until(lambda: ended(there))
    check_finished(there)
    recorded = there.predictions("val")[[f"p_{name}" for name in there.class_names]].to_numpy()
    end_supervisor()
    monkeypatch.setenv("FER_HOME", str(tmp_path / "elsewhere"))
    run = Run(paths.runs_root() / there.id)
    shutil.copytree(there.directory, run.directory)
    with pytest.raises(ValueError, match="needs the images that it was trained on"):
        continue_run(run, 1)
    faces = draw_dataset(quick.dataset, count=140)
    assert run.state is TaskState.FINISHED and not queue.waiting()
    answers = Classifier.load(run).predict([faces.image(row) for row in faces.select("val")])
    expected = apply_temperature(recorded, run.calibration().temperature)
    assert np.allclose(answers, expected, atol=1e-5)
    opening = open_test_task(run)
    wait_until(lambda: ended(opening))
    assert run.test_opened is not None, opening.error
    assert len(run.predictions("test")) == 14
    continue_run(run, 1)
    wait_until(lambda: ended(run))
    assert run.state is TaskState.FINISHED and run.result.reason == COMPLETED, run.error
    assert list(run.history["epoch"]) == [0, 1, 2]
    assert run.history[:2].equals(there.history)
    assert there.test_opened is None and len(there.history) == 2  # the original is untouched


def check_finished(run: Run) -> None:
    assert run.state is TaskState.FINISHED, run.log()
    assert run.result is not None and run.result.reason == COMPLETED and not run.result.remark
    assert list(run.history["epoch"]) == [0, 1]
    assert run.result.val_accuracy == run.history["val_accuracy"].max()
    assert run.model_file is not None and run.test_opened is None
    assert run.counts.to_dict("list") == {"train": [16] * 7, "val": [2] * 7, "test": [2] * 7}
    predictions = run.predictions("val")
    assert len(predictions) == 14
    assert np.allclose(predictions.filter(like="p_").sum(axis=1), 1, atol=1e-4)
    assert run.duration is not None and run.started is not None
