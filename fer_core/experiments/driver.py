"""The process of an experiment: queues its trials, resumes them, and ends with the last one."""

import time

from fer_core.experiments.experiment import Experiment
from fer_core.experiments.pruning import prune
from fer_core.experiments.submit import queue_trials
from fer_core.runs import Run
from fer_core.storage import write_json
from fer_core.tasks import CancelledError, Progress, Task, queue

POLL_SECONDS = 1.0


def run_experiment(task: Task) -> None:
    """Sees an experiment through to its end; called by the worker.

    It holds nothing that is not on disk: killed and started again, it goes on where it was.

    Raises:
        CancelledError: the experiment was stopped, and its runs with it.
        FerError: a trial cannot be queued, since the dataset is missing, for example.
    """
    driver = Driver(Experiment(task.directory))
    while not driver.step():
        time.sleep(POLL_SECONDS)
    attempt = task.attempt.name if task.attempt else "0"
    write_json(task.directory / "result.json", {"attempt": int(attempt)})


class Driver:
    """Takes the next steps of an experiment, again and again until all its trials have ended."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._ended: set[int] = set()  # numbers of trials that need no further check

    def step(self) -> bool:
        """Does what is due and returns whether all trials have ended."""
        experiment = self.experiment
        if experiment.stop_requested:
            raise CancelledError
        for number in range(experiment.submitted):
            if number not in self._ended and _has_ended(experiment.run(number)):
                self._ended.add(number)
        self._prune()
        queue_trials(experiment)
        count = experiment.plan.count
        experiment.save_progress(Progress(len(self._ended), count, "trials"))
        return len(self._ended) == count

    def _prune(self) -> None:
        pruning = self.experiment.plan.pruning
        if pruning is not None:
            runs = self.experiment.runs
            for run in runs:
                prune(run, runs, pruning)


def _has_ended(run: Run | None) -> bool:
    """Tells whether a trial has ended, or its run was deleted; resumes an interrupted one."""
    if run is None:
        return True
    if queue.can_auto_resume(run):
        queue.auto_resume(run)
    return not run.state.is_active
