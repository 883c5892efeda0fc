"""Sums an experiment up: its trials in a table, the best of them, and its one look at test."""

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from fer_core.errors import FerError
from fer_core.evaluation import Overview, overview
from fer_core.experiments.experiment import Experiment, Trial
from fer_core.experiments.plan import FOLDS
from fer_core.runs import open_run, open_test_task
from fer_core.storage import read_record, write_json
from fer_core.tasks import Task, kinds

_TEST = "test.json"


@dataclass(frozen=True)
class TrialSummary:
    """Holds a trial and what its run has reached."""

    trial: Trial
    overview: Overview | None  # None if there is no run

    @property
    def settings(self) -> dict[str, Any]:
        """Returns the settings in which the trials differ."""
        return self.trial.settings

    @property
    def val_accuracy(self) -> float | None:
        """Returns the validation accuracy of the best epoch; None before the first has ended."""
        return self.overview.best_accuracy if self.overview else None


def summarize(experiment: Experiment) -> list[TrialSummary]:
    """Returns the trials in their order."""
    return [
        TrialSummary(trial, overview(trial.run) if trial.run is not None else None)
        for trial in experiment.trials
    ]


def best_trial(found: list[TrialSummary]) -> TrialSummary | None:
    """Returns the trial with the best validation accuracy; None before any epoch has ended."""
    scored = [each for each in found if each.val_accuracy is not None]
    return max(scored, key=lambda each: each.val_accuracy or 0.0, default=None)


def optimism(found: list[TrialSummary]) -> float | None:
    """Returns by how much the best accuracy would be too high if all trials were equally good.

    It is the expected maximum of independent normal errors. Trials are validated on the same
    images, so that their errors are less independent, and the true value is smaller.
    """
    best = best_trial(found)
    score = best.overview.val if best and best.overview else None
    number = sum(each.val_accuracy is not None for each in found)
    if best is None or score is None or number < 2:
        return None
    share = best.val_accuracy or 0.0
    error = math.sqrt(share * (1 - share) / max(1, score.accuracy.total))
    # Blom's approximation of the largest of `number` normal values.
    return error * NormalDist().inv_cdf((number - 0.375) / (number + 0.25))


@dataclass(frozen=True)
class TestChoice:
    """Records of which run the test split is opened for the experiment, once and for all."""

    __test__ = False  # for pytest, which would take it for a test

    run: kinds.Name


def test_choice(experiment: Experiment) -> str:
    """Returns the id of the run whose test split is opened for the experiment, or ""."""
    choice = read_record(experiment.directory / _TEST, TestChoice)
    return choice.run if choice else ""


def open_test(experiment: Experiment) -> Task:
    """Opens the test split for the best trial on validation; of no other trial afterwards.

    Raises:
        FerError: the experiment is a cross-validation, is active or has no finished trial, or as in
            `runs.open_test_task`.
    """
    if experiment.plan.kind == FOLDS:
        raise FerError(
            "A cross-validation is about a recipe, not about one of its models: train the recipe "
            "on the dataset's own splits to open test. The best fold is merely the easiest one."
        )
    if experiment.state.is_active:
        raise FerError(
            "The test split can be opened once the experiment has ended: it is opened for one "
            f"trial alone. {experiment.id} is {experiment.state}."
        )
    with experiment.lock():
        chosen = test_choice(experiment)
        if not chosen:
            best = best_trial(summarize(experiment))
            if best is None or best.trial.run is None:
                raise FerError(f"No trial of {experiment.id} has been validated.")
            chosen = best.trial.run.id
        task = open_test_task(open_run(chosen))
        write_json(experiment.directory / _TEST, asdict(TestChoice(chosen)))
    return task
