import time
from dataclasses import replace

import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.errors import FerError
from fer_core.experiments import (
    GRID,
    SEEDS,
    Dimension,
    Experiment,
    Plan,
    Pruning,
    delete_experiment,
    estimate,
    grid,
    list_experiments,
    make_plan,
    open_experiment,
    random_settings,
    resume_experiment,
    submit_experiment,
)
from fer_core.experiments import submit as submitting
from fer_core.experiments.driver import Driver
from fer_core.runs import RECIPES, Run, TrainConfig, list_runs
from fer_core.storage import paths
from fer_core.tasks import TaskState, queue
from fer_core.tasks.supervisor import take

RATES = {"learning_rate": Dimension(values=(1e-4, 1e-3)), "flip": Dimension(values=(True, False))}


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts no supervisor: what is submitted stays queued."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def settings() -> TrainConfig:
    draw_dataset("faces", count=210)
    return replace(RECIPES["cnn_classic"].config, dataset="faces", epochs=2)


def plan(kind: str = GRID) -> Plan:
    return Plan(kind, settings(), time.time(), tuple(grid(RATES)), space=RATES)  # type: ignore[arg-type]


def test_the_trials_of_an_experiment_are_ordinary_queued_runs() -> None:
    experiment = submit_experiment(plan())
    assert list_experiments() == [experiment]
    found = [(run.config.learning_rate, run.config.augmentation.flip) for run in experiment.runs]
    assert found == [(1e-4, True), (1e-4, False), (1e-3, True), (1e-3, False)]
    assert {run.id for run in list_runs()} == {run.id for run in experiment.runs}
    assert all(run.state is TaskState.QUEUED for run in experiment.runs)
    assert [(run.trial.experiment, run.trial.number) for run in experiment.runs if run.trial] == [
        (experiment.id, number) for number in range(4)
    ]


def test_nothing_is_written_if_one_trial_is_impossible() -> None:
    base = settings()
    for trials in ([{"learning_rate": 1e-3}, {"image_size": [8, 8]}], [{"color": 3}], []):
        with pytest.raises(FerError):
            submit_experiment(Plan(SEEDS, base, time.time(), tuple(trials)))
    for unreadable in ({"title": "a" * 101}, {"pruning": Pruning(others=501)}):
        with pytest.raises(FerError):
            submit_experiment(Plan(SEEDS, base, time.time(), ({"seed": 1},), **unreadable))  # type: ignore[arg-type]
    with pytest.raises(FerError):
        submit_experiment(Plan(SEEDS, replace(base, dataset="none"), time.time(), ({"seed": 1},)))
    assert not paths.experiments_root().exists() and not paths.runs_root().exists()


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.mark.parametrize("name", ["create_trial", "queue.submit", "write_json"])
def test_trials_that_a_killed_process_left_out_are_queued_once(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    planned = plan()
    holder, attribute = (submitting, name) if "." not in name else (queue, "submit")
    real, calls = getattr(holder, attribute), []

    def die_at_the_third(*args: object, **options: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise Killed
        return real(*args, **options)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(holder, attribute, die_at_the_third)
        submit_experiment(planned)
    (experiment,) = list_experiments()
    before = {run.id: run.request for run in list_runs() if run.state is TaskState.QUEUED}
    assert len(before) < 4
    take(experiment)
    assert not Driver(experiment).step()
    assert len(list_runs()) == len(experiment.runs) == 4
    assert before.items() <= {run.id: run.request for run in experiment.runs}.items()
    assert all(run.state is TaskState.QUEUED for run in experiment.runs)


def test_a_deleted_or_cancelled_trial_is_not_made_again() -> None:
    experiment = submit_experiment(plan())
    deleted, cancelled, *_ = experiment.runs
    deleted.cancel()
    deleted.delete()
    cancelled.cancel()
    take(experiment)
    assert not Driver(experiment).step()
    assert not deleted.directory.exists() and cancelled.state is TaskState.CANCELLED
    assert [trial.is_deleted for trial in experiment.trials] == [True, False, False, False]
    assert experiment.progress is not None and experiment.progress.done == 2


def test_a_stopped_experiment_is_resumed_with_its_runs() -> None:
    experiment = submit_experiment(plan())
    with pytest.raises(FerError):
        delete_experiment(experiment, with_runs=True)
    experiment.request_stop()
    assert experiment.state is TaskState.CANCELLED
    assert {run.state for run in experiment.runs} == {TaskState.CANCELLED}
    resume_experiment(experiment)
    assert experiment.state is TaskState.QUEUED
    assert {run.state for run in experiment.runs} == {TaskState.QUEUED}


@pytest.mark.parametrize("with_runs", [True, False])
def test_deleting_an_experiment_takes_its_runs_along_or_leaves_them(with_runs: bool) -> None:
    experiment = submit_experiment(plan())
    experiment.request_stop()
    delete_experiment(experiment, with_runs=with_runs)
    assert list_experiments() == []
    assert len(list_runs()) == (0 if with_runs else 4)


def test_an_interrupted_experiment_is_resumed_by_itself() -> None:
    experiment = submit_experiment(plan())
    take(experiment)
    (experiment.attempt / "process.json").unlink()  # type: ignore[operator]  # its process died
    assert experiment.state is TaskState.INTERRUPTED
    assert queue.resumable() == [queue.Task(experiment.directory)]
    assert queue.auto_resume(experiment)
    assert experiment.state is TaskState.QUEUED


def test_random_settings_are_within_their_ranges_and_repeatable() -> None:
    space = {
        "learning_rate": Dimension(low=1e-5, high=1e-1, log=True),
        "batch_size": Dimension(low=16, high=64, whole=True),
        "optimizer": Dimension(values=("adam", "sgd")),
    }
    drawn = random_settings(space, 40, seed=3)
    assert drawn[:7] == random_settings(space, 7, seed=3)
    assert all(1e-5 <= each["learning_rate"] <= 1e-1 for each in drawn)
    assert {type(each["batch_size"]) for each in drawn} == {int}
    assert sum(each["learning_rate"] < 1e-3 for each in drawn) in range(10, 31)
    few = {"flip": Dimension(values=(True, False))}
    assert len(random_settings(few, 40, seed=3)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"values": (1, 1)},
        {"low": 2, "high": 1},
        {"low": 0, "high": 1, "log": True},
        {"values": (1,), "low": 0, "high": 1},
        {"low": 0.5, "high": 2, "whole": True},
        {"low": 1, "high": 10**30, "whole": True},
    ],
)
def test_a_dimension_is_a_list_or_a_range(wrong: dict[str, object]) -> None:
    with pytest.raises(FerError):
        Dimension(**wrong)  # type: ignore[arg-type]


def test_the_time_is_estimated_from_an_earlier_run(trained_run: Run) -> None:
    config = replace(trained_run.config, epochs=3)
    found = estimate(make_plan(SEEDS, config, {}, 4))
    second = float(trained_run.history["seconds"].iloc[0])
    assert (found.runs, found.epochs) == (4, 12)
    assert found.seconds == pytest.approx(12 * second)
    other = replace(config, architecture="cnn_vgg")
    assert estimate(make_plan(SEEDS, other, {}, 4)).seconds is None


def test_an_experiment_that_cannot_be_read_is_listed_apart() -> None:
    experiment = submit_experiment(plan())
    (experiment.directory / "experiment.json").write_text('{"kind": "grid", "trials": 3}')
    assert list_experiments() == []
    with pytest.raises(FerError):
        open_experiment(experiment.id)
    assert Experiment(experiment.directory).problem
