"""Reads the directory of an experiment, and the runs that it names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from fer_core import access, tasks
from fer_core.errors import FerError
from fer_core.experiments.plan import Plan
from fer_core.experiments.space import Settings
from fer_core.runs import Run, TrialRecord
from fer_core.storage import Count, cached_by_mtime, paths, read_record
from fer_core.tasks import Task

PLAN, SUBMITTED = "experiment.json", "submitted.json"


@dataclass(frozen=True)
class Submitted:
    """Counts the trials whose runs were queued, in order; the content of `submitted.json`.

    The run of such a trial is not made again when somebody has deleted it.
    """

    submitted: Count = 0


@dataclass(frozen=True)
class Trial:
    """Holds a trial: its settings, and its run once there is one."""

    number: int  # from 0
    settings: Settings  # that differ from the experiment's; none before TPE has proposed them
    run: Run | None  # None before it is queued, and after it was deleted
    is_deleted: bool = False


@dataclass(frozen=True)
class Experiment(Task):
    """Represents a group of runs: a task that queues them, and ends when all of them have."""

    @property
    def title(self) -> str:
        """Returns the title that the user gave the experiment, or else its id."""
        return self.plan.title or self.id

    @property
    def plan(self) -> Plan:
        """Returns what was planned; it never changes.

        Raises:
            FerError: it is missing or damaged.
        """
        plan = _plan(self.directory / PLAN)
        if plan is None:
            raise FerError(f"There is no experiment {self.id}.")
        return plan

    @property
    def problem(self) -> str:
        """Returns a sentence if the experiment's files are damaged, else ""."""
        try:
            _ = self.plan, self.submitted
        except FerError as error:
            return f"{self.id} cannot be read: {error}"
        return ""

    @property
    def submitted(self) -> int:
        """Returns how many trials, from the first, have been queued."""
        return (read_record(self.directory / SUBMITTED, Submitted) or Submitted()).submitted

    @property
    def trials(self) -> list[Trial]:
        """Returns all trials that are planned or were made."""
        plan, submitted = self.plan, self.submitted
        return [self._trial(plan, number, submitted) for number in range(plan.count)]

    @property
    def runs(self) -> list[Run]:
        """Returns the runs of the trials, in their order, without those that were deleted."""
        return [trial.run for trial in self.trials if trial.run is not None]

    def request_stop(self, reason: str = "") -> None:
        """Stops all runs and makes no more; whoever stops the task means its runs too.

        Raises:
            AccessError: changes are switched off.
        """
        access.current().require_write()
        with self.lock():  # after which its process sees that it has been stopped
            super().request_stop(reason)
            for run in self.runs:
                if run.state.is_active:
                    run.request_stop()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes from queuing or stopping the runs within the block."""
        with FileLock(self.directory / "trials.lock"):
            yield

    def run(self, number: int) -> Run | None:
        """Returns the run of a trial, numbered from 0; None if there is none."""
        record = TrialRecord(self.id, number)
        run = Run(paths.runs_root() / record.run_id)
        return run if run.trial == record and not run.problem else None

    def _trial(self, plan: Plan, number: int, submitted: int) -> Trial:
        run = self.run(number)
        is_deleted = run is None and number < submitted
        if plan.trials:
            return Trial(number, plan.trials[number], run, is_deleted)
        settings = {} if run is None else {name: run.config.setting(name) for name in plan.space}
        return Trial(number, settings, run, is_deleted)


_plan = cached_by_mtime(lambda path: read_record(path, Plan))


def list_experiments() -> list[Experiment]:
    """Returns all readable experiments, newest first."""
    return [experiment for experiment in _all_experiments() if not experiment.problem]


def unreadable_experiments() -> list[Experiment]:
    """Returns the experiments that cannot be read; `Experiment.problem` says why."""
    return [experiment for experiment in _all_experiments() if experiment.problem]


def open_experiment(experiment_id: str) -> Experiment:
    """Opens an experiment by its id.

    Raises:
        FerError: there is none, or it cannot be read.
    """
    # The id may come from a URL that anyone can type.
    if Path(experiment_id).name == experiment_id and not experiment_id.startswith("."):
        experiment = Experiment(paths.experiments_root() / experiment_id)
        if os.path.lexists(experiment.directory / PLAN):
            if experiment.problem:
                raise FerError(experiment.problem)
            return experiment
    raise FerError(
        f"There is no experiment {experiment_id[:100]}. Choose one listed on the Runs page."
    )


def _all_experiments() -> list[Experiment]:
    found = map(Experiment, tasks.directories(paths.experiments_root()))
    return [experiment for experiment in found if os.path.lexists(experiment.directory / PLAN)]
