"""Experiments: groups of ordinary runs that belong together, such as seeds, folds and sweeps."""

from fer_core.experiments.estimate import Estimate, estimate
from fer_core.experiments.experiment import (
    Experiment,
    Trial,
    list_experiments,
    open_experiment,
    unreadable_experiments,
)
from fer_core.experiments.plan import (
    FOLDS,
    GRID,
    MAX_TITLE_CHARS,
    RANDOM,
    SEEDS,
    Plan,
)
from fer_core.experiments.space import Dimension, Settings, grid, random_settings
from fer_core.experiments.submit import (
    delete_experiment,
    resume_experiment,
    stop_experiment,
    submit_experiment,
)

__all__ = [
    "FOLDS",
    "GRID",
    "MAX_TITLE_CHARS",
    "RANDOM",
    "SEEDS",
    "Dimension",
    "Estimate",
    "Experiment",
    "Plan",
    "Settings",
    "Trial",
    "delete_experiment",
    "estimate",
    "grid",
    "list_experiments",
    "open_experiment",
    "random_settings",
    "resume_experiment",
    "stop_experiment",
    "submit_experiment",
    "unreadable_experiments",
]
