import math
import time
from dataclasses import replace

import pytest

from fer_core.datasets.synthetic.generate import draw_dataset
from fer_core.experiments import (
    RANDOM,
    TPE,
    Dimension,
    Experiment,
    Plan,
    Pruning,
    random_settings,
    resume_experiment,
    submit_experiment,
)
from fer_core.experiments import submit as submitting
from fer_core.experiments.driver import Driver
from fer_core.runs import PRUNED, RECIPES, Run, TrainConfig, continue_run, list_runs
from fer_core.tasks import CancelledError, TaskState, exit_status, queue
from fer_core.tasks.supervisor import take
from tests.experiments.trials import begin, end

RATES = {
    "learning_rate": Dimension(low=1e-5, high=1e-1, log=True),
    "rotation": Dimension(low=0, high=20),
    "image_size": Dimension(values=([48, 48], [64, 64])),
}


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts no supervisor: what is submitted stays queued."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def settings() -> TrainConfig:
    draw_dataset("faces", count=210)
    return replace(RECIPES["cnn_classic"].config, dataset="faces", epochs=6)


def started(plan: Plan) -> tuple[Experiment, Driver]:
    experiment = submit_experiment(plan)
    take(experiment)
    return experiment, Driver(experiment)


def accuracy(config: TrainConfig) -> float:
    """Returns a score that is best at a learning rate of 0.001."""
    return 0.8 - 0.1 * abs(math.log10(config.learning_rate) + 3)


def test_tpe_proposes_one_trial_after_another_and_comes_close_to_the_best() -> None:
    pytest.importorskip("optuna")
    plan = Plan(TPE, settings(), time.time(), space=RATES, proposals=14, seed=1)
    experiment, driver = started(plan)
    while not driver.step():
        (active,) = [run for run in experiment.runs if run.state.is_active]
        end(active, [accuracy(active.config)])
    trials = experiment.trials
    assert len(list_runs()) == len(trials) == 14
    later = [accuracy(run.config) for run in experiment.runs[8:]]
    assert max(later) > 0.75 and sum(later) / len(later) > 0.66  # 0.70 is a decade off
    assert {tuple(run.config.image_size) for run in experiment.runs} <= {(48, 48), (64, 64)}
    assert trials[0].settings.keys() == RATES.keys()


def test_a_proposal_is_kept_if_the_process_dies_before_it_is_queued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("optuna")
    plan = Plan(TPE, settings(), time.time(), space=RATES, proposals=3)
    experiment, driver = started(plan)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(submitting.queue, "submit", die)
        driver.step()
    (made,) = list_runs()
    Driver(experiment).step()
    (run,) = list_runs()
    assert run == made and run.state is TaskState.QUEUED and experiment.submitted == 1


def pruned_experiment(others: int = 2) -> tuple[Experiment, Driver]:
    trials = tuple(random_settings({"learning_rate": RATES["learning_rate"]}, 4, seed=0))
    pruning = Pruning(epochs=2, others=others)
    return started(Plan(RANDOM, settings(), time.time(), trials, pruning=pruning))


def test_a_trial_below_the_median_of_the_others_is_pruned_and_says_so() -> None:
    experiment, driver = pruned_experiment()
    first, second, third, fourth = experiment.runs
    begin(first, [0.1, 0.1, 0.1])
    driver.step()
    assert not first.stop_requested  # there is nothing to compare it with
    end(first, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    end(second, [0.1, 0.4, 0.5, 0.6, 0.7, 0.8])
    begin(third, [0.1])
    driver.step()
    assert not third.stop_requested  # it is too early
    begin(third, [0.1, 0.29])
    driver.step()
    assert third.state is TaskState.STOPPING
    end(third, [0.1, 0.29])
    begin(fourth, [0.35, 0.1])  # its best epoch counts
    driver.step()
    assert not fourth.stop_requested
    result = third.result
    assert result is not None and result.reason == PRUNED and "30" in result.remark


def test_a_pruned_trial_that_somebody_continues_is_left_alone() -> None:
    experiment, driver = pruned_experiment(others=1)
    first, second, *_ = experiment.runs
    end(first, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    begin(second, [0.1, 0.1])
    driver.step()
    end(second, [0.1, 0.1])
    (second.directory / "checkpoints").mkdir()
    continue_run(second, 4)
    begin(second, [0.1, 0.1, 0.1])
    Driver(experiment).step()
    assert second.state is TaskState.RUNNING and not second.stop_requested


def test_resuming_an_experiment_resumes_what_was_stopped_but_not_what_was_pruned() -> None:
    experiment, driver = pruned_experiment(others=1)
    first, pruned, stopped, _ = experiment.runs
    end(first, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    begin(pruned, [0.1, 0.1])
    driver.step()
    end(pruned, [0.1, 0.1])
    begin(stopped, [0.3])
    experiment.request_stop()
    with pytest.raises(CancelledError):
        driver.step()
    end(stopped, [0.3])
    for run in (pruned, stopped):
        (run.directory / "checkpoints").mkdir()
    assert experiment.attempt is not None
    (experiment.attempt / "exit.json").write_text(exit_status.exit_record(0))
    resume_experiment(experiment)
    assert stopped.state is TaskState.QUEUED and stopped.goal.epochs == 6
    assert pruned.state is TaskState.FINISHED


def test_an_interrupted_trial_is_resumed_whatever_the_preference() -> None:
    experiment, driver = pruned_experiment()
    first: Run = experiment.runs[0]
    begin(first, [0.1])
    (first.attempt / "process.json").unlink()  # type: ignore[operator]
    assert first.state is TaskState.INTERRUPTED
    assert not driver.step()
    assert first.state is TaskState.QUEUED
