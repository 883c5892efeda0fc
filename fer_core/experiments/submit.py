"""Submits, resumes and deletes experiments, and queues the runs of their trials."""

import shutil
from dataclasses import asdict

from fer_core import access, tasks
from fer_core.datasets import open_dataset
from fer_core.errors import FerError
from fer_core.experiments import tpe
from fer_core.experiments.experiment import PLAN, SUBMITTED, Experiment, Submitted
from fer_core.experiments.plan import TPE, Plan
from fer_core.runs import (
    STOPPED,
    Run,
    TrainConfig,
    TrialRecord,
    check_run,
    continue_run,
    create_trial,
    resume_run,
)
from fer_core.storage import paths, write_json
from fer_core.tasks import TaskState, kinds, queue


def submit_experiment(plan: Plan) -> Experiment:
    """Creates an experiment and queues its runs.

    Everything is checked before anything is written. If this process ends in between, the
    experiment's own process queues the runs that are missing; none is made twice.

    Raises:
        FerError: there is no such dataset, or as in `runs.check_run`, of any trial.
    """
    tasks.check_submission()
    plan.check()
    configs = plan.configs
    if plan.kind == TPE and tpe.problem():
        raise FerError(tpe.problem())
    for name in {config.dataset for config in configs}:
        open_dataset(name)
    for config in configs:
        check_run(config)
    name = f"{plan.kind}_{plan.base.dataset}"
    experiment = Experiment(tasks.new_directory(paths.experiments_root(), name))
    try:
        write_json(experiment.directory / PLAN, asdict(plan))
        queue.submit(experiment.directory, kinds.EXPERIMENT)
    except BaseException:
        shutil.rmtree(experiment.directory, ignore_errors=True)
        raise
    if plan.kind != TPE:  # whose first proposal loads Optuna into this process
        queue_trials(experiment)
    return experiment


def queue_trials(experiment: Experiment) -> None:
    """Queues the trials that have not been queued yet; see `queue_trial`.

    TPE proposes a trial when the one before has ended.
    """
    with experiment.lock():
        plan, first = experiment.plan, experiment.submitted
        if experiment.stop_requested or first == plan.count:
            return
        if plan.kind == TPE:
            if not any(run.state.is_active for run in experiment.runs):
                queue_trial(experiment, first, _proposed(experiment, first))
            return
        for number, config in enumerate(plan.configs[first:], first):
            queue_trial(experiment, number, config)


def _proposed(experiment: Experiment, number: int) -> TrainConfig:
    """Returns the settings of a trial of TPE: those of its run, if a killed process has made it."""
    run = experiment.run(number)
    if run is not None:
        return run.config
    return experiment.plan.base.with_settings(tpe.next_settings(experiment, number))


def queue_trial(experiment: Experiment, number: int, config: TrainConfig) -> None:
    """Makes and queues the run of a trial, as far as that has not been done; needs its `lock`.

    The trial's number names the run, so that a process that was killed in between leaves a run
    that is completed here, and never a second one.

    Raises:
        FerError: as in `runs.check_run`, or another folder has the run's name.
    """
    record = TrialRecord(experiment.id, number)
    run = Run(paths.runs_root() / record.run_id)
    if not run.directory.exists():
        create_trial(config, record)
    elif run.trial != record:
        raise FerError(
            f"Trial {number + 1} of {experiment.id} needs the name {run.id}, which another folder "
            "in the folder of runs has. Rename or delete that folder, then resume the experiment."
        )
    with queue.lock():
        if not run.was_submitted:
            queue.submit(run.directory, kinds.TRAIN)
    write_json(experiment.directory / SUBMITTED, asdict(Submitted(number + 1)))


def resume_experiment(experiment: Experiment) -> None:
    """Goes on with an experiment that was stopped, or that an error ended, and with its runs.

    Raises:
        FerError: it is active or has finished, or the dataset is missing or has changed.
    """
    state = experiment.state
    if state.is_active or state is TaskState.FINISHED:
        raise FerError(f"Only a stopped experiment can be resumed. {experiment.id} is {state}.")
    for run in experiment.runs:
        _resume_trial(run)
    with queue.lock():
        if not experiment.state.is_active:
            queue.submit(experiment.directory, kinds.EXPERIMENT)


def _resume_trial(run: Run) -> None:
    """Resumes the run of a trial, if the user stopped it or an error ended it; not if pruned."""
    state, result = run.state, run.result
    if state in (TaskState.INTERRUPTED, TaskState.FAILED, TaskState.CANCELLED):
        resume_run(run)
    elif state is TaskState.FINISHED and result is not None and result.reason == STOPPED:
        missing = run.config.epochs - result.epochs
        if missing > 0 and run.can_continue:
            continue_run(run, missing)


def delete_experiment(experiment: Experiment, *, with_runs: bool) -> None:
    """Deletes an experiment.

    Args:
        with_runs: deletes its runs too; else they stay as ordinary runs.

    Raises:
        FerError: the experiment, or a run that would be deleted, is queued or running; or changes
            are switched off.
    """
    access.current().require_write()
    runs = experiment.runs if with_runs and not experiment.problem else []
    for each in (experiment, *runs):
        if each.state.is_active:
            raise FerError(f"Stop {experiment.id} before you delete it. {each.id} is {each.state}.")
    for run in runs:
        run.delete()
    experiment.delete()
