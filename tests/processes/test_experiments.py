"""Real experiments whose processes are killed: every trial is trained, none twice."""

import contextlib
from dataclasses import replace

import psutil

from fer_core.experiments import RANDOM, Experiment, make_plan, parse_dimension, submit_experiment
from fer_core.runs import COMPLETED, Run, TrainConfig, list_runs
from fer_core.storage import paths
from fer_core.storage.reading import read_json
from fer_core.tasks import TaskState, processes, queue
from fer_core.tasks.task import Task
from tests.processes.conftest import wait_until


def process_of(task: Task) -> psutil.Process | None:
    """Returns the process that works on a task."""
    with contextlib.suppress(psutil.NoSuchProcess, TypeError):
        supervisor = psutil.Process(int(read_json(processes.supervisor_file())["pid"]))
        for child in supervisor.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.cmdline()[-1] == str(task.directory):
                    return child
    return None


def kill(task: Task, *, with_supervisor: bool = False) -> None:
    """Kills the process that works on a task, as soon as there is one, perhaps its supervisor."""
    wait_until(lambda: process_of(task), f"the process of {task.id}")
    process = process_of(task)
    assert process is not None
    (process.parent() if with_supervisor else process).kill()  # type: ignore[union-attr]
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    queue.wake()  # as every look at the app does


def is_whole(run: Run) -> bool:
    result = run.result
    return (
        run.state is TaskState.FINISHED
        and result is not None
        and result.reason == COMPLETED
        and run.history["epoch"].tolist() == list(range(run.config.epochs))
    )


def small_sweep(config: TrainConfig, trials: int) -> Experiment:
    base = replace(config, epochs=1)
    space = {"learning_rate": parse_dimension("learning_rate", "1e-4..1e-3:log")}
    return submit_experiment(make_plan(RANDOM, base, space, trials))


def test_a_sweep_survives_its_own_and_the_supervisors_death(quick: TrainConfig) -> None:
    experiment = small_sweep(quick, 2)
    first, second = experiment.runs
    kill(first, with_supervisor=True)
    wait_until(lambda: first.state is TaskState.FINISHED, "the first trial")
    kill(experiment)
    wait_until(lambda: experiment.state is TaskState.FINISHED, "the experiment")
    assert [run.id for run in reversed(list_runs())] == [first.id, second.id]
    assert is_whole(first) and is_whole(second)
    assert len(list(paths.experiments_root().iterdir())) == 1
