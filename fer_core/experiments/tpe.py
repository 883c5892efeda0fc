"""Asks Optuna's tree-structured Parzen estimator for the settings of the next trial.

The runs are the only record of what was tried: the study is built from them for each question, so
that nothing is lost with a process that is killed, and a run that is deleted is forgotten.
"""

import json
import logging
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.experiments.experiment import Experiment, Trial
from fer_core.experiments.space import Dimension, Settings, Value
from fer_core.runs import PRUNED
from fer_core.storage import replacing
from fer_core.tasks import TaskState

if TYPE_CHECKING:
    import optuna

JOURNAL = "optuna.log"  # of `optuna.storages.JournalStorage`, for Optuna's own tools


def problem() -> str:
    """Returns a sentence if Optuna is not installed on this machine, else ""."""
    if find_spec("optuna") is not None:
        return ""
    return (
        "TPE needs the package optuna. Install it, `pip install optuna`, or draw the settings at "
        "random."
    )


def next_settings(experiment: Experiment, number: int) -> Settings:
    """Returns the settings that promise most after the trials that have ended.

    They depend on those, the experiment's seed and the trial's number alone. The study that was
    asked is saved in the experiment's directory.

    Args:
        number: of the trial, from 0.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(logging.WARNING)
    plan = experiment.plan
    space = {name: _distribution(dimension) for name, dimension in plan.space.items()}
    seed = int(np.random.SeedSequence((plan.seed, number)).generate_state(1)[0])
    with tempfile.TemporaryDirectory() as folder:  # not where a killed process would leave a lock
        journal = Path(folder, JOURNAL)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))),
            sampler=optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=min(10, max(4, plan.count // 3))
            ),
            study_name=experiment.id,
            direction="maximize",
        )
        for trial in experiment.trials:
            if (told := _told(trial, plan.space, space)) is not None:
                study.add_trial(told)
        params = study.ask(space).params
        with replacing(experiment.directory / JOURNAL) as temporary:
            temporary.write_bytes(journal.read_bytes())
    return {name: _value(dimension, params[name]) for name, dimension in plan.space.items()}


def _distribution(dimension: Dimension) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if dimension.values:
        return CategoricalDistribution([_choice(value) for value in dimension.values])
    low, high = dimension.low or 0.0, dimension.high or 0.0
    if dimension.whole:
        return IntDistribution(int(low), int(high), log=dimension.log)
    return FloatDistribution(low, high, log=dimension.log)


def _choice(value: Any) -> Value:
    """Returns the value as Optuna takes it: sizes and other lists as text."""
    is_list = isinstance(value, (list, tuple))
    return json.dumps(value) if is_list else value


def _value(dimension: Dimension, param: Any) -> Any:
    if dimension.values:
        return next(value for value in dimension.values if _choice(value) == param)
    return dimension.rounded(param)


def _told(
    trial: Trial,
    space: Mapping[str, Dimension],
    distributions: Mapping[str, "optuna.distributions.BaseDistribution"],
) -> "optuna.trial.FrozenTrial | None":
    """Returns what Optuna is told of a trial; None if it has no result."""
    import optuna

    run = trial.run
    result = run.result if run is not None else None
    if run is None or result is None or run.state is not TaskState.FINISHED:
        return None
    was_pruned = result.reason == PRUNED
    history = run.history
    return optuna.trial.create_trial(
        params={name: _choice(trial.settings[name]) for name in space},
        distributions=dict(distributions),
        value=None if was_pruned else result.val_accuracy,
        intermediate_values=dict(
            zip(history["epoch"].astype(int).tolist(), history["val_accuracy"], strict=True)
        ),
        state=optuna.trial.TrialState.PRUNED if was_pruned else optuna.trial.TrialState.COMPLETE,
    )
